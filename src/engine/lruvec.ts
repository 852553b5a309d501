/**
 * What reclaim remembers of a memcg on a node beside its lists: how old they are, what reclaim of each kind of memory
 * cost, where it goes on. Kernel: struct lruvec, struct mem_cgroup_per_node.
 *
 * A row exists once reclaim has come to a memcg or below it.
 */
import { allocRow, createPool, freeRow, type Pool } from '../pool.ts'
import type { NodeNumber, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { type ListName, listPages } from './foliolist.ts'
import { forEachInSubtree, type MemCgroup } from './memcg.ts'

/** The lists that reclaim scans, in its order. */
export const LRU = ['inactive_anon', 'active_anon', 'inactive_file', 'active_file'] as const
export type LruName = (typeof LRU)[number]

/** Reclaim begins here and goes down to 0: how small a part of each list it looks at. Kernel: DEF_PRIORITY. */
export const FIRST_PRIORITY = 12

/** Columns of a row, per node. Where both kinds have one, file follows anon. */
export const AGE = 0
/** What reclaim of it cost, in pages (5.8 and later). */
export const COST = 1
/** Scanned of late, and of these rotated (up to 5.7). */
export const SCANNED = 3
export const ROTATED = 5
/** Activations of the working set when the last reclaim ended. */
export const ACTIVATED = 7
/** What shrinkers were asked for and did not do. */
export const DEFERRED = 9
/** Slot of the memcg visited last plus 1, by priority; 0 for none. All priorities share the first where they share it. */
export const CURSOR = 10
const COLUMNS = CURSOR + FIRST_PRIORITY + 1

export const createAging = (nodes: number): Pool => createPool(nodes * COLUMNS)

/** Anon 0, file 1: what is added to the column of a pair. */
export const ANON = 0
export const FILE = 1
export type Kind = typeof ANON | typeof FILE

export const kindOf = (list: ListName): Kind => (list.endsWith('_file') ? FILE : ANON)

export function agingOf(e: Engine, m: MemCgroup, node: NodeNumber, column: number): number {
  return m.aging === -1 ? 0 : e.aging.data[m.aging * e.aging.stride + node * COLUMNS + column]!
}

export function setAging(e: Engine, m: MemCgroup, node: NodeNumber, column: number, value: number): void {
  if (m.aging === -1) m.aging = allocRow(e.aging)
  e.aging.data[m.aging * e.aging.stride + node * COLUMNS + column] = value
}

export const addAging = (e: Engine, m: MemCgroup, node: NodeNumber, column: number, value: number): void =>
  setAging(e, m, node, column, agingOf(e, m, node, column) + value)

/** The memcg is freed: no reclaim goes on from it. */
export function forgetAging(e: Engine, m: MemCgroup): void {
  for (let level: MemCgroup | null = m; level !== null; level = level.parent) {
    if (level.aging === -1) continue
    for (let node = 0; node < e.machine.nodes; node++)
      for (let column = CURSOR; column < COLUMNS; column++)
        if (agingOf(e, level, node, column) === m.slot + 1) setAging(e, level, node, column, 0)
  }
  if (m.aging !== -1) freeRow(e.aging, m.aging)
}

/** Pages on the lists of a memcg and everything below it. */
export type ListSizes = Readonly<Record<LruName, Pages>>

export function sizesBelow(e: Engine, m: MemCgroup, node: NodeNumber): ListSizes {
  const sizes = { inactive_anon: 0, active_anon: 0, inactive_file: 0, active_file: 0 }
  forEachInSubtree(e, m, each => {
    if (each.lists !== -1) for (const list of LRU) sizes[list] += listPages(e, each, node, list)
  })
  return sizes
}

export const sizesOf = (e: Engine, m: MemCgroup, node: NodeNumber): ListSizes => ({
  inactive_anon: listPages(e, m, node, 'inactive_anon'),
  active_anon: listPages(e, m, node, 'active_anon'),
  inactive_file: listPages(e, m, node, 'inactive_file'),
  active_file: listPages(e, m, node, 'active_file'),
})

/** So many pages of the memcg were evicted or became active. Kernel: workingset_age_nonresident. */
export function ageLists(e: Engine, m: MemCgroup, node: NodeNumber, pages: Pages): void {
  for (let level: MemCgroup | null = m; level !== null; level = level.parent) addAging(e, level, node, AGE, pages)
}

/** The lists go to the parent, with what reclaim of them cost. Kernel: memcg_reparent_lruvecs (7.1). */
export function reparentCost(e: Engine, m: MemCgroup, parent: MemCgroup): void {
  for (let node = 0; node < e.machine.nodes; node++)
    for (const kind of [ANON, FILE]) {
      const cost = agingOf(e, m, node, COST + kind)
      if (cost > 0) addAging(e, parent, node, COST + kind, cost)
    }
}

/** What reclaim of that kind of memory cost, here and above. Kernel: lru_note_cost. */
export function noteCost(e: Engine, m: MemCgroup, node: NodeNumber, kind: Kind, cost: Pages): void {
  if (cost === 0 || e.features.scanBalance !== 'cost') return
  for (let level: MemCgroup | null = m; level !== null; level = level.parent)
    addAging(e, level, node, COST + kind, cost)
}
