/**
 * Statistics of a memcg: the second book. Kernel: mm/memcontrol.c (memcg_vmstats, rstat), 5.13 and later.
 *
 * Updates go to a block per (memcg, CPU) and become visible in a memcg and its ancestors only when they are flushed:
 * every two seconds while there is anything to flush, or when a reader finds that more than a batch per CPU is
 * pending. So what memory.stat prints may lag behind what the page counters hold, as on the kernel.
 * The batched statistics of 5.2 to 5.12 arrive with those kernels.
 */
import { schedule } from '../clock.ts'
import { allocRow, createPool, freeRow, type Pool } from '../pool.ts'
import { type Cpu, milliseconds, type NodeNumber } from '../units.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'

/** How one unit of an item is counted inside. memory.stat prints bytes of all but `count`. */
type StatUnit = 'pages' | 'kib' | 'bytes' | 'count'

interface StatItem {
  readonly unit: StatUnit
  /** Kept per NUMA node as well: the lines of memory.numa_stat. */
  readonly perNode: boolean
}

const memcgItem = (unit: StatUnit): StatItem => ({ unit, perNode: false })
const nodeItem = (unit: StatUnit): StatItem => ({ unit, perNode: true })

/** Everything that is counted, by the name memory.stat prints it under. */
const ITEMS = {
  anon: nodeItem('pages'),
  file: nodeItem('pages'),
  kernel: memcgItem('pages'),
  kernel_stack: nodeItem('kib'),
  pagetables: nodeItem('pages'),
  sec_pagetables: nodeItem('pages'),
  percpu: memcgItem('bytes'),
  sock: memcgItem('pages'),
  vmalloc: memcgItem('pages'),
  shmem: nodeItem('pages'),
  file_mapped: nodeItem('pages'),
  file_dirty: nodeItem('pages'),
  file_writeback: nodeItem('pages'),
  swapcached: nodeItem('pages'),
  anon_thp: nodeItem('pages'),
  file_thp: nodeItem('pages'),
  shmem_thp: nodeItem('pages'),
  inactive_anon: nodeItem('pages'),
  active_anon: nodeItem('pages'),
  inactive_file: nodeItem('pages'),
  active_file: nodeItem('pages'),
  unevictable: nodeItem('pages'),
  slab_reclaimable: nodeItem('bytes'),
  slab_unreclaimable: nodeItem('bytes'),
  workingset_refault_anon: nodeItem('count'),
  workingset_refault_file: nodeItem('count'),
  workingset_activate_anon: nodeItem('count'),
  workingset_activate_file: nodeItem('count'),
  workingset_restore_anon: nodeItem('count'),
  workingset_restore_file: nodeItem('count'),
  workingset_nodereclaim: nodeItem('count'),
  pgdemote_kswapd: nodeItem('count'),
  pgdemote_direct: nodeItem('count'),
  pgdemote_khugepaged: nodeItem('count'),
  pgpromote_success: nodeItem('count'),
  pgscan_kswapd: memcgItem('count'),
  pgscan_direct: memcgItem('count'),
  pgscan_khugepaged: memcgItem('count'),
  pgsteal_kswapd: memcgItem('count'),
  pgsteal_direct: memcgItem('count'),
  pgsteal_khugepaged: memcgItem('count'),
  pgfault: memcgItem('count'),
  pgmajfault: memcgItem('count'),
  pgrefill: memcgItem('count'),
  pgactivate: memcgItem('count'),
  pgdeactivate: memcgItem('count'),
  pglazyfree: memcgItem('count'),
  pglazyfreed: memcgItem('count'),
  swpin_zero: memcgItem('count'),
  swpout_zero: memcgItem('count'),
  thp_fault_alloc: memcgItem('count'),
  thp_collapse_alloc: memcgItem('count'),
  thp_swpout: memcgItem('count'),
  thp_swpout_fallback: memcgItem('count'),
  numa_pages_migrated: memcgItem('count'),
  numa_pte_updates: memcgItem('count'),
  numa_hint_faults: memcgItem('count'),
} as const satisfies Record<string, StatItem>

export type StatName = keyof typeof ITEMS
export const STAT_NAMES = Object.keys(ITEMS) as readonly StatName[]

