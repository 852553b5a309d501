/**
 * Locking regions in memory, and advice about them. Kernel: mm/mlock.c, mm/madvise.c.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { touchRegion } from './fault.ts'
import { type FolioBatch, relist } from './folio.ts'
import { isolate } from './foliosplit.ts'
import { inactiveList, isActive } from './lru.ts'
import { sortIntoList, unmapRange } from './mapping.ts'
import type { Vma } from './mm.ts'
import { isHeld } from './pins.ts'
import { evict } from './reclaim/evict.ts'
import { swapRoom } from './swapcharge.ts'
import { swapOut } from './swapout.ts'
import type { Actor } from './usercharge.ts'
import { modStatTimes, STAT } from './vmstat.ts'
import { evictionOf } from './workingset.ts'

/** As if nobody had used it of late. */
function clearUse(batch: FolioBatch): void {
  for (const mapper of batch.mappers) mapper.young = false
  batch.referenced = false
}

const batchesIn = ({ map }: Vma): FolioBatch[] => map.extents.flatMap(({ batch }) => batch ?? [])

/** What is there and what comes is unevictable. What is missing from page `start` on is brought in; how many pages. */
export function lockRegion(e: Engine, vma: Vma, start: Pages, actor: Actor): Pages {
  vma.isLocked = true
  for (const batch of batchesIn(vma)) sortIntoList(e, batch, actor.cpu)
  const write = vma.file === null || vma.isPrivate
  return touchRegion(e, vma, start, vma.pages, { write, order: 0 }, actor)
}

export function unlockRegion(e: Engine, vma: Vma, cpu: Cpu): void {
  vma.isLocked = false
  for (const batch of batchesIn(vma)) sortIntoList(e, batch, cpu)
}

/** The region is empty from now on, and stays; what others show or a file has stays in memory. How many pages went. */
export function dropPages(e: Engine, vma: Vma, cpu: Cpu): Pages {
  const { mapped } = vma.mm
  unmapRange(e, vma, 0, vma.pages, cpu)
  return mapped - vma.mm.mapped
}

/** Writes out what only this region shows; how many pages went. Kernel: MADV_PAGEOUT. */
export function pageOut(e: Engine, vma: Vma, cpu: Cpu): Pages {
  let out = 0
  for (const batch of batchesIn(vma)) {
    if (batch.mappers.length > 1 || isHeld(batch) || batch.list === 'unevictable') continue
    if (batch.kind === 'file') {
      out += batch.pages
      evict(e, batch, evictionOf(e, batch, batch.memcg), cpu)
      continue
    }
    const pages = swapRoom(e, batch.memcg, batch.pages)
    if (pages === 0) continue
    out += pages
    const written = isolate(e, batch, 0, pages, cpu)
    swapOut(e, written, evictionOf(e, written, batch.memcg), cpu)
  }
  return out
}

/**
 * The contents of what only this region shows are not wanted any more: reclaim frees it without writing it out, unless it
 * is written before that. How many pages. Kernel: MADV_FREE.
 */
export function makeFree(e: Engine, vma: Vma, cpu: Cpu): Pages {
  let pages = 0
  for (const batch of batchesIn(vma)) {
    if (batch.kind !== 'anon' || batch.mappers.length > 1 || batch.lazyFree || batch.list === 'unevictable') continue
    batch.lazyFree = true
    clearUse(batch)
    relist(e, batch, 'inactive_file', cpu)
    modStatTimes(e, batch.memcg, STAT.pglazyfree, cpu, 1, batch.pages)
    pages += batch.pages
  }
  return pages
}

/** What only this region shows will be reclaimed before other memory; how many pages. Kernel: MADV_COLD. */
export function makeCold(e: Engine, vma: Vma, cpu: Cpu): Pages {
  let pages = 0
  for (const batch of batchesIn(vma)) {
    if (batch.mappers.length > 1) continue
    clearUse(batch)
    if (!isActive(batch)) continue
    relist(e, batch, inactiveList(batch), cpu)
    modStatTimes(e, batch.memcg, STAT.pgdeactivate, cpu, 1, batch.pages)
    pages += batch.pages
  }
  return pages
}
