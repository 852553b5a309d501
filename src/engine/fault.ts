/**
 * Touching memory through a mapping, and copying address spaces. Kernel: mm/memory.c.
 *
 * Pages are faulted in one after the other; an operation that finds no room keeps what it had done until then.
 */
import { isErrno } from '../errno.ts'
import type { Pages } from '../units.ts'
import { chargePages } from './charge.ts'
import type { Engine } from './engine.ts'
import { addBatch, type FolioBatch, isolate, joinPrevious } from './folio.ts'
import { payerOf } from './kmem.ts'
import { allocKernelPages } from './kmemalloc.ts'
import { mapBatch, unmapRange } from './mapping.ts'
import { createVma, ENTRIES_PER_TABLE, type Mm, tablesFor, type Vma } from './mm.ts'
import { bringIn } from './pagecache.ts'
import { type Extent, extentAt, extentOf, firstStretch, insertExtent } from './pagemap.ts'
import type { SwapBatch } from './swap.ts'
import { swapIn } from './swapin.ts'
import { noteUse } from './use.ts'
import { type Actor, chargeUserPages } from './usercharge.ts'
import { modStat, modStatTimes, STAT } from './vmstat.ts'

export interface Touch {
  readonly write: boolean
  /** 0, or 9 for huge pages where anonymous memory is new. */
  readonly order: number
}

/** Touches pages `start … end` of a region; how many it got through. Fewer than asked: a charge was refused. */
export function touchRegion(e: Engine, vma: Vma, start: Pages, end: Pages, how: Touch, actor: Actor): Pages {
  let page = start
  while (page < end) {
    const stretch = firstStretch(vma.map, page, end)
    const { extent } = stretch
    let done: Pages
    if (extent === null) done = faultHole(e, vma, page, page + stretch.pages, how, actor)
    else if (extent.swap !== null) {
      if (!faultSwap(e, extent.swap, page - extent.start, stretch.pages, actor)) break
      // Now the memory is there, and the access is made to it.
      continue
    } else if (how.write && needsCopy(vma, extent)) done = faultCopy(e, vma, page, stretch.pages, actor)
    else {
      if (extent.batch !== null) useMapped(e, extent.batch, page - extent.start, stretch.pages, actor)
      done = stretch.pages
    }
    if (done === 0) break
    page += done
  }
  return page - start
}

/** Memory that waits to be handed over is mapped without access: the next one costs a fault. */
function useMapped(e: Engine, batch: FolioBatch, from: Pages, pages: Pages, actor: Actor): void {
  const handedOver = noteUse(e, batch, from, pages, 'fault', actor)
  modStatTimes(e, actor.mm.memcg, STAT.pgfault, actor.cpu, 1, handedOver)
}

/** A write must not be seen by others: the zero page, memory shared since a fork, a file mapped privately. */
function needsCopy(vma: Vma, { batch }: Extent): boolean {
  if (batch === null) return true
  if (batch.kind === 'anon') return batch.mappers.length > 1
  return vma.isPrivate
}

/** The first fault of a stretch without entries; how many pages it brought. */
function faultHole(e: Engine, vma: Vma, start: Pages, end: Pages, how: Touch, actor: Actor): Pages {
  const room = roomInTables(e, vma.mm, actor)
  if (room === 0) return 0
  const last = Math.min(end, start + room)
  if (vma.file !== null && !(vma.isPrivate && how.write)) return faultFile(e, vma, start, last, actor)
  if (how.write || vma.file !== null) return faultAnon(e, vma, start, end, last, how.order, actor)
  insertExtent(vma.map, extentOf(start, last - start))
  vma.mm.mapped += last - start
  modStatTimes(e, vma.mm.memcg, STAT.pgfault, actor.cpu, 1, last - start)
  return last - start
}

/** Entries left in the page tables, after one more page of them was charged if there was none. 0: that was refused. */
function roomInTables(e: Engine, mm: Mm, actor: Actor): Pages {
  if (mm.pageTables === null) return Number.POSITIVE_INFINITY
  if (!growTables(e, mm, mm.mapped + 1, actor)) return 0
  return (mm.pageTables.length - 1) * ENTRIES_PER_TABLE - mm.mapped
}

/** Charges page-table pages for `mapped` entries in all; false if one was refused. */
export function growTables(e: Engine, mm: Mm, mapped: Pages, { cpu, gfp, node }: Actor): boolean {
  const { pageTables } = mm
  if (pageTables === null) return true
  while (pageTables.length < tablesFor(mapped)) {
    const table = allocKernelPages(e, 0, 1, { memcg: mm.memcg, mm, cpu, node, gfp })
    if (table.blocks === 0) return false
    const payer = payerOf(table)
    if (payer !== null) modStat(e, payer, STAT.pagetables, cpu, 1, node)
    pageTables.push(table)
  }
  return true
}

