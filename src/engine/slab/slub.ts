/**
 * The slab allocator: the third book, the pages that are really in use. Kernel: mm/slub.c.
 *
 * From 5.9 on all cgroups share one set of caches, so nothing here knows who pays. Objects of one slab are
 * interchangeable; an allocation is remembered as runs of (slab, count). A CPU owns its current slab and a few partial
 * ones ("frozen"), the node keeps the other partial slabs, full slabs are on no list.
 * Pages for slabs are always found: memory pressure of the whole machine is not modelled here.
 */
import { assert } from '../../assert.ts'
import { allocRow, createPool, freeRow, type Pool } from '../../pool.ts'
import type { Features } from '../../profiles/features.ts'
import type { Bytes, Cpu, NodeNumber } from '../../units.ts'
import type { Machine } from '../machine.ts'
import type { ObjCgroup } from '../objstock.ts'
import { CACHES, type CacheSpec, slotSize } from './caches.ts'
import { cpuPartialSlabs, type Geometry, minPartial, slubGeometry } from './geometry.ts'

/** So many objects of one slab. */
export interface ObjectRun {
  readonly slab: number
  count: number
  /** Who pays for them by the byte; null for nobody, or where pages are charged and not objects (up to 5.8). */
  readonly objcg: ObjCgroup | null
}

/** What a CPU owns of a cache. */
interface CpuSlabs {
  /** The slab it allocates from, or NO_SLAB. */
  current: number
  partial: number[]
}

export interface KmemCache {
  readonly name: string
  /** Distance between objects in bytes. */
  readonly size: Bytes
  readonly geometry: Geometry
  readonly reclaimable: boolean
  readonly account: boolean
  readonly minPartial: number
  readonly cpuPartial: number
  /** By CPU; null while that CPU never used the cache. */
  readonly cpus: (CpuSlabs | null)[]
  /** By node: partial slabs owned by no CPU, in a list through the slab rows. */
  readonly nodes: { first: number; last: number; length: number }[]
  /** Slabs that exist. */
  slabs: number
  /** Objects handed out. */
  objects: number
}

const NO_SLAB = -1

// Columns of a slab row.
const CACHE = 0
const FREE = 1
/** CPU that owns the slab, or -1. */
const OWNER = 2
const NODE = 3
const NEXT = 4
const PREV = 5
const LISTED = 6
const STRIDE = 7

export interface Slab {
  readonly caches: KmemCache[]
  readonly byName: Map<string, number>
  readonly rows: Pool
}

export function createSlab(machine: Machine, features: Features): Slab {
  const slab: Slab = { caches: [], byName: new Map(), rows: createPool(STRIDE, 64) }
  for (const spec of CACHES) addCache(slab, spec, machine, features)
  return slab
}

export function addCache(slab: Slab, spec: CacheSpec, machine: Machine, features: Features): void {
  const size = slotSize(spec)
  const geometry = slubGeometry(size, machine, features)
  slab.byName.set(spec.name, slab.caches.length)
  slab.caches.push({
    name: spec.name,
    size,
    geometry,
    reclaimable: spec.reclaimable ?? false,
    account: spec.account ?? false,
    minPartial: minPartial(size),
    cpuPartial: cpuPartialSlabs(size, geometry.objects, machine.pageSize),
    cpus: new Array<CpuSlabs | null>(machine.cpus).fill(null),
    nodes: Array.from({ length: machine.nodes }, () => ({ first: NO_SLAB, last: NO_SLAB, length: 0 })),
    slabs: 0,
    objects: 0,
  })
}

/** The cache of that name, or undefined. */
export function findCache(slab: Slab, name: string): KmemCache | undefined {
  const index = slab.byName.get(name)
  return index === undefined ? undefined : slab.caches[index]
}

const cellOf = (slab: Slab, row: number, column: number): number => slab.rows.data[row * STRIDE + column]!
const setCell = (slab: Slab, row: number, column: number, value: number): void => {
  slab.rows.data[row * STRIDE + column] = value
}

function cpuSlabs(cache: KmemCache, cpu: Cpu): CpuSlabs {
  cache.cpus[cpu] ??= { current: NO_SLAB, partial: [] }
  return cache.cpus[cpu]
}

/** Takes `count` objects for `cpu` from slabs of `node`, for which `objcg` pays, and appends them to `runs`. */
export function allocObjects(
  slab: Slab,
  cache: KmemCache,
  count: number,
  cpu: Cpu,
  node: NodeNumber,
  objcg: ObjCgroup | null,
  runs: ObjectRun[],
): void {
  cache.objects += count
  let left = count
  while (left > 0) {
    const row = slabWithRoom(slab, cache, cpu, node)
    const taken = Math.min(left, cellOf(slab, row, FREE))
    setCell(slab, row, FREE, cellOf(slab, row, FREE) - taken)
    const last = runs[runs.length - 1]
    if (last?.slab === row && last.objcg === objcg) last.count += taken
    else runs.push({ slab: row, count: taken, objcg })
    left -= taken
  }
}

