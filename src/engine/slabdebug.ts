/** What the laboratory counts besides: `.memcgfs/slab_debug` of a cgroup (charge-reclaim.md §4.2). */
import type { NodeNumber, Pages } from '../units.ts'
import { watermark } from './counter.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'

export interface SlabDebug {
  /** Slabs made at the minimum order because the preferred one was refused. */
  orderFallback: number
  /** Slabs made at a preferred order above the minimum. */
  highOrderSlabs: number
  /** Objects from the wanted node, and from another. */
  numaHit: number
  numaMiss: number
  /** By node, pages of its slabs. */
  readonly slabPages: Pages[]
  /** Requests that could not wait and were refused. First tries of the slab allocator are not among them. */
  nowaitFail: number
  /** Pages reclaimed to keep the gap below memory.max. */
  watermarkReclaimPages: Pages
}

const createSlabDebug = (nodes: number): SlabDebug => ({
  orderFallback: 0,
  highOrderSlabs: 0,
  numaHit: 0,
  numaMiss: 0,
  slabPages: new Array<Pages>(nodes).fill(0),
  nowaitFail: 0,
  watermarkReclaimPages: 0,
})

/** To count in: made with the first thing there is to count. */
export function slabDebug({ machine }: Engine, m: MemCgroup): SlabDebug {
  m.slabDebug ??= createSlabDebug(machine.nodes)
  return m.slabDebug
}

/** Pages of slabs on a node, which pays `m`. */
export function countSlabNode(e: Engine, m: MemCgroup, node: NodeNumber, pages: Pages): void {
  slabDebug(e, m).slabPages[node]! += pages
}

/** Objects for `m` that are of the wanted node, or of another. */
export function countObjectNode(e: Engine, m: MemCgroup, isWanted: boolean, count: number): void {
  slabDebug(e, m)[isWanted ? 'numaHit' : 'numaMiss'] += count
}

/** The lines of the file; `peak` is the largest usage so far, in pages. */
export function slabDebugLines({ machine, counters }: Engine, m: MemCgroup): (readonly [string, number])[] {
  const counts = m.slabDebug ?? createSlabDebug(machine.nodes)
  return [
    ['order_fallback', counts.orderFallback],
    ['high_order_slabs', counts.highOrderSlabs],
    ['numa_hit', counts.numaHit],
    ['numa_miss', counts.numaMiss],
    ...counts.slabPages.map((pages, node) => [`slab_pages_node${node}`, pages] as const),
    ['nowait_fail', counts.nowaitFail],
    ['watermark_reclaim_pages', counts.watermarkReclaimPages],
    ['peak', watermark(counters, m.memory)],
  ]
}
