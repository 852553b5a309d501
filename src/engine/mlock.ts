/**
 * Locking regions in memory, and advice about them. Kernel: mm/mlock.c, mm/madvise.c.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { touchRegion } from './fault.ts'
import { type FolioBatch, freeBatch, isolate, removeFromFile, setList } from './folio.ts'
import { isHeld } from './held.ts'
import { sortIntoList, unmapBatch, unmapRange } from './mapping.ts'
import type { Vma } from './mm.ts'
import { swapRoom } from './swapcharge.ts'
import { swapOut } from './swapout.ts'
import type { Actor } from './usercharge.ts'
import { modStat, STAT } from './vmstat.ts'

const batchesIn = ({ map }: Vma): FolioBatch[] => map.extents.flatMap(({ batch }) => batch ?? [])

/** What is there and what comes is unevictable. It is all brought in: how many pages are there in the end. */
export function lockRegion(e: Engine, vma: Vma, actor: Actor): Pages {
  vma.isLocked = true
  for (const batch of batchesIn(vma)) sortIntoList(e, batch, actor.cpu)
  const write = vma.file === null || vma.isPrivate
  return touchRegion(e, vma, 0, vma.pages, { write, order: 0 }, actor)
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
    if (batch.mappers.length > 1 || isHeld(batch)) continue
    if (batch.kind === 'file') {
      out += batch.pages
      unmapBatch(e, batch, cpu)
      removeFromFile(e, batch, cpu)
      freeBatch(e, batch, cpu)
      continue
    }
    const pages = swapRoom(e, batch.memcg, batch.pages)
    if (pages === 0) continue
    out += pages
    swapOut(e, isolate(e, batch, 0, pages, cpu), null, cpu)
  }
  return out
}

const DEACTIVATED = { active_anon: 'inactive_anon', active_file: 'inactive_file' } as const

/** What only this region shows will be reclaimed before other memory; how many pages. Kernel: MADV_COLD. */
export function makeCold(e: Engine, vma: Vma, cpu: Cpu): Pages {
  let pages = 0
  for (const batch of batchesIn(vma)) {
    const { list } = batch
    if (batch.mappers.length > 1 || (list !== 'active_anon' && list !== 'active_file')) continue
    setList(e, batch, DEACTIVATED[list], cpu)
    modStat(e, batch.memcg, STAT.pgdeactivate, cpu, batch.pages)
    pages += batch.pages
  }
  return pages
}
