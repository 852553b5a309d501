/** Writing memory to the swap device. Kernel: mm/page_io.c, mm/swap_state.c add_to_swap. */
import type { Cpu } from '../units.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, freeBatch, removeFromFile } from './folio.ts'
import { countMapped, unmapBatch } from './mapping.ts'
import { extentAt, extentOf, insertExtent } from './pagemap.ts'
import { type SwapBatch, takeSlots } from './swap.ts'
import { chargeSlots, recorderOf } from './swapcharge.ts'
import { modStatTimes, STAT } from './vmstat.ts'
import type { Shadow } from './workingset.ts'

/**
 * Writes a batch of anonymous or shared memory to the device and frees its pages. There must be room for it: free slots,
 * and what swap.max allows (`swapRoom`).
 */
export function swapOut(e: Engine, batch: FolioBatch, shadow: Shadow | null, cpu: Cpu): void {
  const { pages, file, filePage, node, orphan } = batch
  const owner = batch.memcg
  const recorder = recorderOf(e, owner)
  const slots = takeSlots(e, { pages, memcg: recorder, node, file, filePage, shadow, orphan })
  if (file === null) unmapAnon(e, batch, slots, cpu)
  else {
    unmapBatch(e, batch, cpu)
    // First the slots: the tree of the file goes on finding them.
    insertExtent(file.evicted, extentOf(filePage, pages, { swap: slots }))
    removeFromFile(e, batch, cpu)
  }
  modStatTimes(e, owner, STAT.pswpout, cpu, 1, pages)
  // The memory is given back before the slots are charged: a counter of both never rises.
  freeBatch(e, batch, cpu)
  chargeSlots(e, recorder, pages, cpu)
}

/** Every page table that showed the memory names the slots now. */
function unmapAnon(e: Engine, batch: FolioBatch, slots: SwapBatch, cpu: Cpu): void {
  for (const { vma, page } of batch.mappers) {
    const extent = vma.map.extents[extentAt(vma.map, page)]!
    extent.batch = null
    extent.swap = slots
    vma.mm.rss.anon -= batch.pages
    vma.mm.swapents += batch.pages
    slots.mappers.push({ vma, page })
  }
  batch.mappers.length = 0
  countMapped(e, batch, -batch.pages, cpu)
}
