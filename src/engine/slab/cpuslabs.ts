/**
 * SLUB up to 6.18: a CPU owns the slab it allocates from and a few partial ones ("frozen"), the node keeps the other
 * partial slabs. A frozen slab that becomes empty stays. Kernel: mm/slub.c, ___slab_alloc, get_partial_node,
 * put_cpu_partial, __slab_free, deactivate_slab.
 *
 * Not modelled: taking slabs of other nodes (remote_node_defrag_ratio), and the order in which a shrink leaves them.
 */
import type { Features } from '../../profiles/features.ts'
import type { Cpu } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { KernelActor } from '../objcg.ts'
import type { Allocator } from './allocator.ts'
import { discardSlab, newSlab, type SlabPages } from './pages.ts'
import {
  COUNTED,
  type CpuSlabs,
  cpuSlabs,
  FREE,
  FROZEN,
  get,
  isEmpty,
  type KmemCache,
  listSlab,
  NO_SLAB,
  NODE,
  nodeOfSlab,
  type Slab,
  set,
  slabsOn,
  unlistSlab,
} from './state.ts'

/** How the partial slabs of a CPU are counted (feature slub_cpu_partial). */
interface Counting {
  /** What a slab with so many free objects counts when it is put there. */
  weigh(free: number): number
  /** Whether the list is handed to the node before another slab is put on it. */
  isFull(counted: number, limit: number): boolean
}

const COUNTINGS: Readonly<Record<'objects' | 'slabs', Counting>> = {
  objects: { weigh: free => free, isFull: (counted, limit) => counted > limit },
  slabs: { weigh: () => 1, isFull: (counted, limit) => counted >= limit },
}

const countingOf = ({ features }: Engine): Counting =>
  COUNTINGS[features.slubCpuPartial === 'objects' ? 'objects' : 'slabs']

/**
 * Whether a CPU has fetched enough from its node (feature slub_partial_batch): so many slabs besides the current one,
 * so many free objects in all. Half of the limit is passed before it is noticed: one slab more than half is fetched.
 */
const IS_ENOUGH: Readonly<
  Record<Features['slubPartialBatch'], (moved: number, available: number, limit: number) => boolean>
> = {
  'objects/2': (_, available, limit) => available > Math.floor(limit / 2),
  'slabs/2': (moved, _, limit) => moved > Math.floor(limit / 2),
}

const take: Allocator['take'] = (e, cache, want, actor, objcg, pages) => {
  const { slab } = e
  const own = cpuSlabs(cache, actor.cpu)
  if (own.current === NO_SLAB || get(slab, own.current, FREE) === 0 || get(slab, own.current, NODE) !== actor.node) {
    if (own.current !== NO_SLAB) unfreeze(e, cache, own.current, actor.cpu, pages)
    own.current = NO_SLAB
    const row = popPartial(e, cache, own, actor, pages) ?? takeFromNode(e, cache, own, actor)
    own.current = row ?? freeze(slab, newSlab(e, cache, actor, pages))
    if (own.current === NO_SLAB) return null
  }
  const row = own.current
  const free = get(slab, row, FREE)
  const count = want < free ? want : free
  set(slab, row, FREE, free - count)
  return { slab: row, count, objcg }
}

function freeze(slab: Slab, row: number): number {
  if (row !== NO_SLAB) set(slab, row, FROZEN, 1)
  return row
}

/** The next partial slab of the CPU that is of the wanted node; those of other nodes go to their node. */
function popPartial(
  e: Engine,
  cache: KmemCache,
  own: CpuSlabs,
  { cpu, node }: KernelActor,
  pages: SlabPages,
): number | undefined {
  for (let row = own.partial.pop(); row !== undefined; row = own.partial.pop()) {
    own.counted -= get(e.slab, row, COUNTED)
    if (get(e.slab, row, NODE) === node) return row
    unfreeze(e, cache, row, cpu, pages)
  }
  return undefined
}

