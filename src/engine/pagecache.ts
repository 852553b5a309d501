/**
 * Bringing pages of files into memory, for reading, writing or mapping. Whoever brings a page in first pays for it.
 * Pages that are written are written back at once, so the page cache is always clean. Kernel: mm/filemap.c, mm/shmem.c.
 */
import type { Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import type { PageCacheFile } from './file.ts'
import { addBatch, joinPrevious } from './folio.ts'
import { clearRange, extentOf, firstStretch, insertExtent } from './pagemap.ts'
import { swapIn } from './swapin.ts'
import { noteUse, type Use } from './use.ts'
import { type Actor, chargeUserPages } from './usercharge.ts'
import { modStatTimes, STAT } from './vmstat.ts'

/**
 * Brings in the first part of `start … end` that is missing, or finds that the first part is there; how many pages
 * from `start` on are in memory now. 0 if the charge was refused.
 */
export function bringIn(e: Engine, file: PageCacheFile, start: Pages, end: Pages, use: Use, actor: Actor): Pages {
  const stretch = firstStretch(file.cache, start, end)
  const { extent } = stretch
  if (extent?.batch) {
    noteUse(e, extent.batch, start - extent.start, stretch.pages, use, actor)
    // What is used may have been split off.
    const now = firstStretch(file.cache, start, end)
    return now.extent === null ? 0 : now.pages
  }
  const gone = firstStretch(file.evicted, start, start + stretch.pages)
  if (gone.extent?.swap) {
    const back = swapIn(e, gone.extent.swap, start - gone.extent.start, gone.pages, actor)
    return back === undefined ? 0 : back.pages
  }
  const pages = chargeUserPages(e, actor, gone.pages)
  if (pages === 0) return 0
  const kind = file.fs === 'tmpfs' ? 'shmem' : 'file'
  const batch = addBatch(e, { memcg: actor.mm.memcg, kind, pages, order: 0, node: actor.node }, actor.cpu)
  batch.file = file
  batch.filePage = start
  insertExtent(file.cache, extentOf(start, pages, { batch }))
  modStatTimes(e, batch.memcg, STAT.file, actor.cpu, 1, pages, actor.node)
  if (kind === 'shmem') modStatTimes(e, batch.memcg, STAT.shmem, actor.cpu, 1, pages, actor.node)
  joinPrevious(e, file.cache, start)
  e.zombies.refaultMajor += clearRange(file.dropped, start, start + pages)
  return pages
}

/** Reads or writes `start … end` through a descriptor (`use`); how many pages it got through. */
export function accessFile(
  e: Engine,
  file: PageCacheFile,
  start: Pages,
  end: Pages,
  actor: Actor,
  use: Use = 'read',
): Pages {
  let page = start
  while (page < end) {
    const done = bringIn(e, file, page, end, use, actor)
    if (done === 0) break
    page += done
  }
  return page - start
}
