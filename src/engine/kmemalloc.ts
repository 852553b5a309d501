/**
 * Taking kernel memory: objects of a cache, blocks of pages. Who pays for it, and in which unit, is a feature of the
 * kernel. Giving it back is in kmem.ts.
 */
import { isErrno } from '../errno.ts'
import type { Engine } from './engine.ts'
import { GFP_WAIT } from './gfp.ts'
import { type KernelObjects, type KernelPages, pinsOfBlock } from './kmem.ts'
import { chargeKmem } from './kmemcharge.ts'
import type { MemCgroup } from './memcg.ts'
import { CHARGED_PAGES, sharedSourceFor, sourceFor } from './memcgcache.ts'
import { chargeObjects, type KernelActor, objcgFor } from './objcg.ts'
import { allocObjects, type KmemCache } from './slab/slub.ts'
import { slabDebug } from './slabdebug.ts'

export type { KernelActor } from './objcg.ts'

/** Allocates up to `count` objects one after the other; stops at the first that is refused. */
export function allocKernelObjects(e: Engine, cache: KmemCache, count: number, actor: KernelActor): KernelObjects {
  const objects: KernelObjects = { cache: cache.index, node: actor.node, count: 0, runs: [] }
  if (actor.memcg === null) allocObjects(e, cache, count, actor, null, objects.runs)
  else if (e.features.slabController === 'page') allocFromCopies(e, objects, count, actor, actor.memcg)
  else allocByTheByte(e, objects, count, actor)
  objects.count = objects.runs.reduce((sum, run) => sum + run.count, 0)
  if (objects.count < count) noteRefused(e, actor)
  return objects
}

/** A request was refused that would have waited, had it been allowed to. */
function noteRefused(e: Engine, { memcg, gfp }: KernelActor): void {
  if (memcg !== null && (gfp & GFP_WAIT) === 0) slabDebug(e, memcg).nowaitFail++
}

/** Up to 5.8: from the memcg's own copy of the cache, once there is one. */
function allocFromCopies(
  e: Engine,
  { cache, runs }: KernelObjects,
  count: number,
  actor: KernelActor,
  m: MemCgroup,
): void {
  for (let left = count; left > 0; ) {
    const from = sourceFor(e, cache, m, left)
    if (allocObjects(e, from.cache, from.count, actor, null, runs, CHARGED_PAGES) < from.count) return
    left -= from.count
  }
}

/** From 5.9 on: every object is charged to the objcg, and comes from slabs that all cgroups share. */
function allocByTheByte(e: Engine, { cache, runs }: KernelObjects, count: number, actor: KernelActor): void {
  const o = objcgFor(actor.memcg!, actor.node)
  const hasTwoSets = o !== null && e.features.cacheCreate === 'async-once'
  for (let left = count; left > 0; ) {
    const from = hasTwoSets
      ? sharedSourceFor(e, cache, left)
      : { cache: e.slab.caches[cache]!, count: left, isCopy: false }
    const payer = hasTwoSets && !from.isCopy ? null : o
    const granted = payer === null ? from.count : chargeObjects(e, payer, from.cache, from.count, actor)
    allocObjects(e, from.cache, granted, actor, payer, runs)
    left -= granted
    if (granted === from.count) continue
    if (e.features.objChargeFail === 'fail') return
    // 5.9: the object whose charge was refused is handed out all the same.
    allocObjects(e, from.cache, 1, actor, null, runs)
    left--
  }
}

/** Allocates up to `blocks` blocks of 2^order pages. */
export function allocKernelPages(e: Engine, order: number, blocks: number, actor: KernelActor): KernelPages {
  const { gfp, cpu, mm, node } = actor
  const payer = actor.memcg?.kmemActive ? actor.memcg : null
  const objcg = payer !== null && e.features.kpageOwner === 'objcg' ? objcgFor(payer, node) : null
  const pages: KernelPages = { objcg, memcg: objcg === null ? payer : null, order, blocks: 0 }
  for (; pages.blocks < blocks; pages.blocks++) {
    if (payer !== null) {
      if (isErrno(chargeKmem(e, objcg?.memcg ?? payer, 2 ** order, gfp, cpu, mm))) break
      if (objcg !== null) objcg.refs++
      else payer.pins.kernelPages += pinsOfBlock(e, order)
    }
    e.kernelPages += 2 ** order
  }
  if (pages.blocks < blocks) noteRefused(e, actor)
  return pages
}
