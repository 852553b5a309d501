/**
 * SLAB: each CPU keeps single free objects in an array, the CPUs of a node share another one, and both are trimmed
 * while nobody uses them. Kernel: mm/slab.c, cache_alloc_refill, cache_flusharray, free_block, cache_reap.
 *
 * Objects of other nodes are taken from there, and an object may come from any node when the wanted one gets no slab.
 *
 * Simplified: freed objects of other nodes pass through the arrays like others (no alien caches), a refill after
 * idleness is not shortened, and all CPUs are trimmed at the same time.
 */
import { schedule } from '../../clock.ts'
import { type Cpu, milliseconds } from '../../units.ts'
import type { Engine } from '../engine.ts'
import { nodeOfCpu } from '../machine.ts'
import type { KernelActor } from '../objcg.ts'
import type { ObjCgroup } from '../objstock.ts'
import type { Allocator } from './allocator.ts'
import { cpuStack, type FreeStack, popNewest, pushNewest, shiftOldest, stackEmptier } from './freestack.ts'
import { arrayBatch } from './geometry.ts'
import { discardSlab, newSlab, type SlabPages, trySlab } from './pages.ts'
import {
  FREE,
  get,
  isEmpty,
  isListed,
  type KmemCache,
  listSlab,
  NO_SLAB,
  type NodeSlabs,
  nodeOfSlab,
  OBJECTS,
  type ObjectRun,
  type Slab,
  set,
  slabsOn,
  unlistSlab,
} from './state.ts'

/** Arrays of CPUs are trimmed this often, those of nodes every second time. Kernel: REAPTIMEOUT_AC. */
export const TRIM_MS = 2000
/** The kind of deferred work that trims. */
export const TRIM = 'slab-trim'

/** Batches in the array that the CPUs of a node share. */
export const SHARED_BATCHES = 8

const batchOf = (cache: KmemCache): number => arrayBatch(cache.cpuLimit)

/** Room of the shared array: none where one CPU has nobody to share with, and for objects above a page. */
export function sharedLimit({ machine }: Engine, cache: KmemCache): number {
  return machine.cpus > 1 && cache.size <= machine.pageSize ? SHARED_BATCHES * batchOf(cache) : 0
}

/** Free objects a node keeps in its slabs before it gives empty slabs back. Kernel: free_limit of kmem_cache_node. */
const freeLimit = ({ machine }: Engine, cache: KmemCache): number =>
  (1 + machine.cpus / machine.nodes) * batchOf(cache) + cache.geometry.objects

const take: Allocator['take'] = (e, cache, want, actor, objcg, pages) => {
  if (actor.node !== nodeOfCpu(e.machine, actor.cpu)) return takeFromNode(e, cache, want, actor, objcg, pages)
  const stack = cpuStack(cache, actor.cpu)
  if (stack.held === 0 && !refill(e, cache, stack, actor, pages)) return fallBack(e, cache, actor, objcg, pages)
  stack.touched = true
  return popNewest(stack, want, objcg)
}

/** Objects of another node than that of the CPU: straight from its slabs. Kernel: ____cache_alloc_node. */
const takeFromNode: Allocator['take'] = (e, cache, want, actor, objcg, pages) => {
  if (cache.nodes[actor.node]!.free === 0 && !grow(e, cache, actor, pages))
    return fallBack(e, cache, actor, objcg, pages)
  return takeListed(e, cache, cache.nodes[actor.node]!, want, objcg)
}

/** Up to `want` objects of one slab of a node that has free ones. */
function takeListed(
  { slab }: Engine,
  cache: KmemCache,
  node: NodeSlabs,
  want: number,
  objcg: ObjCgroup | null,
): ObjectRun {
  const row = node.partial.length > 0 ? node.partial.first : node.empty.first
  const count = Math.min(want, get(slab, row, FREE))
  changeFree(slab, cache, row, -count)
  return { slab: row, count, objcg }
}

/**
 * The wanted node has no object and got no slab: one object of any node, or of a new slab made with the caller's flags
 * on the node of the CPU. The next object is wanted from its own node again. Kernel: fallback_alloc.
 */
function fallBack(
  e: Engine,
  cache: KmemCache,
  actor: KernelActor,
  objcg: ObjCgroup | null,
  pages: SlabPages,
): ObjectRun | null {
  if (e.machine.nodes === 1) return null
  const other = cache.nodes.find(node => node.free > 0)
  if (other !== undefined) return takeListed(e, cache, other, 1, objcg)
  const near = { ...actor, node: nodeOfCpu(e.machine, actor.cpu) }
  if (!list(e, cache, trySlab(e, cache, 'fallback', near, pages))) return null
  return takeListed(e, cache, cache.nodes[near.node]!, 1, objcg)
}

/** A new slab on the wanted node; false if it was refused. On a machine of one node there is no other to fall back to. */
function grow(e: Engine, cache: KmemCache, actor: KernelActor, pages: SlabPages): boolean {
  const isOnlyNode = e.machine.nodes === 1
  return list(e, cache, isOnlyNode ? newSlab(e, cache, actor, pages) : trySlab(e, cache, 'first', actor, pages))
}

function list({ slab }: Engine, cache: KmemCache, row: number): boolean {
  if (row === NO_SLAB) return false
  nodeOfSlab(slab, cache, row).free += get(slab, row, FREE)
  listSlab(slab, cache, row, 'empty')
  return true
}

