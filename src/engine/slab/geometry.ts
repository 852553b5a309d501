/**
 * How objects are laid out in slabs. Kernel: mm/slub.c, calculate_order and set_cpu_partial.
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
function orderFor(bytes: Bytes, pageSize: Bytes): number {
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

/** Order and objects of a slab for objects of `size` bytes. */
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

/** Empty slabs a node keeps. */
export const minPartial = (size: Bytes): number => Math.min(10, Math.max(5, Math.floor(Math.log2(size) / 2)))

/** How many partial slabs a CPU keeps before it hands them to the node (6.1 to 6.18: counted in slabs). */
export function cpuPartialSlabs(size: Bytes, objects: number, pageSize: Bytes): number {
  const target = size >= pageSize ? 6 : size >= 1024 ? 24 : size >= 256 ? 52 : 120
  return Math.ceil((2 * target) / objects)
}
