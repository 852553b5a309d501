/**
 * The slab allocator: the third book, the pages that are really in use. Kernel: mm/slub.c, and mm/slab.c where the
 * machine has that allocator instead.
 *
 * Nothing here charges anybody. From 5.9 on all cgroups share one set of caches; before, each cgroup has copies of its
 * own, and who makes them decides by SlabPages whether a slab may have pages. An allocation is remembered as runs of
 * (slab, count, who pays).
 */
import { assert } from '../../assert.ts'
import { createPool } from '../../pool.ts'
import type { Features } from '../../profiles/features.ts'
import type { Bytes, Cpu } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { Machine, ModelOptions } from '../machine.ts'
import type { MemCgroup } from '../memcg.ts'
import type { KernelActor } from '../objcg.ts'
import type { ObjCgroup } from '../objstock.ts'
import { countObjectNode } from '../slabdebug.ts'
import type { Allocator } from './allocator.ts'
import { armTrim, arrayAllocator, isTrimmed, trimCache } from './arrays.ts'
import { bootCaches, type CacheSpec, kmallocSizes, slotSize } from './caches.ts'
import { cpuSlabAllocator } from './cpuslabs.ts'
import { createStack } from './freestack.ts'
import {
  arrayLimit,
  cpuPartialObjects,
  cpuPartialSlabs,
  type Geometry,
  leastGeometry,
  minPartial,
  sheafCapacity,
  slabGeometry,
  slubGeometry,
} from './geometry.ts'
import { GRANTED, type SlabPages } from './pages.ts'
import { sheafAllocator } from './sheaves.ts'
import {
  type AllocatorKind,
  cacheOfSlab,
  createList,
  FREE,
  get,
  type KmemCache,
  NODE,
  OBJECTS,
  type ObjectRun,
  type Slab,
  STRIDE,
  set,
  VECTOR,
  type VectorPlace,
} from './state.ts'

export { GRANTED, type SlabPages } from './pages.ts'
export { cacheOfSlab, freeOnNodeLists, type KmemCache, type ObjectRun, type Slab } from './state.ts'

const ALLOCATORS: Readonly<Record<AllocatorKind, Allocator>> = {
  'cpu-slabs': cpuSlabAllocator,
  sheaves: sheafAllocator,
  arrays: arrayAllocator,
}

/** Bytes of an entry of an ownership vector: a pointer. */
const VECTOR_ENTRY: Bytes = 8

export function createSlab(machine: Machine, features: Features, options: ModelOptions): Slab {
  const sheaves = features.slubCpuPartial === 'sheaves'
  const slab: Slab = {
    kind: machine.allocator === 'slab' ? 'arrays' : sheaves ? 'sheaves' : 'cpu-slabs',
    caches: [],
    freeIndices: [],
    byName: new Map(),
    rows: createPool(STRIDE, 64),
    pages: 0,
    vectorCaches: [],
    awaitVector: [],
    orphanVectors: [],
    trimming: false,
  }
  for (const spec of bootCaches(machine, features, options)) addCache(slab, spec, machine, features)
  // The plain kmalloc caches are the first of all.
  slab.vectorCaches.push(...kmallocSizes(machine).keys())
  return slab
}

/** A cache of everybody. */
export function addCache(slab: Slab, spec: CacheSpec, machine: Machine, features: Features): KmemCache {
  const size = slotSize(spec, machine.allocator)
  const layout = spec.layout ?? layoutOf(slab, spec, size, machine, features)
  const index = slab.freeIndices.pop() ?? slab.caches.length
  const cache = newCache(
    {
      index,
      root: index,
      name: spec.name,
      owner: null,
      object: spec.object,
      size,
      geometry: layout.preferred,
      minimum: layout.minimum,
      reclaimable: spec.reclaimable ?? false,
      account: spec.account ?? false,
      vector: vectorPlace(spec, size, layout.preferred, machine, features),
      ...limitsOf(slab.kind, size, layout.preferred, machine, features),
    },
    machine.nodes,
  )
  slab.caches[index] = cache
  slab.byName.set(spec.name, index)
  return cache
}

