/**
 * What the allocator keeps: caches, slabs, and the lists slabs stand on. Plain data; the rules are in the files beside.
 *
 * A slab is a row of numbers. It stands on a list of its node, or belongs to a CPU (it is "frozen"), or is on no list
 * because it is full. Objects of one slab are interchangeable: only their number is kept.
 */
import { assert } from '../../assert.ts'
import type { Pool } from '../../pool.ts'
import type { Bytes, Cpu, Pages } from '../../units.ts'
import type { MemCgroup } from '../memcg.ts'
import type { ObjCgroup } from '../objstock.ts'
import type { FreeStack } from './freestack.ts'
import type { Geometry } from './geometry.ts'

/** So many objects of one slab. */
export interface ObjectRun {
  readonly slab: number
  count: number
  /** Who pays for them by the byte; null for nobody, or where pages are charged and not objects (up to 5.8). */
  readonly objcg: ObjCgroup | null
}

/** How free objects are kept near a CPU: whole slabs (SLUB up to 6.18), or single objects. */
export type AllocatorKind = 'cpu-slabs' | 'sheaves' | 'arrays'

/** Where a slab of a cache has its ownership vector: nowhere, in its own leftover space, or in a kmalloc object. */
export type VectorPlace = 'none' | 'inside' | 'at-creation' | 'at-first-object'

export interface SlabList {
  first: number
  last: number
  length: number
}

/** What a CPU owns of a cache (SLUB up to 6.18). */
export interface CpuSlabs {
  /** The slab it allocates from, or NO_SLAB. */
  current: number
  /** Partial slabs; the next to be used is the last. */
  readonly partial: number[]
  /** What the partial slabs counted when they were put there: their free objects, or 1 each. */
  counted: number
}

export interface NodeSlabs {
  readonly partial: SlabList
  /** Slabs without an object in use; SLAB only, SLUB keeps them among the partial ones. */
  readonly empty: SlabList
  /** Free objects on both lists, kept by SLAB. */
  free: number
  /** Objects all CPUs of the node share; SLAB only. */
  readonly shared: FreeStack
}

export interface KmemCache {
  readonly index: number
  /** Index of the cache this is a copy of for a cgroup; its own index otherwise. */
  readonly root: number
  readonly name: string
  /** The cgroup whose copy this is, or whose it became; null for a cache of everybody. */
  owner: MemCgroup | null
  /** It lives on only until its last slab is gone (5.3 to 5.8). */
  killed: boolean
  readonly object: Bytes
  /** Distance between objects in bytes. */
  readonly size: Bytes
  readonly geometry: Geometry
  /** What is tried when pages for the preferred geometry are refused. */
  readonly minimum: Geometry
  readonly reclaimable: boolean
  readonly account: boolean
  readonly vector: VectorPlace
  /** Empty slabs a node keeps. */
  minPartial: number
  /** What a CPU keeps: partial slabs (counted in objects or in slabs), or objects of a sheaf or array. */
  cpuLimit: number
  /** By CPU, from its first use on. */
  readonly cpus: (CpuSlabs | undefined)[]
  readonly stacks: (FreeStack | undefined)[]
  /** By node. */
  readonly nodes: readonly NodeSlabs[]
  /** Slabs that exist, their pages, and the objects that fit into them. */
  slabs: number
  pages: Pages
  capacity: number
  /** Objects handed out. */
  objects: number
  /** Slabs that were made in the minimum geometry because the preferred one was refused. */
  orderFallbacks: number
}

export interface Slab {
  readonly kind: AllocatorKind
  /** By index; null where a copy was destroyed. */
  readonly caches: (KmemCache | null)[]
  readonly freeIndices: number[]
  /** The caches of everybody by name. */
  readonly byName: Map<string, number>
  readonly rows: Pool
  /** Of all slabs. */
  pages: Pages
  /** Plain kmalloc caches, sizes ascending: where ownership vectors are. */
  readonly vectorCaches: number[]
  /** Slabs that must get their vector, and vectors of slabs that are gone: empty between two operations. */
  readonly awaitVector: number[]
  readonly orphanVectors: number[]
  /** A trimming of idle arrays is on the clock. */
  trimming: boolean
}

