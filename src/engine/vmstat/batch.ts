/**
 * Updates in batches per CPU: they stay on the CPU until it holds more than a batch, then all of it becomes visible at
 * once. The counter of a memcg and those of its nodes are batched separately. Kernel: mm/memcontrol.c
 * __mod_memcg_state, __mod_lruvec_state, __count_memcg_events, 4.19 to 5.12 (slab-kmem.md §7.2).
 */
import type { Cpu, NodeNumber } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { MemCgroup } from '../memcg.ts'
import { blockOf, cellOf, rowOf, sumOfBlocks } from './stats.ts'

/**
 * Adds `times` steps of `value` to a batch, which overflows whenever it holds more than `limit` in either direction.
 * Returns all that overflowed.
 */
function addToBatch(data: Float64Array, at: number, value: number, times: number, limit: number): number {
  const held = data[at]!
  const sum = held + value * times
  const size = Math.abs(value)
  const first = Math.floor((limit - held * Math.sign(value)) / size) + 1
  if (times < first) {
    data[at] = sum
    return 0
  }
  const perRound = Math.floor(limit / size) + 1
  const left = ((times - first) % perRound) * value
  data[at] = left
  return sum - left
}

/** What a batch may hold, in the item's unit: as many units as pages are charged at once, whole pages for bytes. */
const limitOf = ({ vmstats, machine }: Engine, item: number): number =>
  vmstats.units[item] === 'bytes' ? vmstats.batchPages * machine.pageSize : vmstats.batchPages

/** Makes what overflowed in one column visible, wherever this kernel does. */
export type Publish = (e: Engine, m: MemCgroup, column: number, value: number) => void

export function addBatched(
  e: Engine,
  m: MemCgroup,
  item: number,
  cpu: Cpu,
  value: number,
  times: number,
  node: NodeNumber,
  publish: Publish,
): void {
  const { columns, nodeColumns, blocks } = e.vmstats
  const block = blockOf(e, m, cpu)
  const limit = limitOf(e, item)
  const total = columns[item]!
  const over = addToBatch(blocks.data, block + total, value, times, limit)
  if (over !== 0) publish(e, m, total, over)
  const ofNode = nodeColumns[item]! + node
  if (ofNode === total) return
  const overOfNode = addToBatch(blocks.data, block + ofNode, value, times, limit)
  if (overOfNode !== 0) publish(e, m, ofNode, overOfNode)
}

/** Adds to one number of a row of the memcg. */
export function addTo(e: Engine, m: MemCgroup, row: 'shown' | 'own' | 'below', column: number, value: number): void {
  const at = rowOf(e, m, row) + column
  e.vmstats.rows.data[at]! += value
}

/** What the memcg itself has counted: what is visible of it, and what its CPUs hold. */
export const countedHere = (e: Engine, m: MemCgroup, column: number): number =>
  cellOf(e, m, 'own', column) + sumOfBlocks(e, m, column)
