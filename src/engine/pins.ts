/**
 * Memory that somebody holds on to beside the page tables: long-term pins, device buffers, references nobody gives back.
 * While it is held it is neither freed nor evicted. Kernel: pin_user_pages, drivers/dma-buf.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, freeIfUnused } from './folio.ts'
import { isolate } from './foliosplit.ts'
import type { Mm } from './mm.ts'
import { firstStretch, type PageMap } from './pagemap.ts'

/** Holders that are no address space, whose ids begin at 1. */
export const DEVICE = 0
export const LEAK = -1
/** Held while its charge moves. */
export const MOVING = -2

export const isHeld = (batch: FolioBatch): boolean => batch.holders.length > 0

export function hold(batch: FolioBatch, holder: number): void {
  batch.holders = [...batch.holders, holder]
}

/** Takes one hold of that holder away; false if it has none. What nobody uses any more is freed. */
export function unhold(e: Engine, batch: FolioBatch, holder: number, cpu: Cpu): boolean {
  const index = batch.holders.indexOf(holder)
  if (index === -1) return false
  batch.holders = batch.holders.toSpliced(index, 1)
  freeIfUnused(e, batch, cpu)
  return true
}

/** Pins the first `pages` pages of a map that are in memory; how many there were. */
export function pinPages(e: Engine, mm: Mm, map: PageMap, pages: Pages, cpu: Cpu): Pages {
  return eachPresent(e, map, pages, cpu, batch => {
    hold(batch, mm.id)
    mm.pinned += batch.pages
  })
}

/** Gives back pins of the address space among the first `pages` pages of a map; how many. */
export function unpinPages(e: Engine, mm: Mm, map: PageMap, pages: Pages, cpu: Cpu): Pages {
  let unpinned = 0
  eachPresent(e, map, pages, cpu, batch => {
    const { pages: held } = batch
    if (!unhold(e, batch, mm.id, cpu)) return
    mm.pinned -= held
    unpinned += held
  })
  return unpinned
}

/** The address space is gone, and all it had pinned is let go. */
export function unpinAll(e: Engine, mm: Mm, cpu: Cpu): void {
  if (mm.pinned === 0) return
  for (const batch of [...e.folios.batches]) while (batch?.holders.includes(mm.id)) unhold(e, batch, mm.id, cpu)
  mm.pinned = 0
}

/** Visits the memory in the first `pages` pages of a map, cut to that range; how many pages there are. */
function eachPresent(e: Engine, map: PageMap, pages: Pages, cpu: Cpu, visit: (batch: FolioBatch) => void): Pages {
  let present = 0
  for (let page = 0; page < pages; ) {
    const { extent, pages: length } = firstStretch(map, page, pages)
    if (extent?.batch) {
      const batch = isolate(e, extent.batch, page - extent.start, length, cpu)
      present += batch.pages
      visit(batch)
    }
    page += length
  }
  return present
}