function layoutOf(
  { kind }: Slab,
  spec: CacheSpec,
  size: Bytes,
  machine: Machine,
  features: Features,
): NonNullable<CacheSpec['layout']> {
  if (kind !== 'arrays')
    return { preferred: slubGeometry(size, machine, features), minimum: leastGeometry(size, machine) }
  const only = slabGeometry(size, spec.reclaimable ?? false, machine)
  return { preferred: only, minimum: only }
}

type Limits = Pick<KmemCache, 'minPartial' | 'cpuLimit'>

function limitsOf(
  kind: AllocatorKind,
  size: Bytes,
  { objects }: Geometry,
  { pageSize }: Machine,
  features: Features,
): Limits {
  const slabs = features.slubCpuPartial === 'slabs'
  const ofSlub = slabs ? cpuPartialSlabs(size, objects, pageSize) : cpuPartialObjects(size, pageSize)
  const cpuLimits: Readonly<Record<AllocatorKind, number>> = {
    'cpu-slabs': ofSlub,
    sheaves: sheafCapacity(size, pageSize),
    arrays: arrayLimit(size),
  }
  return { minPartial: minPartial(size), cpuLimit: cpuLimits[kind] }
}

/** Kernel: memcg_alloc_slab_cgroups (5.9, 5.15), alloc_slab_obj_exts_early (7.1). */
function vectorPlace(
  { account }: CacheSpec,
  size: Bytes,
  { order, objects }: Geometry,
  { pageSize }: Machine,
  features: Features,
): VectorPlace {
  if (features.slabController !== 'objcg') return 'none'
  const leftover = pageSize * 2 ** order - objects * size
  if (features.objVector === 'slab-leftover' && leftover >= objects * VECTOR_ENTRY) return 'inside'
  return features.objVector !== 'first-object' && account ? 'at-creation' : 'at-first-object'
}

type NewCache = Omit<
  KmemCache,
  'killed' | 'cpus' | 'stacks' | 'nodes' | 'slabs' | 'pages' | 'capacity' | 'objects' | 'orderFallbacks'
>

function newCache(what: NewCache, nodes: number): KmemCache {
  return {
    ...what,
    killed: false,
    cpus: [],
    stacks: [],
    nodes: Array.from({ length: nodes }, () => ({
      partial: createList(),
      empty: createList(),
      free: 0,
      shared: createStack(),
    })),
    slabs: 0,
    pages: 0,
    capacity: 0,
    objects: 0,
    orderFallbacks: 0,
  }
}

/**
 * A copy of a cache with slabs of its own, for a cgroup (up to 5.8) or for all accounted objects (`owner` null). It
 * is found by its index only. Kernel: memcg_create_kmem_cache.
 */
export function createCacheCopy(slab: Slab, root: KmemCache, owner: MemCgroup | null): KmemCache {
  assert(root.root === root.index, 'only a cache of everybody is copied')
  const index = slab.freeIndices.pop() ?? slab.caches.length
  const copy = newCache({ ...root, index, owner }, root.nodes.length)
  slab.caches[index] = copy
  return copy
}

/** Forgets a copy that has no slab any more. Its index may be used again. */
export function destroyCache(slab: Slab, cache: KmemCache): void {
  assert(cache.slabs === 0 && cache.objects === 0, 'a cache is destroyed when its last slab is gone')
  assert(cache.root !== cache.index, 'a cache of everybody stays')
  slab.caches[cache.index] = null
  slab.freeIndices.push(cache.index)
}

/** The cache of everybody of that name, or undefined. */
export function findCache(slab: Slab, name: string): KmemCache | undefined {
  const index = slab.byName.get(name)
  return index === undefined ? undefined : slab.caches[index]!
}

/**
 * Takes up to `count` objects in the name of `actor`, for which `objcg` pays, and appends them to `runs`; how many it
 * got. Fewer only if `pages` refused those of a slab.
 */
