/** Objects of one cache, allocated and freed on CPUs by hand. */
import type { Engine } from '../../../src/engine/engine.ts'
import { GFP_KERNEL } from '../../../src/engine/gfp.ts'
import type { KernelActor } from '../../../src/engine/objcg.ts'
import {
  addCache,
  allocObjects,
  freeObjects,
  type KmemCache,
  type ObjectRun,
  type SlabPages,
} from '../../../src/engine/slab/slub.ts'
import { cpuSlabs, FREE, get, type SlabList, slabsOn } from '../../../src/engine/slab/state.ts'

export const onCpu = (cpu: number): KernelActor => ({ memcg: null, mm: null, cpu, node: 0, gfp: GFP_KERNEL })

/**
 * A cache of 4096-byte objects, four to a slab of order 2. Limits: 2 objects or 3 slabs partial on a CPU
 * (ceil(2 x 6 / 4)), sheaves of 4, an array of 24, and 6 empty slabs on a node.
 */
export function fours(e: Engine): KmemCache {
  const geometry = { order: 2, objects: 4 }
  const spec = { name: 'fours', object: 4096, layout: { preferred: geometry, minimum: { order: 0, objects: 1 } } }
  return addCache(e.slab, spec, e.machine, e.features)
}

/** Allocates one after the other; the slab of each object. */
export function take(e: Engine, cache: KmemCache, count: number, cpu = 0, pages?: SlabPages): number[] {
  const slabs: number[] = []
  for (let i = 0; i < count; i++) {
    const runs: ObjectRun[] = []
    if (allocObjects(e, cache, 1, onCpu(cpu), null, runs, pages) === 1) slabs.push(runs[0]!.slab)
  }
  return slabs
}

/** Frees one object of each of these slabs, one after the other. */
export function give(e: Engine, slabs: readonly number[], cpu = 0, pages?: SlabPages): void {
  for (const slab of slabs) freeObjects(e, slab, 1, cpu, pages)
}

/** Slabs in the order in which they first appear. */
export const distinct = (slabs: readonly number[]): number[] => [...new Set(slabs)]

export const rowsOn = (e: Engine, list: SlabList): number[] => [...slabsOn(e.slab, list)]

/** Where the slabs of a cache are: the CPU's own, its partial ones (next to be used first), the node's. */
export function whereabouts(
  e: Engine,
  cache: KmemCache,
  cpu = 0,
): { current: number; partial: number[]; node: number[] } {
  const { current, partial } = cpuSlabs(cache, cpu)
  return { current, partial: [...partial].reverse(), node: rowsOn(e, cache.nodes[0]!.partial) }
}

export const freeIn = (e: Engine, slab: number): number => get(e.slab, slab, FREE)