/** Place of an item in every row: its index among all items. */
type StatIndex = { readonly [K in StatName]: number }
export const STAT = Object.fromEntries(STAT_NAMES.map((name, i) => [name, i])) as StatIndex

const UNITS = STAT_NAMES.map(name => ITEMS[name].unit)
const PER_NODE = STAT_NAMES.map(name => ITEMS[name].perNode)

export const isPerNode = (name: StatName): boolean => ITEMS[name].perNode

/** All statistics of one kernel. Rows of `state` are flushed values; rows of `blocks` wait for a flush. */
export interface VmStats {
  /** Column of an item (its first node) in a row. */
  readonly columns: readonly number[]
  readonly width: number
  /** Per memcg: what readers see. */
  readonly state: Pool
  /** Per memcg: what children handed up and is not flushed into `state` yet. */
  readonly pending: Pool
  /** Per (memcg, CPU): what happened since the last flush; the last column counts updates for the gate. */
  readonly blocks: Pool
  /** The flush of everything is queued. */
  armed: boolean
}

export function createVmStats(nodes: number): VmStats {
  let width = 0
  const columns = PER_NODE.map(perNode => {
    const column = width
    width += perNode ? nodes : 1
    return column
  })
  return {
    columns,
    width,
    state: createPool(width),
    pending: createPool(width),
    blocks: createPool(width + 1),
    armed: false,
  }
}

/** The memcg's statistics. Rows are taken when something is counted for the first time. */
export interface MemcgStats {
  /** Slot in `state`; -1 while nothing was ever flushed here. */
  state: number
  /** Slot in `pending`; -1 while nothing waits here. */
  pending: number
  /** By CPU: slot in `blocks`, or -1. Null while no CPU counted anything. */
  blocks: number[] | null
  /** Something waits in this memcg or below: set from here to the root. */
  updated: boolean
  /** Updates in batches since the last flush, here and below: what opens the gate. */
  updates: number
}

export const createMemcgStats = (): MemcgStats => ({ state: -1, pending: -1, blocks: null, updated: false, updates: 0 })

function blockOf(e: Engine, m: MemCgroup, cpu: Cpu): number {
  m.stats.blocks ??= new Array<number>(e.machine.cpus).fill(-1)
  const slot = m.stats.blocks[cpu]!
  if (slot !== -1) return slot
  const fresh = allocRow(e.vmstats.blocks)
  m.stats.blocks[cpu] = fresh
  return fresh
}

/** The value in pages as the gate counts it: at least one. Kernel: memcg_state_val_in_pages, 6.8 and later. */
function gatePages(e: Engine, unit: StatUnit, value: number): number {
  if (unit === 'pages' || unit === 'count') return Math.abs(value)
  const bytes = Math.abs(value) * (unit === 'kib' ? 1024 : 1)
  const pages = bytes / e.machine.pageSize
  return value > 0 ? Math.max(Math.floor(pages), 1) : Math.ceil(pages)
}

/** Counts `value` (in the item's unit) once. */
export function modStat(e: Engine, m: MemCgroup, item: number, cpu: Cpu, value: number, node: NodeNumber = 0): void {
  modStatTimes(e, m, item, cpu, value, 1, node)
}

/** Counts `value` `times` times: what as many single updates leave behind, in one step. */
export function modStatTimes(
  e: Engine,
  m: MemCgroup,
  item: number,
  cpu: Cpu,
  value: number,
  times: number,
  node: NodeNumber = 0,
): void {
  if (value === 0 || times === 0) return
  const { blocks, columns, width } = e.vmstats
  const block = blockOf(e, m, cpu)
  blocks.data[block * blocks.stride + columns[item]! + node]! += value * times
  const weight = gatePages(e, UNITS[item]!, value)
  const batch = e.features.batchPages
  for (let level: MemCgroup | null = m; level !== null; level = level.parent) {
    level.stats.updated = true
    const at = blockOf(e, level, cpu) * blocks.stride + width
    countUpdates(e, level.stats, blocks.data, at, weight, times, batch)
  }
  armFlush(e)
}