/** The slab the CPU allocates from next: its own, a partial one, or a new one. */
function slabWithRoom(slab: Slab, cache: KmemCache, cpu: Cpu, node: NodeNumber): number {
  const own = cpuSlabs(cache, cpu)
  if (own.current !== NO_SLAB) {
    if (cellOf(slab, own.current, FREE) > 0) return own.current
    setCell(slab, own.current, OWNER, -1)
  }
  own.current = own.partial.shift() ?? takeFromNode(slab, cache, cpu, node) ?? newSlab(slab, cache, cpu, node)
  return own.current
}

/** The first partial slab of the node becomes current; some more go to the CPU's partial list. */
function takeFromNode(slab: Slab, cache: KmemCache, cpu: Cpu, node: NodeNumber): number | undefined {
  const list = cache.nodes[node]!
  if (list.length === 0) return undefined
  const first = list.first
  unlist(slab, cache, first)
  setCell(slab, first, OWNER, cpu)
  const { partial } = cpuSlabs(cache, cpu)
  while (partial.length < cache.cpuPartial / 2 && list.length > 0) {
    const more = list.first
    unlist(slab, cache, more)
    setCell(slab, more, OWNER, cpu)
    partial.push(more)
  }
  return first
}

function newSlab(slab: Slab, cache: KmemCache, cpu: Cpu, node: NodeNumber): number {
  const row = allocRow(slab.rows)
  setCell(slab, row, CACHE, slab.byName.get(cache.name)!)
  setCell(slab, row, FREE, cache.geometry.objects)
  setCell(slab, row, OWNER, cpu)
  setCell(slab, row, NODE, node)
  cache.slabs++
  return row
}

/** Gives `count` objects of one slab back, on `cpu`. */
export function freeObjects(slab: Slab, row: number, count: number, cpu: Cpu): void {
  const cache = slab.caches[cellOf(slab, row, CACHE)]!
  const wasFull = cellOf(slab, row, FREE) === 0
  const free = cellOf(slab, row, FREE) + count
  assert(free <= cache.geometry.objects, 'an object is freed once')
  setCell(slab, row, FREE, free)
  cache.objects -= count
  if (cellOf(slab, row, OWNER) !== -1) return
  if (wasFull) {
    adopt(slab, cache, row, cpu)
    return
  }
  if (free === cache.geometry.objects && cache.nodes[cellOf(slab, row, NODE)]!.length >= cache.minPartial) {
    unlist(slab, cache, row)
    discard(slab, cache, row)
  }
}

/** A slab that was full goes to the partial list of the CPU that freed into it; a full list is handed to the node first. */
function adopt(slab: Slab, cache: KmemCache, row: number, cpu: Cpu): void {
  const own = cpuSlabs(cache, cpu)
  if (own.partial.length >= cache.cpuPartial) {
    for (const each of own.partial) disown(slab, cache, each)
    own.partial = []
  }
  setCell(slab, row, OWNER, cpu)
  own.partial.unshift(row)
}

/** A slab leaves its CPU: to the node, or back to the page allocator if it is empty and the node has enough. */
function disown(slab: Slab, cache: KmemCache, row: number): void {
  setCell(slab, row, OWNER, -1)
  const free = cellOf(slab, row, FREE)
  if (free === 0) return
  const node = cellOf(slab, row, NODE)
  if (free === cache.geometry.objects && cache.nodes[node]!.length >= cache.minPartial) {
    discard(slab, cache, row)
    return
  }
  const list = cache.nodes[node]!
  setCell(slab, row, LISTED, 1)
  setCell(slab, row, PREV, list.last)
  setCell(slab, row, NEXT, NO_SLAB)
  if (list.last === NO_SLAB) list.first = row
  else setCell(slab, list.last, NEXT, row)
  list.last = row
  list.length++
}

function unlist(slab: Slab, cache: KmemCache, row: number): void {
  assert(cellOf(slab, row, LISTED) === 1, 'only a listed slab leaves the node list')
  const list = cache.nodes[cellOf(slab, row, NODE)]!
  const prev = cellOf(slab, row, PREV)
  const next = cellOf(slab, row, NEXT)
  if (prev === NO_SLAB) list.first = next
  else setCell(slab, prev, NEXT, next)
  if (next === NO_SLAB) list.last = prev
  else setCell(slab, next, PREV, prev)
  setCell(slab, row, LISTED, 0)
  list.length--
}

function discard(slab: Slab, cache: KmemCache, row: number): void {
  cache.slabs--
  freeRow(slab.rows, row)
}

/** Free objects on slabs that no CPU owns: what /proc/slabinfo does not count as active. */
export function freeOnNodeLists(slab: Slab, cache: KmemCache): number {
  let free = 0
  for (const list of cache.nodes)
    for (let row = list.first; row !== NO_SLAB; row = cellOf(slab, row, NEXT)) free += cellOf(slab, row, FREE)
  return free
}
