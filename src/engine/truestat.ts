/** Statistics as they are, beside what a reader sees: flushed and waiting together. */
import type { Pool } from '../pool.ts'
import type { Engine } from './engine.ts'
import { forEachInSubtree, type MemCgroup } from './memcg.ts'
import { isPerNode, STAT_NAMES } from './vmstat.ts'

export { readStat, STAT, STAT_NAMES } from './vmstat.ts'

/** The true value of an item in its own unit, of `m` and everything below. */
export function trueStat(e: Engine, m: MemCgroup, item: number): number {
  const { state, pending, blocks, columns } = e.vmstats
  const cells = isPerNode(STAT_NAMES[item]!) ? e.machine.nodes : 1
  let sum = 0
  const addRow = (pool: Pool, slot: number): void => {
    if (slot === -1) return
    for (let cell = 0; cell < cells; cell++) sum += pool.data[slot * pool.stride + columns[item]! + cell]!
  }
  addRow(state, m.stats.state)
  forEachInSubtree(e, m, each => {
    addRow(pending, each.stats.pending)
    for (const slot of each.stats.blocks ?? []) addRow(blocks, slot)
  })
  return sum
}
