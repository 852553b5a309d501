/**
 * The swap device: slots, and which memory lies in them. Kernel: mm/swapfile.c, mm/swap_state.c, mm/swap_cgroup.c.
 *
 * Slots that were filled alike are one batch, as folios are. A batch remembers the memcg it is recorded with, which it
 * pins, and every map that shows it: regions for anonymous memory, the file for shared memory. There is no swap cache:
 * writing out frees the page at once, and a slot is free as soon as its page is back, for all who share it.
 * Writing out is in swapout.ts,
 * bringing back, which has to charge, in swapin.ts.
 */
import type { Cpu, NodeNumber, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import type { PageCacheFile } from './file.ts'
import type { Orphan } from './folio.ts'
import type { MemCgroup } from './memcg.ts'
import type { Vma } from './mm.ts'
import { cutExtent, extentAt, type PageMap, removeExtent } from './pagemap.ts'
import { unchargeSlots } from './swapcharge.ts'
import type { Shadow } from './workingset.ts'

/** A run of slots that are alike: pages of one region or file that lie together. */
export interface SwapBatch {
  readonly id: number
  pages: Pages
  /** Recorded with the slots; pinned by each of them. */
  memcg: MemCgroup
  readonly node: NodeNumber
  /** The file of tmpfs whose pages these are, and where; null for anonymous memory. */
  readonly file: PageCacheFile | null
  filePage: Pages
  /** Regions whose page tables name these slots: anonymous memory. */
  mappers: { vma: Vma; page: Pages }[]
  /** When the first of its pages was evicted. */
  shadow: Shadow | null
  /** Left behind by a removed memcg before it was written out. */
  orphan: Orphan | null
}

export interface Swap {
  /** Slots in use. */
  used: Pages
  /** By id; null where free. */
  readonly batches: (SwapBatch | null)[]
  readonly free: number[]
  /** Pages written to the device since the boot. */
  written: Pages
}

export const createSwap = (): Swap => ({ used: 0, batches: [], free: [], written: 0 })

/** Slots recorded with `m`. */
export const slotsOf = ({ swap }: Engine, m: MemCgroup): SwapBatch[] =>
  swap.batches.filter(batch => batch?.memcg === m) as SwapBatch[]

/** What slots are. */
export type NewSlots = Omit<SwapBatch, 'id' | 'mappers'>

/** Takes slots of the device; who is charged for them, the caller sees to. */
export function takeSlots(e: Engine, what: NewSlots): SwapBatch {
  const id = e.swap.free.pop() ?? e.swap.batches.length
  const slots: SwapBatch = { ...what, id, mappers: [] }
  e.swap.batches[id] = slots
  e.swap.used += what.pages
  e.swap.written += what.pages
  return slots
}

/** Cuts out `pages` slots from slot `from` of the batch and returns the batch that holds exactly these. */
export function isolateSlots(e: Engine, slots: SwapBatch, from: Pages, pages: Pages): SwapBatch {
  if (from > 0) splitSlots(e, slots, from)
  return pages < slots.pages ? splitSlots(e, slots, pages) : slots
}

/** The first `pages` slots become a new batch, which is returned; every map is cut at the same place. */
function splitSlots(e: Engine, slots: SwapBatch, pages: Pages): SwapBatch {
  const id = e.swap.free.pop() ?? e.swap.batches.length
  const first: SwapBatch = { ...slots, id, pages, mappers: slots.mappers.map(each => ({ ...each })) }
  e.swap.batches[id] = first
  slots.pages -= pages
  const cut = (map: PageMap, page: Pages): void => {
    const extent = map.extents[extentAt(map, page)]!
    cutExtent(map, extent, pages)
    extent.swap = first
  }
  if (slots.file !== null) {
    cut(slots.file.evicted, slots.filePage)
    slots.filePage += pages
  }
  for (const mapper of slots.mappers) {
    cut(mapper.vma.map, mapper.page)
    mapper.page += pages
  }
  if (slots.shadow !== null) slots.shadow = { ...slots.shadow, age: slots.shadow.age + pages }
  return first
}

/** The region no longer names these slots; free when nobody does. */
export function unmapSlots(e: Engine, slots: SwapBatch, vma: Vma, cpu: Cpu): void {
  const index = slots.mappers.findIndex(mapper => mapper.vma === vma)
  const { page } = slots.mappers[index]!
  slots.mappers.splice(index, 1)
  removeExtent(vma.map, vma.map.extents[extentAt(vma.map, page)]!)
  vma.mm.swapents -= slots.pages
  vma.mm.mapped -= slots.pages
  if (slots.mappers.length === 0) releaseSlots(e, slots, cpu)
}

/** The file is gone, and what it had on the device. */
export function dropFileSlots(e: Engine, file: PageCacheFile, cpu: Cpu): void {
  for (const { swap } of file.evicted.extents) if (swap !== null) releaseSlots(e, swap, cpu)
  file.evicted.extents.length = 0
}

/** The slots are free. No map may name them any more. */
export function releaseSlots(e: Engine, slots: SwapBatch, cpu: Cpu): void {
  e.swap.batches[slots.id] = null
  e.swap.free.push(slots.id)
  e.swap.used -= slots.pages
  unchargeSlots(e, slots.memcg, slots.pages, cpu)
}
