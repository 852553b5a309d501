/**
 * Bringing memory back from the swap device. Kernel: mm/memory.c do_swap_page, mm/shmem.c shmem_swapin_folio,
 * mm/swapfile.c try_to_unuse.
 *
 * The page is charged to the memcg recorded with its slot, or to that of the faulting task if that one was removed.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { addBatch, type FolioBatch } from './folio.ts'
import { rejoin } from './foliosplit.ts'
import { GFP_KERNEL, GFP_MAYFAIL } from './gfp.ts'
import { countMapped } from './mapping.ts'
import type { MemCgroup } from './memcg.ts'
import { extentAt, extentOf, insertExtent, removeExtent } from './pagemap.ts'
import { accountSwapins } from './stall.ts'
import { isolateSlots, releaseSlots, type SwapBatch } from './swap.ts'
import { type Actor, chargeUserPagesTo } from './usercharge.ts'
import { modStatTimes, STAT } from './vmstat.ts'
import { refault } from './workingset.ts'

const payerOf = ({ memcg }: SwapBatch, faulting: MemCgroup): MemCgroup => (memcg.online ? memcg : faulting)

/** Swaps in up to `want` pages from page `from` of the batch; how many are back, 0 if the charge was refused. */
export function swapIn(e: Engine, slots: SwapBatch, from: Pages, want: Pages, actor: Actor): Pages {
  const payer = payerOf(slots, actor.mm.memcg)
  const charged = chargeUserPagesTo(e, payer, actor, want)
  if (charged === null) return 0
  const back = isolateSlots(e, slots, from, charged.pages)
  if (back.orphan !== null) e.zombies.refaultMajor += back.pages
  rejoin(e, bringBack(e, back, charged.memcg, actor.mm.memcg, actor.cpu))
  accountSwapins(e, actor.mm, charged.pages)
  return charged.pages
}

/** The slots become memory that `payer` was charged for and `user` uses, wherever they were named. */
export function bringBack(e: Engine, slots: SwapBatch, payer: MemCgroup, user: MemCgroup, cpu: Cpu): FolioBatch {
  const { pages, node, file, filePage, shadow, orphan } = slots
  const batch = addBatch(e, { memcg: payer, kind: file === null ? 'anon' : 'shmem', pages, order: 0, node }, cpu)
  batch.user = user
  batch.orphan = orphan
  if (file === null) {
    for (const { vma, page } of slots.mappers) {
      const extent = vma.map.extents[extentAt(vma.map, page)]!
      extent.swap = null
      extent.batch = batch
      batch.mappers.push({ vma, page, young: true })
      vma.mm.swapents -= pages
      vma.mm.rss.anon += pages
    }
    countMapped(e, batch, pages, cpu)
  } else {
    removeExtent(file.evicted, file.evicted.extents[extentAt(file.evicted, filePage)]!)
    batch.file = file
    batch.filePage = filePage
    insertExtent(file.cache, extentOf(filePage, pages, { batch }))
    modStatTimes(e, payer, STAT.file, cpu, 1, pages, node)
    modStatTimes(e, payer, STAT.shmem, cpu, 1, pages, node)
  }
  modStatTimes(e, payer, STAT.pswpin, cpu, 1, pages)
  releaseSlots(e, slots, cpu)
  if (shadow !== null) refault(e, batch, shadow, cpu)
  return batch
}

/**
 * Takes the device away: everything comes back, charged to its memcg; what belongs to a removed one is charged to
 * whoever shows it, and to nobody if nobody does. False if memory was refused; then the device stays. Kernel: swapoff.
 */
export function swapOff(e: Engine, cpu: Cpu): boolean {
  const { swapTotal, swap } = e
  // What is written out meanwhile would have to come back.
  e.swapTotal = 0
  for (const slots of [...swap.batches]) {
    if (slots === null) continue
    const mm = slots.mappers[0]?.vma.mm
    const payer = payerOf(slots, mm?.memcg ?? e.root)
    for (let left = slots.pages; left > 0; ) {
      const charged = chargeUserPagesTo(e, payer, { mm: null, cpu, gfp: GFP_KERNEL | GFP_MAYFAIL }, left)
      if (charged === null) {
        e.swapTotal = swapTotal
        return false
      }
      left -= charged.pages
      bringBack(e, isolateSlots(e, slots, 0, charged.pages), charged.memcg, charged.memcg, cpu)
    }
  }
  return true
}
