/**
 * SLUB of 7.1: no CPU owns a slab; each keeps single free objects in a main and a spare sheaf. Kernel: mm/slub.c,
 * alloc_from_pcs, free_to_pcs, refill_sheaf.
 *
 * Simplified: the two sheaves are one stack of up to twice the capacity of a sheaf, refilled and flushed by one
 * capacity at a time; the barn of full and empty sheaves that a node keeps is left out, and objects of another node
 * pass through the sheaves like others. A free object in a sheaf pins its slab.
 */
import type { Cpu } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { KernelActor } from '../objcg.ts'
import type { Allocator } from './allocator.ts'
import { cpuSlabAllocator } from './cpuslabs.ts'
import { cpuStack, type FreeStack, popNewest, pushNewest, stackEmptier } from './freestack.ts'
import { discardSlab, newSlab, type SlabPages } from './pages.ts'
import {
  FREE,
  get,
  isEmpty,
  isListed,
  type KmemCache,
  listSlab,
  NO_SLAB,
  nodeOfSlab,
  set,
  unlistSlab,
} from './state.ts'

const take: Allocator['take'] = (e, cache, want, actor, objcg, pages) => {
  const stack = cpuStack(cache, actor.cpu)
  if (stack.held === 0) refill(e, cache, stack, actor, pages)
  return stack.held === 0 ? null : popNewest(stack, want, objcg)
}

/** Fills one sheaf from the partial slabs of the node, then from new ones. The object met first is used first. */
function refill(e: Engine, cache: KmemCache, stack: FreeStack, actor: KernelActor, pages: SlabPages): void {
  const { slab } = e
  const { partial } = cache.nodes[actor.node]!
  const met: { row: number; count: number }[] = []
  for (let left = cache.cpuLimit; left > 0; ) {
    const row = partial.length > 0 ? partial.first : newSlab(e, cache, actor, pages)
    if (row === NO_SLAB) break
    const free = get(slab, row, FREE)
    const count = Math.min(left, free)
    set(slab, row, FREE, free - count)
    if (count === free && isListed(slab, row)) unlistSlab(slab, cache, row)
    if (count < free && !isListed(slab, row)) listSlab(slab, cache, row)
    met.push({ row, count })
    left -= count
  }
  for (const { row, count } of met.reverse()) pushNewest(stack, row, count)
}

const put: Allocator['put'] = (e, cache, row, count, cpu, pages) => {
  const stack = cpuStack(cache, cpu)
  for (let left = count; left > 0; ) {
    if (stack.held >= 2 * cache.cpuLimit) giveBackOldest(e, cache, stack, cache.cpuLimit, cpu, pages)
    const now = Math.min(left, 2 * cache.cpuLimit - stack.held)
    pushNewest(stack, row, now)
    left -= now
  }
}

/** Objects go back into their slab; an empty one goes back to the page allocator if the node has enough. */
function giveBack(e: Engine, cache: KmemCache, row: number, count: number, cpu: Cpu, pages: SlabPages): void {
  const { slab } = e
  set(slab, row, FREE, get(slab, row, FREE) + count)
  if (isEmpty(slab, row) && nodeOfSlab(slab, cache, row).partial.length >= cache.minPartial) {
    if (isListed(slab, row)) unlistSlab(slab, cache, row)
    discardSlab(e, cache, row, cpu, pages)
  } else if (!isListed(slab, row)) listSlab(slab, cache, row)
}

const { giveBackOldest, flush } = stackEmptier(giveBack)

export const sheafAllocator: Allocator = { take, put, flush, freeEmpties: cpuSlabAllocator.freeEmpties }