/** The first partial slab of the node becomes current; some more go to the CPU's partial list. */
function takeFromNode(e: Engine, cache: KmemCache, own: CpuSlabs, { node }: KernelActor): number | undefined {
  const { slab } = e
  const { partial } = cache.nodes[node]!
  if (partial.length === 0) return undefined
  const counting = countingOf(e)
  const isEnough = IS_ENOUGH[e.features.slubPartialBatch]
  const current = partial.first
  unlistSlab(slab, cache, current)
  freeze(slab, current)
  let available = get(slab, current, FREE)
  for (let moved = 0; partial.length > 0 && !isEnough(moved, available, cache.cpuLimit); moved++) {
    const row = partial.first
    unlistSlab(slab, cache, row)
    available += get(slab, row, FREE)
    pushPartial(slab, own, row, counting.weigh(get(slab, row, FREE)))
  }
  return current
}

function pushPartial(slab: Slab, own: CpuSlabs, row: number, counts: number): void {
  freeze(slab, row)
  set(slab, row, COUNTED, counts)
  own.partial.push(row)
  own.counted += counts
}

const put: Allocator['put'] = (e, cache, row, count, cpu, pages) => {
  const { slab } = e
  let left = count
  if (get(slab, row, FREE) === 0 && get(slab, row, FROZEN) === 0) {
    set(slab, row, FREE, 1)
    adopt(e, cache, row, cpu, pages)
    left--
    if (left === 0) return
  }
  set(slab, row, FREE, get(slab, row, FREE) + left)
  if (get(slab, row, FROZEN) === 1 || !isEmpty(slab, row)) return
  if (nodeOfSlab(slab, cache, row).partial.length < cache.minPartial) return
  unlistSlab(slab, cache, row)
  discardSlab(e, cache, row, cpu, pages)
}

/**
 * A slab that was full goes to the partial list of the CPU that freed its first object; a full list is handed to the
 * node before. The slab counts what is free in it now, one object, and counts that for as long as it stays there.
 */
function adopt(e: Engine, cache: KmemCache, row: number, cpu: Cpu, pages: SlabPages): void {
  const own = cpuSlabs(cache, cpu)
  const counting = countingOf(e)
  if (own.partial.length > 0 && counting.isFull(own.counted, cache.cpuLimit)) unfreezePartial(e, cache, own, cpu, pages)
  pushPartial(e.slab, own, row, counting.weigh(1))
  if (cache.cpuLimit === 0) unfreezePartial(e, cache, own, cpu, pages)
}

/** A slab leaves its CPU: to the node, or back to the page allocator if it is empty and the node has enough. */
function unfreeze(e: Engine, cache: KmemCache, row: number, cpu: Cpu, pages: SlabPages): void {
  const { slab } = e
  set(slab, row, FROZEN, 0)
  if (get(slab, row, FREE) === 0) return
  if (isEmpty(slab, row) && nodeOfSlab(slab, cache, row).partial.length >= cache.minPartial)
    discardSlab(e, cache, row, cpu, pages)
  else listSlab(slab, cache, row)
}

function unfreezePartial(e: Engine, cache: KmemCache, own: CpuSlabs, cpu: Cpu, pages: SlabPages): void {
  own.counted = 0
  for (let row = own.partial.pop(); row !== undefined; row = own.partial.pop()) unfreeze(e, cache, row, cpu, pages)
}

const flush: Allocator['flush'] = (e, cache, cpu, pages) => {
  const own = cache.cpus[cpu]
  if (own === undefined) return
  if (own.current !== NO_SLAB) unfreeze(e, cache, own.current, cpu, pages)
  own.current = NO_SLAB
  unfreezePartial(e, cache, own, cpu, pages)
}

/** Frees every empty slab of the node lists, whatever a node would keep. */
const freeEmpties: Allocator['freeEmpties'] = (e, cache, cpu, pages) => {
  for (const { partial } of cache.nodes) {
    for (const row of slabsOn(e.slab, partial)) {
      if (!isEmpty(e.slab, row)) continue
      unlistSlab(e.slab, cache, row)
      discardSlab(e, cache, row, cpu, pages)
    }
  }
}

export const cpuSlabAllocator: Allocator = { take, put, flush, freeEmpties }
