/**
 * Statistics without any delay: each memcg counts for itself, and a reader adds up the living subtree. The kernel
 * keeps a counter per CPU and adds them up too, which cannot be told from one counter. Kernel: mm/memcontrol.c
 * mem_cgroup_read_stat and tree_stat, 4.2.
 */
import type { Engine } from '../engine.ts'
import { forEachInSubtree, type MemCgroup } from '../memcg.ts'
import { type Mechanism, never, nothing } from './mechanism.ts'
import { cellOf, rowOf } from './stats.ts'

const shownLocal = (e: Engine, m: MemCgroup, column: number): number => Math.max(0, cellOf(e, m, 'own', column))

export const SUM_AT_READ: Mechanism = {
  add: (e, m, item, _cpu, value, times, node) => {
    const { vmstats } = e
    const row = rowOf(e, m, 'own')
    const total = vmstats.columns[item]!
    const ofNode = vmstats.nodeColumns[item]! + node
    vmstats.rows.data[row + total]! += value * times
    if (ofNode !== total) vmstats.rows.data[row + ofNode]! += value * times
  },
  shown: (e, m, column) => {
    let sum = 0
    forEachInSubtree(e, m, each => {
      if (each.online) sum += shownLocal(e, each, column)
    })
    return sum
  },
  shownLocal,
  real: (e, m, column) => {
    let sum = 0
    forEachInSubtree(e, m, each => {
      sum += cellOf(e, each, 'own', column)
    })
    return sum
  },
  readerFlushes: never,
  forReader: nothing,
  flush: nothing,
  atOffline: nothing,
  atRelease: nothing,
  atFree: nothing,
}
