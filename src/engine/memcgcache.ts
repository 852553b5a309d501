/**
 * The old slab controller: a copy of each cache per memcg, whose slabs are charged by the page.
 * Kernel: mm/slab_common.c and mm/memcontrol.c (memcg_kmem_get_cache, memcg_create_kmem_cache,
 * memcg_deactivate_kmem_caches), up to 5.8.
 *
 * A copy is made when a memcg uses a cache, by deferred work; objects taken before it exists come from the root cache
 * and are never accounted. When the memcg is removed its copies take no more objects. What then becomes of them is
 * where generations differ: they stay with the memcg and keep it alive as long as one object lives (up to 5.2), or
 * they are the parent's from then on (5.3 to 5.8).
 */
import { schedule } from '../clock.ts'
import { isErrno } from '../errno.ts'
import { type Cpu, milliseconds } from '../units.ts'
import type { Engine } from './engine.ts'
import { GFP_NORETRY, GFP_WAIT, type Gfp } from './gfp.ts'
import { chargeKmem } from './kmemcharge.ts'
import { afterUnpin, type MemCgroup, type MemcgCaches } from './memcg.ts'
import {
  createCacheCopy,
  destroyCache,
  type KmemCache,
  type SlabPages,
  shrinkCache,
  zeroPartialLimits,
} from './slab/slub.ts'
import { countSlabPages, holdsOwner, queueDestruction, UNCHARGED_PAGES } from './slabpages.ts'

const createMemcgCaches = (): MemcgCaches => ({ copies: new Map(), bypassed: new Map(), owned: new Set() })

/** Where objects come from next: a cache, and how many of them. */
export interface Source {
  readonly cache: KmemCache
  readonly count: number
  /** It is the copy that accounted objects belong in. */
  readonly isCopy: boolean
}

/** Where the next of `count` accounted objects of a task in `m` come from. */
export function sourceFor(e: Engine, rootCache: number, m: MemCgroup, count: number): Source {
  const hasCopies = m.kmemActive && m.parent !== null && m.online
  return hasCopies ? sourceOf(e, rootCache, m, count) : { cache: e.slab.caches[rootCache]!, count, isCopy: false }
}

/**
 * The same in the second version of the patchset behind the new controller: one more set of caches for the whole host
 * takes the accounted objects of all cgroups (thread 003). The root memcg keeps it.
 */
export const sharedSourceFor = (e: Engine, rootCache: number, count: number): Source =>
  sourceOf(e, rootCache, e.root, count)

/** While no copy exists the first few objects come from the root cache (option cache_create_bypass). */
function sourceOf(e: Engine, rootCache: number, keeper: MemCgroup, count: number): Source {
  const { caches } = e.slab
  keeper.caches ??= createMemcgCaches()
  const copy = keeper.caches.copies.get(rootCache)
  if (copy !== undefined) return { cache: caches[copy]!, count, isCopy: true }
  const { cacheCreateBypass } = e.options
  if (cacheCreateBypass === 'clock') {
    queueCreation(e, keeper, rootCache)
    return { cache: caches[rootCache]!, count, isCopy: false }
  }
  const before = keeper.caches.bypassed.get(rootCache) ?? 0
  if (before >= cacheCreateBypass) return { cache: createCopy(e, keeper, rootCache), count, isCopy: true }
  const now = Math.min(count, cacheCreateBypass - before)
  keeper.caches.bypassed.set(rootCache, before + now)
  return { cache: caches[rootCache]!, count: now, isCopy: false }
}

/** The memcg stays until the work has run. It may be queued several times; the first one wins. */
function queueCreation(e: Engine, m: MemCgroup, rootCache: number): void {
  m.pins.cacheCreations++
  schedule(e.clock, milliseconds(e.options.workMs), 'cache-create', m.slot, rootCache)
}

/** Deferred work: makes the copy, unless the memcg is offline by now or it exists. */
export function createQueuedCopy(e: Engine, slot: number, rootCache: number): void {
  const m = e.memcgs[slot]!
  if (m.online && !m.caches!.copies.has(rootCache)) createCopy(e, m, rootCache)
  m.pins.cacheCreations--
  afterUnpin(e, m)
}

