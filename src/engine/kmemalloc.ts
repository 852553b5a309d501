/**
 * Taking kernel memory: objects of a cache, blocks of pages. Who pays for it, and in which unit, is a feature of the
 * kernel. Giving it back is in kmem.ts.
 */
import { isErrno } from '../errno.ts'
import type { Engine } from './engine.ts'
import { type KernelObjects, type KernelPages, pinsOfBlock } from './kmem.ts'
import { chargeKmem } from './kmemcharge.ts'
import { chargeObjects, type KernelActor, objcgFor } from './objcg.ts'
import type { ObjCgroup } from './objstock.ts'
import { allocObjects, type KmemCache } from './slab/slub.ts'

export type { KernelActor } from './objcg.ts'

/** Allocates up to `count` objects one after the other; stops at the first that is refused. */
export function allocKernelObjects(e: Engine, cache: KmemCache, count: number, actor: KernelActor): KernelObjects {
  const { cpu, node, memcg } = actor
  const objects: KernelObjects = { cache: e.slab.byName.get(cache.name)!, node, count: 0, runs: [] }
  const objcg = memcg === null ? null : objcgFor(memcg, node)
  const take = (n: number, payer: ObjCgroup | null): void => {
    allocObjects(e.slab, cache, n, cpu, node, payer, objects.runs)
    objects.count += n
  }
  if (objcg === null) take(count, null)
  else {
    while (objects.count < count) {
      take(chargeObjects(e, objcg, cache, count - objects.count, actor), objcg)
      if (objects.count === count || e.features.objChargeFail === 'fail') break
      take(1, null) // 5.9: the object whose charge was refused is handed out all the same.
    }
  }
  return objects
}

/** Allocates up to `blocks` blocks of 2^order pages. */
export function allocKernelPages(e: Engine, order: number, blocks: number, actor: KernelActor): KernelPages {
  const { gfp, cpu, mm, node } = actor
  const payer = actor.memcg?.kmemActive ? actor.memcg : null
  const objcg = payer !== null && e.features.kpageOwner === 'objcg' ? objcgFor(payer, node) : null
  const pages: KernelPages = { objcg, memcg: objcg === null ? payer : null, order, blocks: 0 }
  for (; pages.blocks < blocks; pages.blocks++) {
    if (payer === null) continue
    if (isErrno(chargeKmem(e, objcg?.memcg ?? payer, 2 ** order, gfp, cpu, mm))) break
    if (objcg !== null) objcg.refs++
    else payer.pins.kernelPages += pinsOfBlock(e, order)
  }
  return pages
}