export function allocObjects(
  e: Engine,
  cache: KmemCache,
  count: number,
  actor: KernelActor,
  objcg: ObjCgroup | null,
  runs: ObjectRun[],
  pages: SlabPages = GRANTED,
): number {
  const { slab } = e
  const allocator = ALLOCATORS[slab.kind]
  let left = count
  while (left > 0) {
    const run = allocator.take(e, cache, left, actor, objcg, pages)
    if (run === null) break
    left -= run.count
    if (cache.owner !== null) countObjectNode(e, cache.owner, get(slab, run.slab, NODE) === actor.node, run.count)
    if (objcg !== null && get(slab, run.slab, VECTOR) === 0 && cache.vector === 'at-first-object')
      slab.awaitVector.push(run.slab)
    const last = runs[runs.length - 1]
    if (last?.slab === run.slab && last.objcg === objcg) last.count += run.count
    else runs.push(run)
    if (slab.awaitVector.length > 0) addVectors(e, actor)
  }
  cache.objects += count - left
  return count - left
}

/**
 * Ownership vectors are objects of plain kmalloc caches, paid for by nobody. Where accounted objects are in these
 * caches too (no `kmalloc_cg`), the vector of a slab may come to lie in that slab, which then stays for ever.
 */
function addVectors(e: Engine, actor: KernelActor): void {
  const { slab } = e
  for (let row = slab.awaitVector.pop(); row !== undefined; row = slab.awaitVector.pop()) {
    const runs: ObjectRun[] = []
    allocObjects(e, vectorCache(slab, get(slab, row, OBJECTS)), 1, actor, null, runs)
    set(slab, row, VECTOR, runs[0]!.slab + 1)
  }
}

function vectorCache(slab: Slab, objects: number): KmemCache {
  const bytes = objects * VECTOR_ENTRY
  return slab.caches[slab.vectorCaches.find(index => slab.caches[index]!.object >= bytes)!]!
}

/** Gives `count` objects of one slab back, on `cpu`. */
export function freeObjects(e: Engine, row: number, count: number, cpu: Cpu, pages: SlabPages = GRANTED): void {
  const { slab } = e
  const cache = cacheOfSlab(slab, row)
  assert(get(slab, row, FREE) + count <= get(slab, row, OBJECTS), 'an object is freed once')
  cache.objects -= count
  ALLOCATORS[slab.kind].put(e, cache, row, count, cpu, pages)
  if (slab.orphanVectors.length > 0) freeVectors(e, cpu)
}

function freeVectors(e: Engine, cpu: Cpu): void {
  const { orphanVectors } = e.slab
  for (let row = orphanVectors.pop(); row !== undefined; row = orphanVectors.pop()) freeObjects(e, row, 1, cpu)
}

/** What one CPU keeps of a cache goes back to the nodes. Kernel: flush_slab, __unfreeze_partials. */
export function flushCpu(e: Engine, cache: KmemCache, cpu: Cpu, pages: SlabPages = GRANTED): void {
  ALLOCATORS[e.slab.kind].flush(e, cache, cpu, pages)
  freeVectors(e, cpu)
}

/** Flushes every CPU and frees all empty slabs, on `cpu`. Kernel: __kmem_cache_shrink. */
export function shrinkCache(e: Engine, cache: KmemCache, cpu: Cpu, pages: SlabPages = GRANTED): void {
  const allocator = ALLOCATORS[e.slab.kind]
  for (let each = 0; each < e.machine.cpus; each++) allocator.flush(e, cache, each, pages)
  allocator.freeEmpties(e, cache, cpu, pages)
  freeVectors(e, cpu)
}

/**
 * From now on a freed slab is kept nowhere: no partial slabs near CPUs, no empty ones on nodes. A shrink must follow,
 * at once or later. Kernel: __kmemcg_cache_deactivate; SLAB has no such limits.
 */
export function zeroPartialLimits(slab: Slab, cache: KmemCache): void {
  if (slab.kind !== 'cpu-slabs') return
  cache.cpuLimit = 0
  cache.minPartial = 0
}

/**
 * SLAB, deferred work: trims the arrays of all caches that were idle since the last `round`, every second time also
 * those of nodes, and again later while there is something to trim. Kernel: cache_reap.
 */
export function trimIdle(e: Engine, round: number, pages: SlabPages = GRANTED): void {
  const living = e.slab.caches.filter(cache => cache !== null)
  for (const cache of living) trimCache(e, cache, pages, round % 2 === 1)
  freeVectors(e, 0)
  e.slab.trimming = false
  if (living.some(cache => !isTrimmed(cache))) armTrim(e, round + 1)
}