/** `times` updates of `weight` each: the per-CPU count moves to the memcg whenever it reaches the batch. */
function countUpdates(
  e: Engine,
  stats: MemcgStats,
  data: Float64Array,
  at: number,
  weight: number,
  times: number,
  batch: number,
): void {
  const held = data[at]!
  if (held + weight * times < batch) {
    data[at] = held + weight * times
    return
  }
  // The first round fills up what was held; from then on every `perRound` updates make one more.
  const first = Math.max(1, Math.ceil((batch - held) / weight))
  const perRound = Math.ceil(batch / weight)
  const rounds = Math.floor((times - first) / perRound)
  data[at] = (times - first - rounds * perRound) * weight
  if (!needsFlush(e, stats)) stats.updates += held + first * weight + rounds * perRound * weight
}

const needsFlush = (e: Engine, stats: MemcgStats): boolean => stats.updates > e.features.batchPages * e.machine.cpus

function armFlush(e: Engine): void {
  if (e.vmstats.armed) return
  e.vmstats.armed = true
  schedule(e.clock, milliseconds(e.options.rstatMs), 'rstat-flush')
}

/** The two-second flush of everything. */
export function periodicFlush(e: Engine): void {
  e.vmstats.armed = false
  flushStats(e, e.root)
}

/** Brings the statistics of `m` up to date, with what its descendants counted. Children go before parents. */
export function flushStats(e: Engine, m: MemCgroup): void {
  if (!m.stats.updated) return
  for (let child = m.firstChild; child >= 0; ) {
    const c = e.memcgs[child]!
    flushStats(e, c)
    child = c.nextSibling
  }
  flushOne(e, m)
}

function flushOne(e: Engine, m: MemCgroup): void {
  const { state, pending, blocks, width } = e.vmstats
  const { stats } = m
  stats.updated = false
  stats.updates = 0
  if (stats.state === -1) stats.state = allocRow(state)
  if (m.parent !== null && m.parent.stats.pending === -1) m.parent.stats.pending = allocRow(pending)
  const own = stats.state * state.stride
  const up = m.parent === null ? -1 : m.parent.stats.pending * pending.stride
  const add = (data: Float64Array, from: number): void => {
    for (let column = 0; column < width; column++) {
      const delta = data[from + column]!
      if (delta === 0) continue
      data[from + column] = 0
      state.data[own + column]! += delta
      if (up !== -1) pending.data[up + column]! += delta
    }
  }
  if (stats.pending !== -1) {
    add(pending.data, stats.pending * pending.stride)
    freeRow(pending, stats.pending)
    stats.pending = -1
  }
  for (const slot of stats.blocks ?? []) {
    if (slot === -1) continue
    add(blocks.data, slot * blocks.stride)
    blocks.data[slot * blocks.stride + width] = 0
  }
}

/** What a reader of memory.stat does first: flush the subtree if enough is pending, else leave it stale. */
export function flushForReader(e: Engine, m: MemCgroup): void {
  if (needsFlush(e, m.stats)) flushStats(e, m)
}

/** The visible value of an item in its own unit, over all nodes, never below zero. */
export function readStat(e: Engine, m: MemCgroup, item: number): number {
  const { state, columns } = e.vmstats
  if (m.stats.state === -1) return 0
  const at = m.stats.state * state.stride + columns[item]!
  if (!PER_NODE[item]) return Math.max(0, state.data[at]!)
  let sum = 0
  for (let node = 0; node < e.machine.nodes; node++) sum += state.data[at + node]!
  return Math.max(0, sum)
}

/** The visible value of one node. */
export function readNodeStat(e: Engine, m: MemCgroup, item: number, node: NodeNumber): number {
  const { state, columns } = e.vmstats
  if (m.stats.state === -1) return 0
  return Math.max(0, state.data[m.stats.state * state.stride + columns[item]! + node]!)
}

/** What one unit of the item is when printed. */
export function printedUnit(e: Engine, item: number): number {
  switch (UNITS[item]!) {
    case 'pages':
      return e.machine.pageSize
    case 'kib':
      return 1024
    default:
      return 1
  }
}

/** Gives the rows of a memcg back. It has been flushed: nothing is lost. */
export function releaseStats(e: Engine, m: MemCgroup): void {
  const { state, pending, blocks } = e.vmstats
  if (m.stats.state !== -1) freeRow(state, m.stats.state)
  if (m.stats.pending !== -1) freeRow(pending, m.stats.pending)
  for (const slot of m.stats.blocks ?? []) if (slot !== -1) freeRow(blocks, slot)
  m.stats = createMemcgStats()
}
