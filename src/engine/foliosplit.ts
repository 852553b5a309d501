/**
 * Splitting batches where an operation needs it, and joining them again when nothing tells them apart any more.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, foliosIn, type Orphan } from './folio.ts'
import { insertOlder, unlink } from './foliolist.ts'
import { cutExtent, extentAt, type PageMap } from './pagemap.ts'
import { modStat, STAT } from './vmstat.ts'

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
    mappers: batch.mappers.map(each => ({ ...each })),
  }
  e.folios.batches[id] = first
  insertOlder(e, first, batch)
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

/** Joins the batch with the one before it in its file, or in the first region that shows it. */
export function rejoin(e: Engine, batch: FolioBatch): void {
  const mapper = batch.mappers[0]
  if (batch.file !== null) joinPrevious(e, batch.file.cache, batch.filePage)
  else if (mapper !== undefined) joinPrevious(e, mapper.vma.map, mapper.page)
}
