/**
 * Where slabs come from and go to: pages, which somebody may refuse. Kernel: mm/slub.c, allocate_slab, free_slab.
 *
 * Who charges by the page (up to 5.8) hands in its own SlabPages; this module knows no charges. Pages themselves are
 * always found: want of memory of the whole machine is not modelled.
 */
import { allocRow, freeRow } from '../../pool.ts'
import type { Cpu } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { KernelActor } from '../objcg.ts'
import { countSlabNode, slabDebug } from '../slabdebug.ts'
import type { Geometry } from './geometry.ts'
import { CACHE, FREE, get, INSIDE, type KmemCache, NO_SLAB, NODE, OBJECTS, ORDER, set, VECTOR } from './state.ts'

/** Asked for the pages of each new slab, and told of those of each that goes. A constant object of functions. */
export interface SlabPages {
  /** Whether 2^order pages may be had. `first`: the preferred order; `fallback`: the smallest, after a refusal. */
  take(e: Engine, cache: KmemCache, order: number, attempt: 'first' | 'fallback', actor: KernelActor): boolean
  /** The slab is gone from its cache already. */
  give(e: Engine, cache: KmemCache, order: number, cpu: Cpu): void
}

export const GRANTED: SlabPages = { take: () => true, give: () => {} }

/**
 * A new slab, frozen by nobody and on no list; NO_SLAB if its pages were refused twice. The second attempt is made
 * also where the smallest order is the preferred one: it is made with the flags of the caller.
 */
export function newSlab(e: Engine, cache: KmemCache, actor: KernelActor, pages: SlabPages): number {
  const first = trySlab(e, cache, 'first', actor, pages)
  if (first !== NO_SLAB) return first
  const second = trySlab(e, cache, 'fallback', actor, pages)
  if (second === NO_SLAB) return NO_SLAB
  cache.orderFallbacks++
  if (cache.owner !== null) slabDebug(e, cache.owner).orderFallback++
  return second
}

/** One attempt at a new slab on the node of the actor: of the preferred geometry, or of the smallest. */
export function trySlab(
  e: Engine,
  cache: KmemCache,
  attempt: 'first' | 'fallback',
  actor: KernelActor,
  pages: SlabPages,
): number {
  const geometry = attempt === 'first' ? cache.geometry : cache.minimum
  if (!pages.take(e, cache, geometry.order, attempt, actor)) return NO_SLAB
  if (cache.owner !== null) {
    countSlabNode(e, cache.owner, actor.node, 2 ** geometry.order)
    if (geometry.order > cache.minimum.order) slabDebug(e, cache.owner).highOrderSlabs++
  }
  return addSlab(e, cache, geometry, actor)
}

function addSlab({ slab }: Engine, cache: KmemCache, { order, objects }: Geometry, { node }: KernelActor): number {
  const row = allocRow(slab.rows)
  set(slab, row, CACHE, cache.index)
  set(slab, row, FREE, objects)
  set(slab, row, OBJECTS, objects)
  set(slab, row, ORDER, order)
  set(slab, row, NODE, node)
  cache.slabs++
  cache.pages += 2 ** order
  slab.pages += 2 ** order
  cache.capacity += objects
  if (cache.vector === 'inside') set(slab, row, VECTOR, INSIDE)
  else if (cache.vector === 'at-creation') slab.awaitVector.push(row)
  return row
}

/** An empty slab that is on no list goes back. */
export function discardSlab(e: Engine, cache: KmemCache, row: number, cpu: Cpu, pages: SlabPages): void {
  const { slab } = e
  const order = get(slab, row, ORDER)
  const vector = get(slab, row, VECTOR)
  if (cache.owner !== null) countSlabNode(e, cache.owner, get(slab, row, NODE), -(2 ** order))
  cache.slabs--
  cache.pages -= 2 ** order
  slab.pages -= 2 ** order
  cache.capacity -= get(slab, row, OBJECTS)
  if (vector > 0) slab.orphanVectors.push(vector - 1)
  freeRow(slab.rows, row)
  pages.give(e, cache, order, cpu)
}
