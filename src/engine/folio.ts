/**
 * Memory that users see: batches of folios, and who pays for them.
 *
 * A batch is a run of pages that are alike: same payer, node, kind and list, neighbours in a region or a file. Payer,
 * counters and list membership are three separate things (foliolist.ts). A batch is split where an operation needs it
 * (foliosplit.ts).
 * Kernel: struct folio, mm/swap.c.
 */
import type { Pool } from '../pool.ts'
import type { Cpu, Nanoseconds, NodeNumber, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import type { PageCacheFile } from './file.ts'
import { createLists, type ListName, NO_BATCH, putOnList, takeOffList } from './foliolist.ts'
import { afterUnpin, type MemCgroup } from './memcg.ts'
import { unchargeMemory } from './memcounters.ts'
import type { Vma } from './mm.ts'
import { recoverFromOom } from './oomwait.ts'
import { extentAt, removeExtent } from './pagemap.ts'
import { countPageEvents } from './thresholds.ts'
import { freeSpareNodes } from './treenodes.ts'
import { modStatTimes, STAT } from './vmstat.ts'

export type FolioKind = 'anon' | 'file' | 'shmem'

export interface FolioBatch {
  readonly id: number
  pages: Pages
  /** Pages of one folio as a power of two: 0, or 9 for huge pages. */
  order: number
  /** Who pays. */
  memcg: MemCgroup
  readonly node: NodeNumber
  readonly kind: FolioKind
  list: ListName
  /** Neighbours on the list by id, or NO_BATCH: the newest is at the head, reclaim takes the oldest. */
  newer: number
  older: number
  /** The file whose cache this is, and where; null for anonymous memory and for cache that left its file. */
  file: PageCacheFile | null
  filePage: Pages
  /** Regions that show it, where, and whether it was used through them since reclaim last looked. */
  mappers: { vma: Vma; page: Pages; young: boolean }[]
  /** Used once since reclaim last looked. Kernel: PG_referenced. */
  referenced: boolean
  /** It was active, or came back as part of the working set. Kernel: PG_workingset. */
  workingset: boolean
  /** What is on disk is older. */
  dirty: boolean
  /** Number of the round that is writing it now; 0 for none. */
  writeback: number
  /** Anonymous memory whose contents nobody wants until it is written again: it stands among page cache. */
  lazyFree: boolean
  /** Who else holds on to it (pins.ts): while anybody does, it is neither freed nor evicted. */
  holders: readonly number[]
  /** Whoever used it last. */
  user: MemCgroup
  /** Left behind by a removed memcg; null while the one that was charged first is there. */
  orphan: Orphan | null
}

/** What is known of memory whose memcg was removed, since then. */
export interface Orphan {
  /** The first removal, if there were more. */
  readonly since: Nanoseconds
  /** Whoever uses it next is to pay for it. */
  readonly deferred: boolean
  readonly used: boolean
}

export interface Folios {
  /** In all batches. */
  pages: Pages
  /** By id; null where free. */
  readonly batches: (FolioBatch | null)[]
  readonly free: number[]
  /** List heads: one row per memcg that ever had a folio, node by node. */
  readonly lists: Pool
}

export function createFolios(nodes: number): Folios {
  return { pages: 0, batches: [], free: [], lists: createLists(nodes) }
}

export const foliosIn = (batch: FolioBatch): number => batch.pages / 2 ** batch.order

/** What a new batch is. */
export type NewFolios = Pick<FolioBatch, 'memcg' | 'kind' | 'pages' | 'order' | 'node'>

/** Adds pages that are charged already as a new batch at the head of a list. */
export function addBatch(e: Engine, what: NewFolios, cpu: Cpu): FolioBatch {
  const id = e.folios.free.pop() ?? e.folios.batches.length
  const batch: FolioBatch = {
    ...what,
    id,
    list: firstList(e, what.kind),
    newer: NO_BATCH,
    older: NO_BATCH,
    file: null,
    filePage: 0,
    mappers: [],
    lazyFree: false,
    holders: [],
    user: what.memcg,
    orphan: null,
    referenced: false,
    workingset: false,
    dirty: false,
    writeback: 0,
  }
  e.folios.batches[id] = batch
  e.folios.pages += batch.pages
  putOnList(e, batch)
  batch.memcg.pins.folios += foliosIn(batch)
  if (batch.memcg.parent !== null) e.charged += batch.pages
  modStatTimes(e, batch.memcg, STAT.pgpgin, cpu, 1, foliosIn(batch))
  countPageEvents(e, batch.memcg, batch.pages, cpu)
  modStatTimes(e, batch.memcg, STAT[batch.list], cpu, 2 ** batch.order, foliosIn(batch), batch.node)
  return batch
}

/** Where a new page starts: up to 5.8 anonymous memory is active. */
function firstList({ features }: Engine, kind: FolioKind): ListName {
  if (kind === 'file') return 'inactive_file'
  return kind === 'anon' && features.newAnon === 'active' ? 'active_anon' : 'inactive_anon'
}

/** The pages are free: uncharged at once, off the list. Nothing may show the batch any more. */
export function freeBatch(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  const { memcg } = batch
  const folios = foliosIn(batch)
  modStatTimes(e, memcg, STAT.pgpgout, cpu, 1, folios)
  e.folios.pages -= batch.pages
  takeOffList(e, batch)
  modStatTimes(e, memcg, STAT[batch.list], cpu, -(2 ** batch.order), folios, batch.node)
  e.folios.batches[batch.id] = null
  e.folios.free.push(batch.id)
  if (memcg.parent !== null) unchargeMemory(e, memcg, batch.pages)
  countPageEvents(e, memcg, batch.pages, cpu)
  if (e.oomWaiters.size > 0) recoverFromOom(e, memcg)
  memcg.pins.folios -= folios
  afterUnpin(e, memcg)
}

/** Frees memory that is in no file and that nobody shows or holds any more. */
export function freeIfUnused(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  if (batch.file === null && batch.mappers.length === 0 && batch.holders.length === 0) freeBatch(e, batch, cpu)
}

/** Still there, and not freed by what happened meanwhile. */
export const isThere = (e: Engine, batch: FolioBatch): boolean => e.folios.batches[batch.id] === batch

/**
 * Puts the batch on the lists of another memcg, which it references from now on. Neither counters nor statistics move.
 */
export function rehome(e: Engine, batch: FolioBatch, to: MemCgroup, place: 'newest' | 'oldest'): void {
  const { memcg } = batch
  const folios = foliosIn(batch)
  takeOffList(e, batch)
  batch.memcg = to
  putOnList(e, batch, place)
  memcg.pins.folios -= folios
  to.pins.folios += folios
  afterUnpin(e, memcg)
}

/** Moves the batch to the head of a list of its memcg, of the one it is on too. */
export function relist(e: Engine, batch: FolioBatch, list: ListName, cpu: Cpu): void {
  const { memcg, order, node } = batch
  const folios = foliosIn(batch)
  const from = batch.list
  takeOffList(e, batch)
  batch.list = list
  putOnList(e, batch)
  if (list === from) return
  modStatTimes(e, memcg, STAT[from], cpu, -(2 ** order), folios, node)
  modStatTimes(e, memcg, STAT[list], cpu, 2 ** order, folios, node)
}

/** Takes the batch out of its file: the cache entry is gone, the memory stays while somebody maps it. */
export function removeFromFile(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  const { file } = batch
  if (file === null) return
  removeExtent(file.cache, file.cache.extents[extentAt(file.cache, batch.filePage)]!)
  freeSpareNodes(e, file, batch.filePage, batch.filePage + batch.pages)
  batch.file = null
  if (batch.dirty) modStatTimes(e, batch.memcg, STAT.file_dirty, cpu, -1, batch.pages, batch.node)
  if (batch.writeback !== 0) modStatTimes(e, batch.memcg, STAT.file_writeback, cpu, -1, batch.pages, batch.node)
  batch.dirty = false
  batch.writeback = 0
  modStatTimes(e, batch.memcg, STAT.file, cpu, -1, batch.pages, batch.node)
  if (batch.kind === 'shmem') modStatTimes(e, batch.memcg, STAT.shmem, cpu, -1, batch.pages, batch.node)
}
