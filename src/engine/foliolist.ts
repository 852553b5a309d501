/**
 * The lists folios stand on: per memcg and node, as rows of list heads. The newest batch is at the head, reclaim takes
 * the oldest. Kernel: struct lruvec, include/linux/mm_inline.h.
 */
import { allocRow, createPool, type Pool } from '../pool.ts'
import type { NodeNumber, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import type { FolioBatch } from './folio.ts'
import type { MemCgroup } from './memcg.ts'

/** The lists of a memcg on a node. Kernel: enum lru_list. */
export const LISTS = ['inactive_anon', 'active_anon', 'inactive_file', 'active_file', 'unevictable'] as const
export type ListName = (typeof LISTS)[number]

export const NO_BATCH = -1

// Columns of a row of list heads, per list.
const NEWEST = 0
const OLDEST = 1
const PAGES = 2
const PER_LIST = 3

/** One row per memcg that ever had a folio, node by node. */
export const createLists = (nodes: number): Pool => createPool(nodes * LISTS.length * PER_LIST)

/** Oldest batch of a list, or undefined. */
export function oldest(e: Engine, m: MemCgroup, node: NodeNumber, list: ListName): FolioBatch | undefined {
  if (m.lists === -1) return undefined
  const id = e.folios.lists.data[headAt(e, m, node, list) + OLDEST]!
  return id === NO_BATCH ? undefined : e.folios.batches[id]!
}

export function newerThan(e: Engine, batch: FolioBatch): FolioBatch | undefined {
  return batch.newer === NO_BATCH ? undefined : e.folios.batches[batch.newer]!
}

/** Pages on a list. */
export function listPages(e: Engine, m: MemCgroup, node: NodeNumber, list: ListName): Pages {
  return m.lists === -1 ? 0 : e.folios.lists.data[headAt(e, m, node, list) + PAGES]!
}

const headAt = (e: Engine, m: MemCgroup, node: NodeNumber, list: ListName): number =>
  m.lists * e.folios.lists.stride + (node * LISTS.length + LISTS.indexOf(list)) * PER_LIST

function listAt(e: Engine, batch: FolioBatch): number {
  needLists(e, batch.memcg)
  return headAt(e, batch.memcg, batch.node, batch.list)
}

function needLists(e: Engine, m: MemCgroup): void {
  if (m.lists !== -1) return
  m.lists = allocRow(e.folios.lists)
  const { data, stride } = e.folios.lists
  for (let at = m.lists * stride; at < (m.lists + 1) * stride; at += PER_LIST) {
    data[at + NEWEST] = NO_BATCH
    data[at + OLDEST] = NO_BATCH
  }
}

/** Puts a batch on its list: as the newest, or as the oldest. */
export function putOnList(e: Engine, batch: FolioBatch, place: 'newest' | 'oldest' = 'newest'): void {
  const at = listAt(e, batch)
  const { data } = e.folios.lists
  if (place === 'newest') insert(e, at, NO_BATCH, batch.id, data[at + NEWEST]!)
  else insert(e, at, data[at + OLDEST]!, batch.id, NO_BATCH)
  data[at + PAGES]! += batch.pages
}

export function takeOffList(e: Engine, batch: FolioBatch): void {
  unlink(e, batch)
  e.folios.lists.data[listAt(e, batch) + PAGES]! -= batch.pages
}

/** Puts `part`, whose pages were part of `batch`, behind it. */
export function insertOlder(e: Engine, part: FolioBatch, batch: FolioBatch): void {
  insert(e, listAt(e, batch), batch.id, part.id, batch.older)
}

/** Off the list, where its pages stay counted: another batch there takes them over. */
export function unlink(e: Engine, batch: FolioBatch): void {
  makeNeighbours(e, listAt(e, batch), batch.newer, batch.older)
}

function insert(e: Engine, at: number, newer: number, id: number, older: number): void {
  makeNeighbours(e, at, newer, id)
  makeNeighbours(e, at, id, older)
}

/** By id; NO_BATCH stands for the end of the list whose heads are at `at`. */
function makeNeighbours({ folios }: Engine, at: number, newer: number, older: number): void {
  if (newer === NO_BATCH) folios.lists.data[at + NEWEST] = older
  else folios.batches[newer]!.older = older
  if (older === NO_BATCH) folios.lists.data[at + OLDEST] = newer
  else folios.batches[older]!.newer = newer
}

/** All batches on the lists of a memcg, the newest of each list first. */
export function batchesOf(e: Engine, m: MemCgroup): FolioBatch[] {
  const found: FolioBatch[] = []
  if (m.lists === -1) return found
  const { data } = e.folios.lists
  for (let node = 0; node < e.machine.nodes; node++)
    for (const list of LISTS)
      for (let id = data[headAt(e, m, node, list) + NEWEST]!; id !== NO_BATCH; id = e.folios.batches[id]!.older)
        found.push(e.folios.batches[id]!)
  return found
}