export const NO_SLAB = -1

// Columns of a slab row.
export const CACHE = 0
export const FREE = 1
export const OBJECTS = 2
export const ORDER = 3
export const NODE = 4
/** 1 while a CPU owns it. */
export const FROZEN = 5
/** What it counted when it was put on the partial list of a CPU. */
export const COUNTED = 6
/** The slab of its ownership vector plus one; INSIDE; 0 without one. */
export const VECTOR = 7
const NEXT = 8
const PREV = 9
/** Which list it stands on: 0 none, 1 partial, 2 empty. */
const LIST = 10
export const STRIDE = 11

export const INSIDE = -1

export const get = (slab: Slab, row: number, column: number): number => slab.rows.data[row * STRIDE + column]!

export function set(slab: Slab, row: number, column: number, value: number): void {
  slab.rows.data[row * STRIDE + column] = value
}

export const cacheOfSlab = (slab: Slab, row: number): KmemCache => slab.caches[get(slab, row, CACHE)]!

export const nodeOfSlab = (slab: Slab, cache: KmemCache, row: number): NodeSlabs => cache.nodes[get(slab, row, NODE)]!

export const isListed = (slab: Slab, row: number): boolean => get(slab, row, LIST) !== 0

export const isEmpty = (slab: Slab, row: number): boolean => get(slab, row, FREE) === get(slab, row, OBJECTS)

export const createList = (): SlabList => ({ first: NO_SLAB, last: NO_SLAB, length: 0 })

export function cpuSlabs(cache: KmemCache, cpu: Cpu): CpuSlabs {
  cache.cpus[cpu] ??= { current: NO_SLAB, partial: [], counted: 0 }
  return cache.cpus[cpu]
}

/** Puts a slab at the end of a list of its node. */
export function listSlab(slab: Slab, cache: KmemCache, row: number, which: 'partial' | 'empty' = 'partial'): void {
  assert(!isListed(slab, row), 'a slab stands on one list')
  const list = nodeOfSlab(slab, cache, row)[which]
  set(slab, row, LIST, which === 'partial' ? 1 : 2)
  set(slab, row, PREV, list.last)
  set(slab, row, NEXT, NO_SLAB)
  if (list.last === NO_SLAB) list.first = row
  else set(slab, list.last, NEXT, row)
  list.last = row
  list.length++
}

export function unlistSlab(slab: Slab, cache: KmemCache, row: number): void {
  assert(isListed(slab, row), 'only a listed slab leaves a list')
  const list = nodeOfSlab(slab, cache, row)[get(slab, row, LIST) === 1 ? 'partial' : 'empty']
  const prev = get(slab, row, PREV)
  const next = get(slab, row, NEXT)
  if (prev === NO_SLAB) list.first = next
  else set(slab, prev, NEXT, next)
  if (next === NO_SLAB) list.last = prev
  else set(slab, next, PREV, prev)
  set(slab, row, LIST, 0)
  list.length--
}

export const nextSlab = (slab: Slab, row: number): number => get(slab, row, NEXT)

/** The slabs of a list in order. The one at hand may leave the list before the next is asked for. */
export function* slabsOn(slab: Slab, list: SlabList): Generator<number> {
  for (let row = list.first; row !== NO_SLAB; ) {
    const next = nextSlab(slab, row)
    yield row
    row = next
  }
}

/** Free objects on the lists of nodes: what /proc/slabinfo does not count as active. */
export function freeOnNodeLists(slab: Slab, cache: KmemCache): number {
  let free = 0
  for (const { partial, empty } of cache.nodes)
    for (const list of [partial, empty]) for (const row of slabsOn(slab, list)) free += get(slab, row, FREE)
  return free
}
