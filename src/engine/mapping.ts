/**
 * Which address spaces show which memory: the reverse map. Kernel: mm/rmap.c.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, freeIfUnused, relist } from './folio.ts'
import { isolate } from './foliosplit.ts'
import type { Mm, Vma } from './mm.ts'
import { cutExtent, type Extent, extentAt, extentOf, firstStretch, insertExtent, removeExtent } from './pagemap.ts'
import { isolateSlots, unmapSlots } from './swap.ts'
import { modStat, modStatTimes, STAT } from './vmstat.ts'

/** Shows the whole batch in a region from page `page` on; there must be a hole. A fault also uses it: it is `young`. */
export function mapBatch(e: Engine, batch: FolioBatch, vma: Vma, page: Pages, cpu: Cpu, young = true): void {
  insertExtent(vma.map, extentOf(page, batch.pages, { batch }))
  batch.mappers.push({ vma, page, young })
  if (batch.mappers.length === 1) countMapped(e, batch, batch.pages, cpu)
  vma.mm.rss[batch.kind] += batch.pages
  vma.mm.mapped += batch.pages
  if (vma.isLocked) sortIntoList(e, batch, cpu)
}

/** Memory that a locked region shows stands on the list of what cannot be evicted. */
export function sortIntoList(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  if (batch.mappers.some(({ vma }) => vma.isLocked)) relist(e, batch, 'unevictable', cpu)
  else if (batch.list === 'unevictable')
    relist(e, batch, batch.kind === 'file' ? 'inactive_file' : 'inactive_anon', cpu)
}

/** Takes the batch out of one region; anonymous memory that nobody shows any more is freed. */
export function unmapFrom(e: Engine, batch: FolioBatch, vma: Vma, cpu: Cpu): void {
  const index = batch.mappers.findIndex(mapper => mapper.vma === vma)
  const { page } = batch.mappers[index]!
  batch.mappers.splice(index, 1)
  removeExtent(vma.map, vma.map.extents[extentAt(vma.map, page)]!)
  vma.mm.rss[batch.kind] -= batch.pages
  vma.mm.mapped -= batch.pages
  if (vma.isLocked) sortIntoList(e, batch, cpu)
  if (batch.mappers.length > 0) return
  countMapped(e, batch, -batch.pages, cpu)
  freeIfUnused(e, batch, cpu)
}

/** Leaves nothing shown in pages `start … end` of a region. */
export function unmapRange(e: Engine, vma: Vma, start: Pages, end: Pages, cpu: Cpu): void {
  for (let page = start; page < end; ) {
    const { extent, pages } = firstStretch(vma.map, page, end)
    if (extent?.batch) unmapFrom(e, isolate(e, extent.batch, page - extent.start, pages, cpu), vma, cpu)
    else if (extent?.swap) unmapSlots(e, isolateSlots(e, extent.swap, page - extent.start, pages), vma, cpu)
    else if (extent) unmapZero(vma, extent, page, pages)
    page += pages
  }
}

/** The zero page is an entry in the page tables and nothing else. */
function unmapZero({ map, mm }: Vma, extent: Extent, page: Pages, pages: Pages): void {
  const gone = page > extent.start ? cutExtent(map, extent, page - extent.start) : extent
  if (pages < gone.pages) cutExtent(map, gone, pages)
  removeExtent(map, gone)
  mm.mapped -= pages
}

/** Takes the batch out of every region, as reclaim does. Of a file the batch itself stays. */
export function unmapBatch(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  while (batch.mappers.length > 0) unmapFrom(e, batch, batch.mappers[0]!.vma, cpu)
}

/** Mapped memory of the batch in the statistics of who pays for it. */
export function countMapped(e: Engine, batch: FolioBatch, pages: Pages, cpu: Cpu): void {
  const item = batch.kind === 'anon' ? STAT.anon : STAT.file_mapped
  modStatTimes(e, batch.memcg, item, cpu, Math.sign(pages), Math.abs(pages), batch.node)
  if (batch.order > 0) modStat(e, batch.memcg, STAT.anon_thp, cpu, pages, batch.node)
}

/** Pages of this address space that are in memory. */
export const residentPages = (mm: Mm): Pages => mm.rss.anon + mm.rss.file + mm.rss.shmem