function faultAnon(e: Engine, vma: Vma, start: Pages, end: Pages, last: Pages, order: number, actor: Actor): Pages {
  const { cpu, node, mm } = actor
  const huge = 2 ** order
  const isHuge = order > 0 && end - start >= huge
  let pages: Pages
  if (isHuge) {
    if (isErrno(chargePages(e, mm.memcg, huge, actor.gfp, cpu, mm))) return 0
    pages = huge
  } else {
    pages = chargeUserPages(e, actor, last - start)
    if (pages === 0) return 0
  }
  const batch = addBatch(e, { memcg: mm.memcg, kind: 'anon', pages, order: isHuge ? order : 0, node }, cpu)
  mapBatch(e, batch, vma, start, cpu)
  joinPrevious(e, vma.map, start)
  modStatTimes(e, mm.memcg, STAT.pgfault, cpu, 1, isHuge ? 1 : pages)
  if (isHuge) modStat(e, mm.memcg, STAT.thp_fault_alloc, cpu, 1)
  return pages
}

/** Memory comes back from the swap device; false if the charge was refused. */
function faultSwap(e: Engine, slots: SwapBatch, from: Pages, pages: Pages, actor: Actor): boolean {
  const batch = swapIn(e, slots, from, pages, actor)
  if (batch === undefined) return false
  modStatTimes(e, actor.mm.memcg, STAT.pgfault, actor.cpu, 1, batch.pages)
  modStatTimes(e, actor.mm.memcg, STAT.pgmajfault, actor.cpu, 1, batch.pages)
  return true
}

function faultFile(e: Engine, vma: Vma, start: Pages, end: Pages, actor: Actor): Pages {
  const file = vma.file!
  const first = vma.filePage + start
  const cached = firstStretch(file.cache, first, first + 1).extent !== null
  const isSwapped = firstStretch(file.evicted, first, first + 1).extent?.swap != null
  const pages = bringIn(e, file, first, vma.filePage + end, 'fault', actor)
  if (pages === 0) return 0
  const extent = file.cache.extents[extentAt(file.cache, first)]!
  const batch = isolate(e, extent.batch!, first - extent.start, pages, actor.cpu)
  mapBatch(e, batch, vma, start, actor.cpu)
  joinPrevious(e, vma.map, start)
  modStatTimes(e, actor.mm.memcg, STAT.pgfault, actor.cpu, 1, pages)
  // Data that had to come from the disk: a major fault. Memory of tmpfs starts as zeroes.
  if (!cached && (file.fs !== 'tmpfs' || isSwapped))
    modStatTimes(e, actor.mm.memcg, STAT.pgmajfault, actor.cpu, 1, pages)
  return pages
}

/** Gives the region anonymous pages of its own in place of what it shows; how many. */
function faultCopy(e: Engine, vma: Vma, page: Pages, wanted: Pages, actor: Actor): Pages {
  const { cpu, node, mm } = actor
  const pages = chargeUserPages(e, actor, wanted)
  if (pages === 0) return 0
  unmapRange(e, vma, page, page + pages, cpu)
  const batch = addBatch(e, { memcg: mm.memcg, kind: 'anon', pages, order: 0, node }, cpu)
  mapBatch(e, batch, vma, page, cpu)
  joinPrevious(e, vma.map, page)
  modStatTimes(e, mm.memcg, STAT.pgfault, cpu, 1, pages)
  return pages
}

/**
 * Copies the regions of a process into the address space of its child: private memory is shared until one of them
 * writes, pages of files are faulted in again when they are touched. False if the page tables were refused.
 */
export function copyRegions(e: Engine, from: Mm, to: Mm, actor: Actor): boolean {
  for (const vma of from.vmas.values()) {
    const copy = createVma(to, vma.name, vma.pages, vma)
    for (const { start, pages, batch, swap } of vma.map.extents) {
      if (batch !== null && batch.kind !== 'anon') continue
      if (!growTables(e, to, to.mapped + pages, { ...actor, mm: to })) return false
      if (batch !== null) mapBatch(e, batch, copy, start, actor.cpu)
      else {
        insertExtent(copy.map, extentOf(start, pages, { swap }))
        to.mapped += pages
        if (swap === null) continue
        swap.mappers.push({ vma: copy, page: start })
        to.swapents += pages
      }
    }
  }
  return true
}
