/**
 * How objects are laid out in slabs, and how many free ones are kept where. Kernel: mm/slub.c (calculate_order,
 * set_cpu_partial, set_min_partial, calculate_sheaf_capacity), mm/slab.c (calculate_slab_order, enable_cpucache).
 *
 * Possible and present CPUs are the same here, so `slub_cpus` makes no difference.
 */
import { assert } from '../../assert.ts'
import type { Features } from '../../profiles/features.ts'
import type { Bytes } from '../../units.ts'
import type { Machine } from '../machine.ts'

const MAX_ORDER = 3

export interface Geometry {
  /** Pages of one slab as a power of two. */
  readonly order: number
  /** Objects in one slab. */
  readonly objects: number
}

const bitLength = (n: number): number => 32 - Math.clz32(n)

const objectsIn = (order: number, size: Bytes, pageSize: Bytes): number => Math.floor((pageSize * 2 ** order) / size)

/** Smallest order that holds `bytes`. */
export function orderFor(bytes: Bytes, pageSize: Bytes): number {
  let order = 0
  while (pageSize * 2 ** order < bytes) order++
  return order
}

/** Smallest order from `least` to MAX_ORDER that wastes at most one part in `fraction`; -1 if none does. */
function orderWithin(least: number, size: Bytes, fraction: number, pageSize: Bytes): number {
  for (let order = least; order <= MAX_ORDER; order++) {
    const bytes = pageSize * 2 ** order
    if (bytes % size <= bytes / fraction) return order
  }
  return -1
}

/** Order and objects of a SLUB slab for objects of `size` bytes. */
export function slubGeometry(size: Bytes, machine: Machine, features: Features): Geometry {
  const { pageSize } = machine
  const order = slubOrder(size, machine, features)
  const objects = objectsIn(order, size, pageSize)
  assert(objects > 0, `a slab of order ${order} holds no object of ${size} bytes`)
  return { order, objects }
}

function slubOrder(size: Bytes, { cpus, pageSize }: Machine, features: Features): number {
  const most = Math.floor((pageSize * 8) / size)
  const wanted = Math.min(4 * (bitLength(cpus) + 1), most)
  if (features.slubOrder === 'fixed') {
    for (const fraction of [16, 8, 4, 2]) {
      const order = orderWithin(orderFor(wanted * size, pageSize), size, fraction, pageSize)
      if (order !== -1) return order
    }
    return orderFor(size, pageSize)
  }
  for (let objects = wanted; objects > 1; objects--) {
    for (const fraction of [16, 8, 4]) {
      const order = orderWithin(orderFor(objects * size, pageSize), size, fraction, pageSize)
      if (order !== -1) return order
    }
  }
  return orderFor(size, pageSize)
}

/** The smallest slab that holds an object: what SLUB is content with when the preferred one is refused. */
export function leastGeometry(size: Bytes, { pageSize }: Machine): Geometry {
  const order = orderFor(size, pageSize)
  return { order, objects: objectsIn(order, size, pageSize) }
}

/** SLAB goes beyond the smallest order only up to this one. Kernel: slab_max_order with more than 32 MB of memory. */
const SLAB_MAX_ORDER = 1

/**
 * Order and objects of a SLAB slab: the lowest order that wastes at most an eighth; reclaimable caches take the first
 * that fits. The numbers of the free objects are not counted as part of the slab.
 */
export function slabGeometry(size: Bytes, reclaimable: boolean, { pageSize }: Machine): Geometry {
  let order = orderFor(size, pageSize)
  const wastes = (): boolean => ((pageSize * 2 ** order) % size) * 8 > pageSize * 2 ** order
  while (!reclaimable && order < SLAB_MAX_ORDER && wastes()) order++
  return { order, objects: objectsIn(order, size, pageSize) }
}

/** Empty slabs a node keeps. */
export const minPartial = (size: Bytes): number => Math.min(10, Math.max(5, Math.floor(Math.log2(size) / 2)))

/** Picks by size class: below 256 bytes, below 1024, below a page, and from a page on. */
function bySize(size: Bytes, pageSize: Bytes, values: readonly [number, number, number, number]): number {
  const [small, medium, large, huge] = values
  return size >= pageSize ? huge : size >= 1024 ? large : size >= 256 ? medium : small
}

/** Free objects that the partial slabs of a CPU may hold when they are counted (up to 5.15). */
export const cpuPartialObjects = (size: Bytes, pageSize: Bytes): number => bySize(size, pageSize, [30, 13, 6, 2])

/** How many partial slabs a CPU keeps before it hands them to the node (6.1 to 6.18): half full ones are assumed. */
export function cpuPartialSlabs(size: Bytes, objects: number, pageSize: Bytes): number {
  return Math.ceil((2 * bySize(size, pageSize, [120, 52, 24, 6])) / objects)
}

/** Objects in a sheaf (7.1). 26 is raised to 28, which fills the 256 bytes of its kmalloc bucket. */
export const sheafCapacity = (size: Bytes, pageSize: Bytes): number => bySize(size, pageSize, [60, 28, 12, 4])

/** Free objects in the array of a CPU (SLAB). */
export function arrayLimit(size: Bytes): number {
  return size > 4096 ? 8 : size > 1024 ? 24 : size > 256 ? 54 : 120
}

/** How many objects SLAB moves at once between an array and what is behind it. */
export const arrayBatch = (limit: number): number => Math.floor((limit + 1) / 2)
