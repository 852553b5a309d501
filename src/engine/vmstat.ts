/**
 * Statistics of a memcg: the second book. Kernel: mm/memcontrol.c.
 *
 * What memory.stat prints may lag behind what the page counters hold, or be wrong for ever: how depends on the kernel.
 * Four generations (vmstat/): added up by the reader (sum.ts), in batches per CPU and memcg (batched-local.ts), in
 * batches that go up the tree (batched-tree.ts), flushed (rstat.ts). This is the one door to them.
 */
import type { Features } from '../profiles/features.ts'
import type { Cpu, NodeNumber } from '../units.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'
import { BATCHED_LOCAL } from './vmstat/batched-local.ts'
import { BATCHED_TREE } from './vmstat/batched-tree.ts'
import type { StatLine } from './vmstat/lines.ts'
import type { Mechanism } from './vmstat/mechanism.ts'
import { flushEverything, RSTAT } from './vmstat/rstat.ts'
import { freeRows } from './vmstat/stats.ts'
import { SUM_AT_READ } from './vmstat/sum.ts'

export { STAT, STAT_NAMES, type StatName } from './vmstat/items.ts'
export type { StatLine } from './vmstat/lines.ts'

const MECHANISMS: Readonly<Record<Features['vmstat'], Mechanism>> = {
  'sum-at-read': SUM_AT_READ,
  'batched-local': BATCHED_LOCAL,
  'batched-tree': BATCHED_TREE,
  rstat: RSTAT,
}

const mechanismOf = ({ vmstats }: Engine): Mechanism => MECHANISMS[vmstats.vmstat]

/** Counts `value` (in the item's unit) once. The node is that of an item which nodes count too. */
export function modStat(e: Engine, m: MemCgroup, item: number, cpu: Cpu, value: number, node: NodeNumber = 0): void {
  if (value !== 0) mechanismOf(e).add(e, m, item, cpu, value, 1, node)
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
  if (value !== 0 && times !== 0) mechanismOf(e).add(e, m, item, cpu, value, times, node)
}

type ColumnReader = (e: Engine, m: MemCgroup, column: number) => number

function overCells(e: Engine, m: MemCgroup, item: number, read: ColumnReader): number {
  const { columns, cells } = e.vmstats
  const first = columns[item]!
  let sum = 0
  for (let cell = 0; cell < cells[item]!; cell++) sum += read(e, m, first + cell)
  return sum
}

/** The visible value of an item in its own unit, of `m` and everything below, never below zero. */
export const readStat = (e: Engine, m: MemCgroup, item: number): number =>
  Math.max(0, overCells(e, m, item, mechanismOf(e).shown))

/** The same of `m` alone: the lines of version 1 without `total_`. */
export const readLocalStat = (e: Engine, m: MemCgroup, item: number): number =>
  Math.max(0, overCells(e, m, item, mechanismOf(e).shownLocal))

/** The visible value of one node. */
export const readNodeStat = (e: Engine, m: MemCgroup, item: number, node: NodeNumber): number =>
  Math.max(0, mechanismOf(e).shown(e, m, e.vmstats.nodeColumns[item]! + node))

/** The visible value of one node, of `m` alone. */
export const readLocalNodeStat = (e: Engine, m: MemCgroup, item: number, node: NodeNumber): number =>
  Math.max(0, mechanismOf(e).shownLocal(e, m, e.vmstats.nodeColumns[item]! + node))

/** The value as it is, of `m` and everything below: what was counted, as if every update had been visible at once. */
export const trueStat = (e: Engine, m: MemCgroup, item: number): number => overCells(e, m, item, mechanismOf(e).real)

/** What memory.stat would show now: what is visible, or all if its reader would flush. Changes nothing. */
export const statOnRead = (e: Engine, m: MemCgroup, item: number): number =>
  mechanismOf(e).readerFlushes(e, m) ? Math.max(0, trueStat(e, m, item)) : readStat(e, m, item)

/** What a reader of memory.stat does first: flush if enough is pending, else leave it stale. */
export const flushForReader = (e: Engine, m: MemCgroup): void => mechanismOf(e).forReader(e, m)

/** Makes `m` and everything below up to date. Only kernels that flush can do that; on others it does nothing. */
export const flushStats = (e: Engine, m: MemCgroup): void => mechanismOf(e).flush(e, m)

/** The flush of everything, two seconds after the first update. */
export const periodicFlush = (e: Engine): void => flushEverything(e)

/** Out of use: after kernel memory was handed to the parent and the stocks are empty. */
export const statsAtOffline = (e: Engine, m: MemCgroup): void => mechanismOf(e).atOffline(e, m)

/** The last reference is gone. */
export const statsAtRelease = (e: Engine, m: MemCgroup): void => mechanismOf(e).atRelease(e, m)

/** Freed: what it counted goes to its ancestors as the kernel does it, and its rows are given back. */
export function statsAtFree(e: Engine, m: MemCgroup): void {
  mechanismOf(e).atFree(e, m)
  freeRows(e, m)
}

/** What one unit of the item is when printed. */
export function printedUnit({ vmstats, machine }: Engine, item: number): number {
  switch (vmstats.units[item]!) {
    case 'pages':
      return machine.pageSize
    case 'kib':
      return 1024
    default:
      return 1
  }
}

/** The visible value of a line of memory.stat, in units of what its items are printed in. */
export const readLine = (e: Engine, m: MemCgroup, { items }: StatLine): number =>
  items.reduce((sum, item) => sum + readStat(e, m, item), 0)
