/**
 * Where the pages of a region or of a file are: sorted extents over page numbers, with holes where nothing is.
 *
 * An extent that holds memory covers exactly one batch of folios, one that names swap slots exactly one batch of those. Batches are split where an operation needs it, and
 * every map that shows them is split with them (folio.ts).
 */
import type { Pages } from '../units.ts'
import type { FolioBatch } from './folio.ts'
import type { SwapBatch } from './swap.ts'
import type { Shadow } from './workingset.ts'

export interface Extent {
  start: Pages
  pages: Pages
  /** The memory here. With neither memory, slots nor shadow the shared zero page is mapped. */
  batch: FolioBatch | null
  /** Swap slots it was written to. */
  swap: SwapBatch | null
  /** What the first of the pages left behind when they were evicted; those after it were evicted after it. */
  shadow: Shadow | null
}

export interface PageMap {
  extents: Extent[]
}

export const createPageMap = (): PageMap => ({ extents: [] })

/** A new extent: of the zero page unless said. */
export const extentOf = (start: Pages, pages: Pages, what: Partial<Omit<Extent, 'start' | 'pages'>> = {}): Extent => ({
  start,
  pages,
  batch: what.batch ?? null,
  swap: what.swap ?? null,
  shadow: what.shadow ?? null,
})

/** Index of the extent that contains `page`, or of the first one after it. */
export function extentAt(map: PageMap, page: Pages): number {
  const { extents } = map
  let low = 0
  let high = extents.length
  while (low < high) {
    const middle = (low + high) >> 1
    const extent = extents[middle]!
    if (extent.start + extent.pages <= page) low = middle + 1
    else high = middle
  }
  return low
}

/** One stretch of a range: an extent (cut to the range by the caller) or a hole. */
export interface Stretch {
  readonly start: Pages
  readonly pages: Pages
  readonly extent: Extent | null
}

/** What lies first in `start … end`: at most one extent, or the hole before the next one. */
export function firstStretch(map: PageMap, start: Pages, end: Pages): Stretch {
  const extent = map.extents[extentAt(map, start)]
  if (extent === undefined || extent.start >= end) return { start, pages: end - start, extent: null }
  if (extent.start > start) return { start, pages: extent.start - start, extent: null }
  return { start, pages: Math.min(end, extent.start + extent.pages) - start, extent }
}

/** Puts an extent where there is a hole. */
export function insertExtent(map: PageMap, extent: Extent): void {
  map.extents.splice(extentAt(map, extent.start), 0, extent)
}

export function removeExtent(map: PageMap, extent: Extent): void {
  const index = extentAt(map, extent.start)
  if (map.extents[index] !== extent) throw new Error('only an extent of the map is removed from it')
  map.extents.splice(index, 1)
}

/** Cuts an extent in two: it keeps its first `pages` pages, the rest is the new extent that follows it. */
export function cutExtent(map: PageMap, extent: Extent, pages: Pages): Extent {
  const { start, shadow } = extent
  const rest: Extent = { ...extent, start: start + pages, pages: extent.pages - pages }
  if (shadow !== null) rest.shadow = { ...shadow, age: shadow.age + pages }
  extent.pages = pages
  map.extents.splice(extentAt(map, extent.start) + 1, 0, rest)
  return rest
}

/** Leaves holes in `start … end` of a map of plain extents, which hold nothing; how many pages were there. */
export function clearRange(map: PageMap, start: Pages, end: Pages): Pages {
  let cleared = 0
  for (let page = start; page < end; ) {
    const { extent, pages } = firstStretch(map, page, end)
    if (extent !== null) {
      const inside = page > extent.start ? cutExtent(map, extent, page - extent.start) : extent
      if (pages < inside.pages) cutExtent(map, inside, pages)
      removeExtent(map, inside)
      cleared += pages
    }
    page += pages
  }
  return cleared
}

/** Pages that are not holes. */
export const presentPages = (map: PageMap): Pages => map.extents.reduce((sum, extent) => sum + extent.pages, 0)
