/**
 * Memory that users see: batches of folios, who pays for them, and the lists they stand on.
 *
 * A batch is a run of pages that are alike: same payer, node, kind and list, neighbours in a region or a file. Payer,
 * counters and list membership are three separate things. A batch is split where an operation needs it.
 * Kernel: struct folio, mm/swap.c, include/linux/mm_inline.h.
 */
import { allocRow, createPool, type Pool } from '../pool.ts'
import type { Cpu, Nanoseconds, NodeNumber, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import type { PageCacheFile } from './file.ts'
import { afterUnpin, type MemCgroup } from './memcg.ts'
import { unchargeMemory } from './memcounters.ts'
import type { Vma } from './mm.ts'
import { recoverFromOom } from './oomwait.ts'
import { cutExtent, extentAt, type PageMap, removeExtent } from './pagemap.ts'
import { countPageEvents } from './thresholds.ts'
import { freeSpareNodes } from './treenodes.ts'
import { modStat, modStatTimes, STAT } from './vmstat.ts'

export type FolioKind = 'anon' | 'file' | 'shmem'

/** The lists of a memcg on a node. Kernel: enum lru_list. */
export const LISTS = ['inactive_anon', 'active_anon', 'inactive_file', 'active_file', 'unevictable'] as const
export type ListName = (typeof LISTS)[number]

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

export const NO_BATCH = -1

// Columns of a row of list heads, per list.
const NEWEST = 0
const OLDEST = 1
const PAGES = 2
const PER_LIST = 3

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
  return { pages: 0, batches: [], free: [], lists: createPool(nodes * LISTS.length * PER_LIST) }
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
  linkNewest(e, batch)
  e.folios.lists.data[listAt(e, batch) + PAGES]! += batch.pages
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

function linkNewest(e: Engine, batch: FolioBatch): void {
  const at = listAt(e, batch)
  const { data } = e.folios.lists
  const newest = data[at + NEWEST]!
  batch.older = newest
  batch.newer = NO_BATCH
  if (newest === NO_BATCH) data[at + OLDEST] = batch.id
  else e.folios.batches[newest]!.newer = batch.id
  data[at + NEWEST] = batch.id
}

function linkOldest(e: Engine, batch: FolioBatch): void {
  const at = listAt(e, batch)
  const { data } = e.folios.lists
  const last = data[at + OLDEST]!
  batch.newer = last
  batch.older = NO_BATCH
  if (last === NO_BATCH) data[at + NEWEST] = batch.id
  else e.folios.batches[last]!.older = batch.id
  data[at + OLDEST] = batch.id
}

function unlink(e: Engine, batch: FolioBatch): void {
  const at = listAt(e, batch)
  const { data } = e.folios.lists
  if (batch.newer === NO_BATCH) data[at + NEWEST] = batch.older
  else e.folios.batches[batch.newer]!.older = batch.older
  if (batch.older === NO_BATCH) data[at + OLDEST] = batch.newer
  else e.folios.batches[batch.older]!.newer = batch.newer
}

/**
 * Splits a batch: it keeps its last pages, and the first `pages` (the older ones) become a new batch, which is
 * returned. Every map that shows the batch is cut at the same place.
 */
export function splitBatch(e: Engine, batch: FolioBatch, pages: Pages, cpu: Cpu): FolioBatch {
  if (pages % 2 ** batch.order !== 0) breakUp(e, batch, cpu)
  const id = e.folios.free.pop() ?? e.folios.batches.length
  const first: FolioBatch = {
    ...batch,
    id,
    pages,
    newer: batch.id,
    older: batch.older,
    mappers: batch.mappers.map(each => ({ ...each })),
  }
  e.folios.batches[id] = first
  if (batch.older === NO_BATCH) e.folios.lists.data[listAt(e, batch) + OLDEST] = id
  else e.folios.batches[batch.older]!.newer = id
  batch.older = id
  batch.pages -= pages
  const cut = (map: PageMap, page: Pages): void => {
    const extent = map.extents[extentAt(map, page)]!
    const rest = cutExtent(map, extent, pages)
    extent.batch = first
    rest.batch = batch
  }
  if (batch.file !== null) {
    cut(batch.file.cache, batch.filePage)
    batch.filePage += pages
  }
  for (const mapper of batch.mappers) {
    cut(mapper.vma.map, mapper.page)
    mapper.page += pages
  }
  return first
}

/**
 * Joins a batch with the one before it in `map` if nothing tells them apart: alike, neighbours on their list, in the
 * same file and the same regions. Keeps the number of batches down when memory grows bit by bit.
 */
export function joinPrevious(e: Engine, map: PageMap, page: Pages): void {
  const index = extentAt(map, page)
  const extent = map.extents[index]
  const before = map.extents[index - 1]
  if (!extent?.batch || !before?.batch || before.start + before.pages !== extent.start) return
  const first = before.batch
  const second = extent.batch
  if (!areAlike(first, second)) return
  if (second.file !== null) absorb(second.file.cache, second.filePage)
  for (const mapper of second.mappers) absorb(mapper.vma.map, mapper.page)
  first.pages += second.pages
  unlink(e, second)
  e.folios.batches[second.id] = null
  e.folios.free.push(second.id)
}

function areAlike(first: FolioBatch, second: FolioBatch): boolean {
  return (
    first.newer === second.id &&
    first.list === second.list &&
    first.memcg === second.memcg &&
    first.kind === second.kind &&
    first.list === second.list &&
    first.order === second.order &&
    first.file === second.file &&
    first.referenced === second.referenced &&
    first.workingset === second.workingset &&
    first.dirty === second.dirty &&
    first.lazyFree === second.lazyFree &&
    first.writeback === second.writeback &&
    (first.file === null || first.filePage + first.pages === second.filePage) &&
    first.user === second.user &&
    sameOrphan(first.orphan, second.orphan) &&
    first.holders.length === second.holders.length &&
    first.holders.every((holder, i) => holder === second.holders[i]) &&
    first.mappers.length === second.mappers.length &&
    first.mappers.every((mapper, i) => {
      const other = second.mappers[i]!
      return mapper.vma === other.vma && mapper.page + first.pages === other.page && mapper.young === other.young
    })
  )
}

const sameOrphan = (one: Orphan | null, other: Orphan | null): boolean =>
  one === other || (one?.since === other?.since && one?.deferred === other?.deferred && one?.used === other?.used)

/** The extent before `page` takes over the one at `page`. */
function absorb(map: PageMap, page: Pages): void {
  const index = extentAt(map, page)
  map.extents[index - 1]!.pages += map.extents[index]!.pages
  map.extents.splice(index, 1)
}

/** Huge pages become as many small ones: a split inside one of them breaks up all of its batch. */
function breakUp(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  batch.memcg.pins.folios += batch.pages - foliosIn(batch)
  if (batch.mappers.length > 0) modStat(e, batch.memcg, STAT.anon_thp, cpu, -batch.pages, batch.node)
  batch.order = 0
}

/** Cuts out `pages` pages from page `from` of the batch and returns the batch that holds exactly these. */
export function isolate(e: Engine, batch: FolioBatch, from: Pages, pages: Pages, cpu: Cpu): FolioBatch {
  if (from > 0) splitBatch(e, batch, from, cpu)
  return pages < batch.pages ? splitBatch(e, batch, pages, cpu) : batch
}

/** The pages are free: uncharged at once, off the list. Nothing may show the batch any more. */
export function freeBatch(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  const { memcg } = batch
  const folios = foliosIn(batch)
  modStatTimes(e, memcg, STAT.pgpgout, cpu, 1, folios)
  e.folios.pages -= batch.pages
  unlink(e, batch)
  e.folios.lists.data[listAt(e, batch) + PAGES]! -= batch.pages
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

/**
 * Puts the batch on the lists of another memcg, which it references from now on. Neither counters nor statistics move.
 */
export function rehome(e: Engine, batch: FolioBatch, to: MemCgroup, place: 'newest' | 'oldest'): void {
  const { memcg } = batch
  const folios = foliosIn(batch)
  unlink(e, batch)
  e.folios.lists.data[listAt(e, batch) + PAGES]! -= batch.pages
  batch.memcg = to
  if (place === 'newest') linkNewest(e, batch)
  else linkOldest(e, batch)
  e.folios.lists.data[listAt(e, batch) + PAGES]! += batch.pages
  memcg.pins.folios -= folios
  to.pins.folios += folios
  afterUnpin(e, memcg)
}

/** Moves the batch to the head of a list of its memcg, of the one it is on too. */
export function relist(e: Engine, batch: FolioBatch, list: ListName, cpu: Cpu): void {
  const { memcg, order, node } = batch
  const folios = foliosIn(batch)
  unlink(e, batch)
  if (list === batch.list) {
    linkNewest(e, batch)
    return
  }
  modStatTimes(e, memcg, STAT[batch.list], cpu, -(2 ** order), folios, node)
  e.folios.lists.data[listAt(e, batch) + PAGES]! -= batch.pages
  batch.list = list
  linkNewest(e, batch)
  e.folios.lists.data[listAt(e, batch) + PAGES]! += batch.pages
  modStatTimes(e, memcg, STAT[list], cpu, 2 ** order, folios, node)
}

/** Joins the batch with the one before it in its file, or in the first region that shows it. */
export function rejoin(e: Engine, batch: FolioBatch): void {
  const mapper = batch.mappers[0]
  if (batch.file !== null) joinPrevious(e, batch.file.cache, batch.filePage)
  else if (mapper !== undefined) joinPrevious(e, mapper.vma.map, mapper.page)
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
