/**
 * What the allocator tells of itself: the lines of slabinfo, and how well the pages are used (slab-kmem.md §3.4, §8.2).
 */
import { type SlabinfoRow, slabinfoHeader, slabinfoLine } from '../../formats/slabinfo.ts'
import type { TextBuffer } from '../../formats/text.ts'
import type { Bytes } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { MemCgroup } from '../memcg.ts'
import { SHARED_BATCHES, sharedLimit } from './arrays.ts'
import { arrayBatch } from './geometry.ts'
import { freeOnNodeLists, type KmemCache } from './state.ts'

/**
 * Objects that count as active: all but the free ones in slabs that nobody owns. Free objects on slabs, in sheaves and
 * in arrays of CPUs count, because the kernel does not look at them.
 */
export const activeObjects = ({ slab }: Engine, cache: KmemCache): number =>
  cache.capacity - freeOnNodeLists(slab, cache)

/** One line for caches of one name: a cache with its copies, or one copy alone. */
function rowOf(e: Engine, root: KmemCache, caches: readonly KmemCache[]): SlabinfoRow {
  const sum = (what: (cache: KmemCache) => number): number => caches.reduce((total, each) => total + what(each), 0)
  const slabs = sum(each => each.slabs)
  const isArray = e.slab.kind === 'arrays'
  const limit = root.cpuLimit
  return {
    name: root.name,
    activeObjects: sum(each => activeObjects(e, each)),
    objects: sum(each => each.capacity),
    size: root.size,
    objectsPerSlab: root.geometry.objects,
    pagesPerSlab: 2 ** root.geometry.order,
    tunables: isArray ? [limit, arrayBatch(limit), sharedLimit(e, root) > 0 ? SHARED_BATCHES : 0] : [0, 0, 0],
    activeSlabs: slabs - sum(each => each.nodes.reduce((empty, node) => empty + node.empty.length, 0)),
    slabs,
    sharedAvailable: sum(each => each.nodes.reduce((shared, node) => shared + node.shared.held, 0)),
  }
}

/** Living caches, the latest first, as the kernel lists them. */
const newestFirst = ({ slab }: Engine): KmemCache[] => slab.caches.filter(cache => cache !== null).reverse()

/** /proc/slabinfo of the whole machine: the line of a cache accumulates its copies. */
export function writeSlabinfo(e: Engine, out: TextBuffer): void {
  const copies = new Map<number, KmemCache[]>()
  for (const cache of newestFirst(e)) {
    const known = copies.get(cache.root)
    if (known === undefined) copies.set(cache.root, [cache])
    else known.push(cache)
  }
  slabinfoHeader(out)
  for (const cache of newestFirst(e)) {
    if (cache.root === cache.index) slabinfoLine(out, rowOf(e, cache, copies.get(cache.index)!))
  }
}

/** memory.kmem.slabinfo: a line for each copy that `m` owns now, also one it inherited. Empty from 5.9 on. */
export function writeSlabinfoOf(e: Engine, m: MemCgroup, out: TextBuffer): void {
  const { slabinfoFile } = e.features
  if (slabinfoFile === 'empty') return
  const owned = newestFirst(e).filter(cache => cache.owner === m)
  if (owned.length > 0 || slabinfoFile === 'full,header-always') slabinfoHeader(out)
  for (const cache of owned) slabinfoLine(out, rowOf(e, cache, [cache]))
}

/** Bytes of objects and of the pages they are in. */
export interface Utilization {
  /** Objects that slabinfo counts as active. */
  readonly active: Bytes
  /** Objects really handed out. */
  readonly used: Bytes
  readonly pages: Bytes
  /** Shares of the pages, 0 … 1; 1 where there are no pages. */
  readonly visible: number
  readonly exact: number
}

/** How well the pages of some caches are used, as slabinfo shows it and exactly. */
export function utilizationOf(e: Engine, caches: Iterable<KmemCache>): Utilization {
  let active = 0
  let used = 0
  let pages = 0
  for (const cache of caches) {
    active += activeObjects(e, cache) * cache.size
    used += cache.objects * cache.size
    pages += cache.pages * e.machine.pageSize
  }
  const share = (bytes: Bytes): number => (pages === 0 ? 1 : bytes / pages)
  return { active, used, pages, visible: share(active), exact: share(used) }
}

/** How well the pages of all caches are used. */
export const utilization = (e: Engine): Utilization => utilizationOf(e, newestFirst(e))
