/**
 * Touching memory through a mapping, and copying address spaces. Kernel: mm/memory.c.
 *
 * Pages are faulted in one after the other; an operation that finds no room keeps what it had done until then.
 */
import { type Bytes, type Cpu, KIB, type Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { addBatch, relist } from './folio.ts'
import { isolate, joinPrevious } from './foliosplit.ts'
import { IN_FAULT } from './gfp.ts'
import { returnToUser } from './high.ts'
import { payerOf } from './kmem.ts'
import { allocKernelPages } from './kmemalloc.ts'
import { activeList } from './lru.ts'
import { mapBatch, unmapRange } from './mapping.ts'
import { createVma, ENTRIES_PER_TABLE, type Mm, tablesFor, type Vma } from './mm.ts'
import { bringIn } from './pagecache.ts'
import { type Extent, extentAt, extentOf, firstStretch, insertExtent } from './pagemap.ts'
import type { SwapBatch } from './swap.ts'
import { swapIn } from './swapin.ts'
import { noteUse } from './use.ts'
import { type Actor, chargeUserBlock, chargeUserPages } from './usercharge.ts'
import { modStat, modStatTimes, STAT } from './vmstat.ts'
import { markDirty } from './writeback.ts'

export interface Touch {
  readonly write: boolean
  /** 0, or 9 for huge pages where anonymous memory is new. */
  readonly order: number
}

/**
 * Touches pages `start … end` of a region; how many it got through. Fewer than asked: a charge was refused, or the
 * thread must sleep first (`mm.sleep`). Each fault returns to user space.
 */
export function touchRegion(e: Engine, vma: Vma, start: Pages, end: Pages, how: Touch, by: Actor): Pages {
  const actor = { ...by, gfp: by.gfp | IN_FAULT }
  let page = start
  while (page < end && actor.mm.sleep === null) {
    const stretch = firstStretch(vma.map, page, end)
    const { extent } = stretch
    let done: Pages
    if (extent === null) done = faultHole(e, vma, page, page + stretch.pages, how, actor)
    else if (extent.swap !== null) {
      // Once the memory is there, the access is made to it.
      const isBack = faultSwap(e, extent.swap, page - extent.start, stretch.pages, actor)
      returnToUser(e, actor.mm, actor.cpu)
      if (!isBack) break
      continue
    } else if (how.write && needsCopy(vma, extent)) done = faultCopy(e, vma, page, stretch.pages, actor)
    else {
      done = stretch.pages
      if (how.write) {
        keepContents(e, vma, page, done, actor.cpu)
        writeMapped(e, vma.map.extents[extentAt(vma.map, page)]!, page, done, actor.cpu)
      }
      useMapped(e, vma, vma.map.extents[extentAt(vma.map, page)]!, page, done, actor)
    }
    returnToUser(e, actor.mm, actor.cpu)
    if (done === 0) break
    page += done
  }
  return page - start
}

/** A file is written through a mapping. */
function writeMapped(e: Engine, { batch, start }: Extent, page: Pages, pages: Pages, cpu: Cpu): void {
  if (batch?.kind !== 'file' || batch.dirty || e.options.writeback === 'instant') return
  markDirty(e, isolate(e, batch, page - start, pages, cpu), cpu)
}

/** Memory is used through a mapping: the entries in the page tables are young. */
function useMapped(e: Engine, vma: Vma, { batch, start }: Extent, page: Pages, pages: Pages, actor: Actor): void {
  if (batch === null) return
  if (!batch.mappers.find(mapper => mapper.vma === vma)!.young) {
    const used = isolate(e, batch, page - start, pages, actor.cpu)
    used.mappers.find(mapper => mapper.vma === vma)!.young = true
    joinPrevious(e, vma.map, page)
  }
  // What waits to be handed over is mapped without access: the next use costs a fault.
  const found = firstStretch(vma.map, page, page + pages).extent!
  const handedOver = noteUse(e, found.batch!, page - found.start, pages, 'fault', actor)
  modStatTimes(e, actor.mm.memcg, STAT.pgfault, actor.cpu, 1, handedOver)
}

/** What was given up and is written again is wanted. */
function keepContents(e: Engine, vma: Vma, page: Pages, pages: Pages, cpu: Cpu): void {
  const { extent } = firstStretch(vma.map, page, page + pages)
  if (!extent?.batch?.lazyFree) return
  const written = isolate(e, extent.batch, page - extent.start, pages, cpu)
  written.lazyFree = false
  if (written.list !== 'unevictable') relist(e, written, activeList(written), cpu)
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
  if (vma.file !== null && !(vma.isPrivate && how.write)) return faultFile(e, vma, start, last, how.write, actor)
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
  const charged = isHuge ? chargeUserBlock(e, mm.memcg, actor, huge) : chargeUserPages(e, actor, last - start)
  if (charged === null) return 0
  const { memcg, pages } = charged
  const batch = addBatch(e, { memcg, kind: 'anon', pages, order: isHuge ? order : 0, node }, cpu)
  mapBatch(e, batch, vma, start, cpu)
  joinPrevious(e, vma.map, start)
  modStatTimes(e, mm.memcg, STAT.pgfault, cpu, 1, isHuge ? 1 : pages)
  if (isHuge) modStat(e, mm.memcg, STAT.thp_fault_alloc, cpu, 1)
  return pages
}

/** Memory comes back from the swap device; false if the charge was refused. */
function faultSwap(e: Engine, slots: SwapBatch, from: Pages, pages: Pages, actor: Actor): boolean {
  const back = swapIn(e, slots, from, pages, actor)
  modStatTimes(e, actor.mm.memcg, STAT.pgfault, actor.cpu, 1, back)
  modStatTimes(e, actor.mm.memcg, STAT.pgmajfault, actor.cpu, 1, back)
  return back > 0
}

/** Cached pages that one read fault maps: those of an aligned window. Kernel: do_fault_around, fault_around_bytes. */
const FAULT_AROUND_BYTES: Bytes = 64 * KIB

/** Faults of reading `pages` cached pages from page `start` of a region on. */
function faultsAround({ machine }: Engine, start: Pages, pages: Pages): number {
  const window = Math.max(1, FAULT_AROUND_BYTES / machine.pageSize)
  return Math.floor((start + pages - 1) / window) - Math.floor(start / window) + 1
}

function faultFile(e: Engine, vma: Vma, start: Pages, end: Pages, writes: boolean, actor: Actor): Pages {
  const file = vma.file!
  const first = vma.filePage + start
  const cached = firstStretch(file.cache, first, first + 1).extent !== null
  const isSwapped = firstStretch(file.evicted, first, first + 1).extent?.swap != null
  const pages = bringIn(e, file, first, vma.filePage + end, actor, 'fault')
  if (pages === 0) return 0
  const extent = file.cache.extents[extentAt(file.cache, first)]!
  const batch = isolate(e, extent.batch!, first - extent.start, pages, actor.cpu)
  // What came back may lie in pieces.
  const mapped = batch.pages
  mapBatch(e, batch, vma, start, actor.cpu)
  if (writes) markDirty(e, batch, actor.cpu)
  joinPrevious(e, vma.map, start)
  const faults = cached && !writes ? faultsAround(e, start, mapped) : mapped
  modStatTimes(e, actor.mm.memcg, STAT.pgfault, actor.cpu, 1, faults)
  // Data that had to come from the disk: a major fault. Memory of tmpfs starts as zeroes.
  if (!cached && (file.fs !== 'tmpfs' || isSwapped))
    modStatTimes(e, actor.mm.memcg, STAT.pgmajfault, actor.cpu, 1, mapped)
  return mapped
}

/** Gives the region anonymous pages of its own in place of what it shows; how many. */
function faultCopy(e: Engine, vma: Vma, page: Pages, wanted: Pages, actor: Actor): Pages {
  const { cpu, node, mm } = actor
  const charged = chargeUserPages(e, actor, wanted)
  if (charged === null) return 0
  const { memcg, pages } = charged
  unmapRange(e, vma, page, page + pages, cpu)
  const batch = addBatch(e, { memcg, kind: 'anon', pages, order: 0, node }, cpu)
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
      if (batch !== null) mapBatch(e, batch, copy, start, actor.cpu, false)
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
