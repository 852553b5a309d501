/**
 * Statistics that are flushed: updates go to a block per (memcg, CPU) and become visible in the memcg and its ancestors
 * when that part of the tree is flushed: every two seconds while there is anything to flush, when a reader finds the
 * gate open, and before a memcg disappears. Nothing is ever lost. Kernel: kernel/cgroup/rstat.c and mm/memcontrol.c
 * mem_cgroup_css_rstat_flush, 5.13 and later (slab-kmem.md §7.5).
 */
import { schedule } from '../../clock.ts'
import { freeRow } from '../../pool.ts'
import { milliseconds } from '../../units.ts'
import type { Engine } from '../engine.ts'
import { forEachInSubtree, type MemCgroup } from '../memcg.ts'
import { GATES } from './gate.ts'
import { type Mechanism, nothing } from './mechanism.ts'
import { blockOf, cellOf, NO_ROW, rowOf, sumOfBlocks } from './stats.ts'

/** How much one update of `value` counts at the gate. Kernel: memcg_state_val_in_pages, 6.8 and later: at least a page. */
function gateWeight({ vmstats, machine }: Engine, item: number, value: number): number {
  const unit = vmstats.units[item]!
  if (vmstats.rstatUnit === 'raw' || unit === 'pages' || unit === 'count') return Math.abs(value)
  const pages = (Math.abs(value) * (unit === 'kib' ? 1024 : 1)) / machine.pageSize
  return value > 0 ? Math.max(Math.floor(pages), 1) : Math.ceil(pages)
}

const add: Mechanism['add'] = (e, m, item, cpu, value, times, node) => {
  const { vmstats } = e
  const at = blockOf(e, m, cpu) + vmstats.nodeColumns[item]! + node
  vmstats.blocks.data[at]! += value * times
  for (let level: MemCgroup | null = m; level !== null && !level.stats.updated; level = level.parent)
    level.stats.updated = true
  if (vmstats.counted[item]) GATES[e.vmstats.rstatGate].count(e, m, cpu, gateWeight(e, item, value), times)
  if (!vmstats.armed) arm(e)
}

function arm(e: Engine): void {
  e.vmstats.armed = true
  schedule(e.clock, milliseconds(e.options.rstatMs), 'rstat-flush')
}

/** Brings the statistics of `m` up to date, with what its descendants counted. Children go before parents. */
function flush(e: Engine, m: MemCgroup): void {
  if (!m.stats.updated) return
  for (let child = m.firstChild; child >= 0; ) {
    const c = e.memcgs[child]!
    flush(e, c)
    child = c.nextSibling
  }
  flushOne(e, m)
}

function flushOne(e: Engine, m: MemCgroup): void {
  const { rows, blocks, width } = e.vmstats
  const { stats } = m
  stats.updated = false
  stats.updates = 0
  const shown = rowOf(e, m, 'shown')
  const below = stats.pending === NO_ROW ? NO_ROW : rowOf(e, m, 'below')
  const up = m.parent === null ? NO_ROW : rowOf(e, m.parent, 'pending')
  const handOn = (data: Float64Array, from: number, fromBelow: boolean): void => {
    for (let column = 0; column < width; column++) {
      const delta = data[from + column]!
      if (delta === 0) continue
      data[from + column] = 0
      rows.data[shown + column]! += delta
      if (fromBelow) rows.data[below + column]! += delta
      if (up !== NO_ROW) rows.data[up + column]! += delta
    }
  }
  if (stats.pending !== NO_ROW) {
    handOn(rows.data, stats.pending * rows.stride, true)
    freeRow(rows, stats.pending)
    stats.pending = NO_ROW
  }
  for (const slot of stats.blocks ?? []) {
    if (slot === NO_ROW) continue
    handOn(blocks.data, slot * blocks.stride, false)
    blocks.data[slot * blocks.stride + width] = 0
  }
}

const readerFlushes = (e: Engine, m: MemCgroup): boolean => GATES[e.vmstats.rstatGate].isOpen(e, m)

function forReader(e: Engine, m: MemCgroup): void {
  if (!readerFlushes(e, m)) return
  const scope = GATES[e.vmstats.rstatGate].scope(e, m)
  flush(e, scope)
  if (scope === e.root) e.vmstats.gate.batches = 0
}

/** The two-second flush of everything. */
export function flushEverything(e: Engine): void {
  e.vmstats.armed = false
  e.vmstats.gate.batches = 0
  flush(e, e.root)
}

const flushed = (e: Engine, m: MemCgroup, column: number): number =>
  cellOf(e, m, 'shown', column) - cellOf(e, m, 'below', column)

export const RSTAT: Mechanism = {
  add,
  shown: (e, m, column) => cellOf(e, m, 'shown', column),
  // Where the gate is global a reader adds up the CPUs itself, so own lines are right at once (errata.md S2).
  shownLocal: (e, m, column) =>
    flushed(e, m, column) + (e.vmstats.rstatGate === 'global' ? sumOfBlocks(e, m, column) : 0),
  real: (e, m, column) => {
    let sum = cellOf(e, m, 'shown', column)
    forEachInSubtree(e, m, each => {
      sum += cellOf(e, each, 'pending', column) + sumOfBlocks(e, each, column)
    })
    return sum
  },
  readerFlushes,
  forReader,
  flush,
  atOffline: nothing,
  atRelease: flush,
  atFree: flush,
}
