/**
 * The numbers behind the statistics, whatever the mechanism: rows of a memcg, each with a column per item (and node).
 * Plain data. Which rows there are and what they mean says each mechanism.
 */
import { allocRow, createPool, freeRow, type Pool } from '../../pool.ts'
import type { Features } from '../../profiles/features.ts'
import type { Cpu } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { Machine } from '../machine.ts'
import type { MemCgroup } from '../memcg.ts'
import { PER_NODE, STAT_NAMES, type StatUnit, unitsOf } from './items.ts'
import { countedBy, numaLines, type StatLine, statLines } from './lines.ts'

/** What of the kernel every update asks for: looked up once, for an update is part of every fault. */
type Rules = Pick<Features, 'vmstat' | 'vmstatLocal' | 'rstatGate' | 'rstatUnit' | 'batchPages'>

/** All statistics of one kernel. */
export interface VmStats extends Rules {
  /** What memory.stat prints, and memory.numa_stat. */
  readonly lines: readonly StatLine[]
  readonly nodeLines: readonly StatLine[]
  /** By item. */
  readonly units: readonly StatUnit[]
  /** By item: the kernel counts it. What only the model counts opens no gate. */
  readonly counted: readonly boolean[]
  /** By item: its first column in a row, and how many columns make up the value of the memcg. */
  readonly columns: readonly number[]
  readonly cells: readonly number[]
  /** By item: the column of node 0; that of node n is n further. */
  readonly nodeColumns: readonly number[]
  readonly width: number
  readonly rows: Pool
  /** Per (memcg, CPU); the last column counts updates for a gate. */
  readonly blocks: Pool
  /** The flush of everything is queued. */
  armed: boolean
  /** Of the gate that all memcgs share: updates by CPU, and how many batches of them were reached. */
  readonly gate: { readonly updates: number[]; batches: number }
}

/**
 * Where the memcg and its nodes have counters of their own, which are late each in their own way, both get columns;
 * where they are flushed together the memcg is the sum of its nodes. With one node there is no difference.
 */
export function createVmStats(features: Features, machine: Machine): VmStats {
  const { nodes, cpus } = machine
  const ownTotal = features.vmstat !== 'rstat' && nodes > 1
  const columns: number[] = []
  const cells: number[] = []
  const nodeColumns: number[] = []
  let width = 0
  for (const perNode of PER_NODE) {
    columns.push(width)
    cells.push(perNode && !ownTotal ? nodes : 1)
    nodeColumns.push(perNode && ownTotal ? width + 1 : width)
    width += !perNode ? 1 : ownTotal ? 1 + nodes : nodes
  }
  const { vmstat, vmstatLocal, rstatGate, rstatUnit, batchPages } = features
  return {
    vmstat,
    vmstatLocal,
    rstatGate,
    rstatUnit,
    batchPages,
    lines: statLines(features, machine),
    nodeLines: numaLines(features, machine),
    units: unitsOf(features),
    counted: countedBy(features),
    columns,
    cells,
    nodeColumns,
    width,
    rows: createPool(width),
    blocks: createPool(width + 1),
    armed: false,
    gate: { updates: new Array<number>(cpus).fill(0), batches: 0 },
  }
}

/** No row yet. */
export const NO_ROW = -1

/** Rows of a memcg, by what they hold. They are taken when something is counted for the first time. */
export interface MemcgStats {
  /** What readers see. */
  shown: number
  /** Batched: what the memcg itself has counted, for the lines that leave out its children. */
  own: number
  /** rstat: what children handed up and is not flushed here yet. */
  pending: number
  /** rstat: what children handed up and was flushed. Batched: what freed children left uncounted; no kernel knows it. */
  below: number
  /** By CPU: row in `blocks`. Null while no CPU counted anything. */
  blocks: number[] | null
  /** rstat: something waits in this memcg or below; then it is set in all ancestors too. */
  updated: boolean
  /** rstat: updates in batches since the last flush, here and below: what opens the gate of the memcg. */
  updates: number
}

const ROWS = ['shown', 'own', 'pending', 'below'] as const
type Row = (typeof ROWS)[number]

export const createMemcgStats = (): MemcgStats => ({
  shown: NO_ROW,
  own: NO_ROW,
  pending: NO_ROW,
  below: NO_ROW,
  blocks: null,
  updated: false,
  updates: 0,
})

/** Where a row of the memcg begins in `rows.data`; it is taken if need be, and `rows.data` may be a new array then. */
export function rowOf(e: Engine, m: MemCgroup, row: Row): number {
  const { rows } = e.vmstats
  if (m.stats[row] === NO_ROW) m.stats[row] = allocRow(rows)
  return m.stats[row] * rows.stride
}

/** Value in a row that may not be there. */
export function cellOf(e: Engine, m: MemCgroup, row: Row, column: number): number {
  const { rows } = e.vmstats
  return m.stats[row] === NO_ROW ? 0 : rows.data[m.stats[row] * rows.stride + column]!
}

/** Where the block of a CPU begins in `blocks.data`. It is taken if need be: `blocks.data` may be a new array then. */
export function blockOf(e: Engine, m: MemCgroup, cpu: Cpu): number {
  const { blocks } = e.vmstats
  const { stats } = m
  stats.blocks ??= new Array<number>(e.machine.cpus).fill(NO_ROW)
  let slot = stats.blocks[cpu]!
  if (slot === NO_ROW) {
    slot = allocRow(blocks)
    stats.blocks[cpu] = slot
  }
  return slot * blocks.stride
}

/** Sum of one column over the blocks of all CPUs. */
export function sumOfBlocks(e: Engine, m: MemCgroup, column: number): number {
  const { blocks } = e.vmstats
  let sum = 0
  for (const slot of m.stats.blocks ?? []) if (slot !== NO_ROW) sum += blocks.data[slot * blocks.stride + column]!
  return sum
}

/** The number of columns that belong to an item: of the memcg and of its nodes. They follow each other. */
export function columnsOf({ vmstats }: Engine, item: number): { first: number; end: number } {
  const end = item + 1 < STAT_NAMES.length ? vmstats.columns[item + 1]! : vmstats.width
  return { first: vmstats.columns[item]!, end }
}

/** Gives all rows of a memcg back. */
export function freeRows(e: Engine, m: MemCgroup): void {
  const { rows, blocks } = e.vmstats
  for (const row of ROWS) if (m.stats[row] !== NO_ROW) freeRow(rows, m.stats[row])
  for (const slot of m.stats.blocks ?? []) if (slot !== NO_ROW) freeRow(blocks, slot)
  m.stats = createMemcgStats()
}
