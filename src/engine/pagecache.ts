/**
 * Bringing pages of files into memory, for reading, writing or mapping. Whoever brings a page in first pays for it.
 * Kernel: mm/filemap.c, mm/shmem.c.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import type { PageCacheFile } from './file.ts'
import { addBatch } from './folio.ts'
import { isolate, joinPrevious } from './foliosplit.ts'
import { allocKernelObjects } from './kmemalloc.ts'
import { markAccessed } from './lru.ts'
import { unchargeMemory } from './memcounters.ts'
import { clearRange, cutExtent, type Extent, extentOf, firstStretch, insertExtent, removeExtent } from './pagemap.ts'
import { findCache } from './slab/slub.ts'
import { accountRefaults } from './stall.ts'
import { swapIn } from './swapin.ts'
import { NODE_PAGES, nodeIndex } from './treenodes.ts'
import { noteUse, type Use } from './use.ts'
import { type Actor, chargeUserPages } from './usercharge.ts'
import { modStatTimes, STAT } from './vmstat.ts'
import { refault, type Shadow } from './workingset.ts'
import { markDirty } from './writeback.ts'

/**
 * Brings in the first part of `start … end` that is missing, or finds that the first part is there; how many pages
 * from `start` on are in memory now. 0 if the charge was refused. `use`: how they are used.
 */
export function bringIn(e: Engine, file: PageCacheFile, start: Pages, end: Pages, actor: Actor, use: Use): Pages {
  const stretch = firstStretch(file.cache, start, end)
  if (stretch.extent !== null) {
    if (use !== 'fault') accessAgain(e, file, stretch.extent, start, stretch.pages, use, actor.cpu)
    return takeInUse(e, file, start, start + stretch.pages, actor, use)
  }
  const gone = firstStretch(file.evicted, start, start + stretch.pages)
  if (gone.extent?.swap) return swapIn(e, gone.extent.swap, start - gone.extent.start, gone.pages, actor)
  const charged = chargeUserPages(e, actor, hasNodes(actor) ? Math.min(gone.pages, pagesOfNode(start)) : gone.pages)
  if (charged === null) return 0
  const { memcg, pages } = charged
  if (hasNodes(actor) && !needNode(e, file, start, actor)) {
    if (memcg.parent !== null) unchargeMemory(e, memcg, pages)
    return 0
  }
  const shadow = takeShadow(file, start, pages)
  const kind = file.fs === 'tmpfs' ? 'shmem' : 'file'
  const batch = addBatch(e, { memcg, kind, pages, order: 0, node: actor.node }, actor.cpu)
  batch.file = file
  batch.filePage = start
  batch.referenced = use !== 'fault'
  insertExtent(file.cache, extentOf(start, pages, { batch }))
  if (use === 'write') markDirty(e, batch, actor.cpu)
  modStatTimes(e, batch.memcg, STAT.file, actor.cpu, 1, pages, actor.node)
  if (kind === 'shmem') modStatTimes(e, batch.memcg, STAT.shmem, actor.cpu, 1, pages, actor.node)
  if (shadow !== null) {
    accountRefaults(e, actor.mm, pages, shadow.workingset)
    refault(e, batch, shadow, actor.cpu)
  }
  joinPrevious(e, file.cache, start)
  e.zombies.refaultMajor += clearRange(file.dropped, start, start + pages)
  return pages
}

/** Whether the tree of a file grows with what he brings in: a `bare` task costs nothing but its pages. */
const hasNodes = ({ mm }: Actor): boolean => mm.pageTables !== null

/** Pages from page `start` on that its node finds. */
const pagesOfNode = (start: Pages): Pages => NODE_PAGES - (start % NODE_PAGES)

/** The node that is to find page `start`; false if it was refused. */
function needNode(e: Engine, file: PageCacheFile, start: Pages, { mm, cpu, node, gfp }: Actor): boolean {
  const block = Math.floor(start / NODE_PAGES)
  if (file.nodes[nodeIndex(file, block)]?.block === block) return true
  const cache = findCache(e.slab, 'radix_tree_node')!
  const object = allocKernelObjects(e, cache, 1, { memcg: mm.memcg, mm, cpu, node, gfp })
  if (object.count === 0) return false
  file.nodes.splice(nodeIndex(file, block), 0, { block, object })
  return true
}

/** What was remembered of pages that are back: that of the first, and no more of any of them. */
function takeShadow(file: PageCacheFile, start: Pages, pages: Pages): Shadow | null {
  const { evicted } = file
  const found = firstStretch(evicted, start, start + pages).extent
  if (found === null) return null
  const extent = found.start < start ? cutExtent(evicted, found, start - found.start) : found
  if (extent.pages > pages) cutExtent(evicted, extent, pages)
  removeExtent(evicted, extent)
  return extent.shadow
}

/** Pages of one extent are read or written again. */
function accessAgain(
  e: Engine,
  file: PageCacheFile,
  extent: Extent,
  start: Pages,
  pages: Pages,
  use: Use,
  cpu: Cpu,
): void {
  const batch = isolate(e, extent.batch!, start - extent.start, pages, cpu)
  markAccessed(e, batch, cpu)
  if (use === 'write') markDirty(e, batch, cpu)
  joinPrevious(e, file.cache, start)
}

/** Pages that are in memory have a new user, who may be charged for them; how many of the first are in one piece then. */
function takeInUse(e: Engine, file: PageCacheFile, start: Pages, end: Pages, actor: Actor, use: Use): Pages {
  const { extent, pages } = firstStretch(file.cache, start, end)
  noteUse(e, extent!.batch!, start - extent!.start, pages, use, actor)
  const now = firstStretch(file.cache, start, end)
  return now.extent === null ? 0 : now.pages
}

/**
 * Reads or writes `start … end` through a descriptor; how many pages it got through. Fewer than asked: a charge was
 * refused, or the thread must sleep first (`mm.sleep`).
 */
export function accessFile(
  e: Engine,
  file: PageCacheFile,
  start: Pages,
  end: Pages,
  actor: Actor,
  use: Use = 'read',
): Pages {
  let page = start
  while (page < end && actor.mm.sleep === null) {
    const done = bringIn(e, file, page, end, actor, use)
    if (done === 0) break
    page += done
  }
  return page - start
}