/** One batch from the shared array, or else from slabs; only if there is nothing at all a new slab is made. */
function refill(e: Engine, cache: KmemCache, stack: FreeStack, actor: KernelActor, pages: SlabPages): boolean {
  const { slab } = e
  const node = cache.nodes[actor.node]!
  armTrim(e)
  if (node.shared.held > 0) {
    for (let left = Math.min(batchOf(cache), node.shared.held); left > 0; ) {
      const run = popNewest(node.shared, left, null)
      pushNewest(stack, run.slab, run.count)
      left -= run.count
    }
    node.shared.touched = true
    return true
  }
  if (node.free === 0 && !grow(e, cache, actor, pages)) return false
  for (let left = batchOf(cache); left > 0 && node.free > 0; ) {
    const row = node.partial.length > 0 ? node.partial.first : node.empty.first
    const count = Math.min(left, get(slab, row, FREE))
    changeFree(slab, cache, row, -count)
    pushNewest(stack, row, count)
    left -= count
  }
  return true
}

/** Changes what is free in a slab, and puts it on the list it belongs to. */
function changeFree(slab: Slab, cache: KmemCache, row: number, change: number): void {
  if (isListed(slab, row)) unlistSlab(slab, cache, row)
  set(slab, row, FREE, get(slab, row, FREE) + change)
  nodeOfSlab(slab, cache, row).free += change
  if (isEmpty(slab, row)) listSlab(slab, cache, row, 'empty')
  else if (get(slab, row, FREE) > 0) listSlab(slab, cache, row)
}

const put: Allocator['put'] = (e, cache, row, count, cpu, pages) => {
  const stack = cpuStack(cache, cpu)
  armTrim(e)
  stack.touched = true
  for (let left = count; left > 0; ) {
    if (stack.held >= cache.cpuLimit) flushBatch(e, cache, stack, cpu, pages)
    const now = Math.min(left, cache.cpuLimit - stack.held)
    pushNewest(stack, row, now)
    left -= now
  }
}

/** The oldest batch of a full array goes to the shared one; what that has no room for, if it has none, to slabs. */
function flushBatch(e: Engine, cache: KmemCache, stack: FreeStack, cpu: Cpu, pages: SlabPages): void {
  const { shared } = nodeOfSlab(e.slab, cache, stack.runs[0]!.slab)
  const room = sharedLimit(e, cache) - shared.held
  const batch = batchOf(cache)
  if (room > 0) shiftOldest(stack, Math.min(batch, room), (row, n) => pushNewest(shared, row, n))
  else giveBackOldest(e, cache, stack, batch, cpu, pages)
}

/** Objects go back into their slab; an empty one goes back to the page allocator if the node has enough free objects. */
function giveBack(e: Engine, cache: KmemCache, row: number, count: number, cpu: Cpu, pages: SlabPages): void {
  const { slab } = e
  changeFree(slab, cache, row, count)
  const node = nodeOfSlab(slab, cache, row)
  if (isEmpty(slab, row) && node.free > freeLimit(e, cache)) discardEmpty(e, cache, node, row, cpu, pages)
}

function discardEmpty(e: Engine, cache: KmemCache, node: NodeSlabs, row: number, cpu: Cpu, pages: SlabPages): void {
  unlistSlab(e.slab, cache, row)
  node.free -= get(e.slab, row, OBJECTS)
  discardSlab(e, cache, row, cpu, pages)
}

const { giveBackOldest, flush } = stackEmptier(giveBack)

/** The shared arrays first, then every empty slab. */
const freeEmpties: Allocator['freeEmpties'] = (e, cache, cpu, pages) => {
  for (const node of cache.nodes) {
    giveBackOldest(e, cache, node.shared, node.shared.held, cpu, pages)
    for (const row of slabsOn(e.slab, node.empty)) discardEmpty(e, cache, node, row, cpu, pages)
  }
}

export const arrayAllocator: Allocator = { take, put, flush, freeEmpties }

/** Queues the next trimming, unless one is queued. */
export function armTrim(e: Engine, round = 0): void {
  if (e.slab.trimming) return
  e.slab.trimming = true
  schedule(e.clock, milliseconds(TRIM_MS), TRIM, round)
}

/**
 * Trims one array that was not used since the last time: a fifth of its room goes, or half of what is left.
 * Kernel: drain_array.
 */
function trim(e: Engine, cache: KmemCache, stack: FreeStack, limit: number, cpu: Cpu, pages: SlabPages): void {
  if (stack.held === 0) return
  if (stack.touched) {
    stack.touched = false
    return
  }
  const fifth = Math.floor((limit + 4) / 5)
  const count = fifth > stack.held ? Math.floor((stack.held + 1) / 2) : fifth
  giveBackOldest(e, cache, stack, count, cpu, pages)
}

/** Trims the arrays of a cache for all CPUs, with `nodes` also the shared ones and a fifth of the empty slabs. */
export function trimCache(e: Engine, cache: KmemCache, pages: SlabPages, nodes: boolean): void {
  cache.stacks.forEach((stack, cpu) => {
    if (stack !== undefined) trim(e, cache, stack, cache.cpuLimit, cpu, pages)
  })
  if (!nodes) return
  const { objects } = cache.geometry
  for (const node of cache.nodes) {
    trim(e, cache, node.shared, sharedLimit(e, cache), 0, pages)
    let left = Math.floor((freeLimit(e, cache) + 5 * objects - 1) / (5 * objects))
    for (const row of slabsOn(e.slab, node.empty)) {
      if (left-- <= 0) break
      discardEmpty(e, cache, node, row, 0, pages)
    }
  }
}

/** Whether there is anything left to trim. */
export const isTrimmed = (cache: KmemCache): boolean =>
  cache.stacks.every(stack => stack === undefined || stack.held === 0) &&
  cache.nodes.every(node => node.shared.held === 0 && node.empty.length === 0)