function createCopy(e: Engine, keeper: MemCgroup, rootCache: number): KmemCache {
  const owner = keeper.parent === null ? null : keeper
  const cache = createCacheCopy(e.slab, e.slab.caches[rootCache]!, owner)
  keeper.caches!.copies.set(rootCache, cache.index)
  keeper.caches!.bypassed.delete(rootCache)
  if (owner !== null) {
    owner.caches!.owned.add(cache.index)
    if (holdsOwner(e)) owner.pins.caches++
  }
  return cache
}

/** The pages of a copy's slabs are charged to its owner. */
export const CHARGED_PAGES: SlabPages = {
  take(e, cache, order, attempt, actor) {
    const { owner } = cache
    if (owner === null) return true
    const pages = 2 ** order
    const gfp = attempt === 'first' ? gfpOfFirstTry(e, cache, actor.gfp) : actor.gfp
    if (isErrno(chargeKmem(e, owner, pages, gfp, actor.cpu, actor.mm))) return false
    countSlabPages(e, owner, cache, actor.cpu, pages)
    if (!holdsOwner(e)) owner.pins.slabPages += pages
    return true
  },
  give: UNCHARGED_PAGES.give,
}

/**
 * Flags of the first attempt, at the preferred order: it does not insist, and from 4.3 on does not even wait if a
 * smaller slab would do (features slab_first_try, slab_charge_gfp).
 */
function gfpOfFirstTry(e: Engine, cache: KmemCache, gfp: Gfp): Gfp {
  const { slabChargeGfp, slabFirstTry } = e.features
  if (slabChargeGfp === 'caller') return gfp
  const isLarge = cache.geometry.order > cache.minimum.order
  if (slabFirstTry === 'no-wait' || (slabFirstTry === 'no-wait-high-order' && isLarge)) return gfp & ~GFP_WAIT
  return gfp | GFP_NORETRY
}

/** Its caches take no more objects; depending on the kernel they are the parent's from now on. */
export function offlineCaches(e: Engine, m: MemCgroup, parent: MemCgroup, cpu: Cpu): void {
  if (m.caches === null) return
  for (const index of m.caches.copies.values()) deactivate(e, e.slab.caches[index]!, cpu)
  m.caches.copies.clear()
  m.caches.bypassed.clear()
  if (e.features.slabReparent === 'caches') giveCachesTo(e, m, parent)
}

/** From now on the cache keeps no empty slab longer than it must. */
function deactivate(e: Engine, cache: KmemCache, cpu: Cpu): void {
  zeroPartialLimits(e.slab, cache)
  if (e.features.cacheShrink === 'at-offline') shrinkCache(e, cache, cpu, CHARGED_PAGES)
  else {
    const { rcuMs, workMs } = e.options
    schedule(e.clock, milliseconds(rcuMs + workMs), 'cache-shrink', cache.index)
  }
}

/** Deferred work: gives empty slabs back; a cache that lives on without its memcg dies with its last slab. */
export function shrinkDeactivated(e: Engine, index: number): void {
  const cache = e.slab.caches[index]!
  shrinkCache(e, cache, 0, CHARGED_PAGES)
  if (!holdsOwner(e)) return
  cache.killed = true
  if (cache.slabs === 0) queueDestruction(e, cache)
}

/** Deferred work: the cache is gone, and with it its reference on the owner. */
export function destroyKilled(e: Engine, index: number): void {
  const cache = e.slab.caches[index]!
  const owner = cache.owner!
  owner.caches!.owned.delete(index)
  destroyCache(e.slab, cache)
  owner.pins.caches--
  afterUnpin(e, owner)
}

function giveCachesTo(e: Engine, m: MemCgroup, parent: MemCgroup): void {
  const { owned } = m.caches!
  if (owned.size === 0) return
  parent.caches ??= createMemcgCaches()
  for (const index of owned) {
    e.slab.caches[index]!.owner = parent
    parent.caches.owned.add(index)
  }
  parent.pins.caches += owned.size
  m.pins.caches -= owned.size
  owned.clear()
}

/** With the memcg go the caches that stayed with it, all empty by now. */
export function destroyCaches(e: Engine, m: MemCgroup): void {
  for (const index of m.caches?.owned ?? []) destroyCache(e.slab, e.slab.caches[index]!)
}
