/**
 * Kernel memory somebody holds, and giving it back: objects of a cache, blocks of pages. Taking it is in kmemalloc.ts.
 */
import type { Bytes, Cpu, NodeNumber } from '../units.ts'
import type { Engine } from './engine.ts'
import { unchargeKmem } from './kmemuncharge.ts'
import { afterUnpin, type MemCgroup } from './memcg.ts'
import { modSlabBytes, type ObjCgroup, putObjcg, refillBytes, returnPages } from './objstock.ts'
import { freeObjects, type KmemCache, type ObjectRun } from './slab/slub.ts'
import { UNCHARGED_PAGES } from './slabpages.ts'

/** Bytes charged besides the slot of each object: its pointer to the owner. Kernel: obj_full_size. */
export const OWNER_POINTER: Bytes = 8

/** Objects of one cache in the order they were made. Who pays stands with each run. */
export interface KernelObjects {
  readonly cache: number
  readonly node: NodeNumber
  count: number
  readonly runs: ObjectRun[]
}

/** Blocks of 2^order pages. They point to an objcg, or up to 5.12 to the memcg itself; to neither if nobody pays. */
export interface KernelPages {
  readonly objcg: ObjCgroup | null
  readonly memcg: MemCgroup | null
  readonly order: number
  blocks: number
}

/** Frees the `count` oldest objects, on `cpu`. */
export function freeKernelObjects(e: Engine, objects: KernelObjects, count: number, cpu: Cpu): void {
  const cache = e.slab.caches[objects.cache]!
  const { runs } = objects
  let emptied = 0
  for (let left = count; left > 0; ) {
    const run = runs[emptied]!
    const now = Math.min(run.count, left)
    freeObjects(e, run.slab, now, cpu, UNCHARGED_PAGES)
    if (run.objcg !== null) unchargeObjects(e, run.objcg, cache, now, cpu, objects.node)
    run.count -= now
    left -= now
    if (run.count === 0) emptied++
  }
  if (emptied === runs.length) runs.length = 0
  else if (emptied > 0) runs.splice(0, emptied)
  objects.count -= count
}

function unchargeObjects(e: Engine, o: ObjCgroup, cache: KmemCache, count: number, cpu: Cpu, node: NodeNumber): void {
  const bytes = cache.size + OWNER_POINTER
  modSlabBytes(e, o, cpu, cache.reclaimable, -bytes, count, node)
  for (let left = count; left > 0; ) {
    const stock = e.objStocks[cpu]!
    // As many as fit below a page go into the stock at once; the one that passes it makes the stock give pages back.
    const room = Math.max(0, Math.floor((e.machine.pageSize - stock.bytes) / bytes))
    const now = stock.objcg === o && room > 0 ? Math.min(room, left) : 1
    refillBytes(e, o, cpu, now * bytes, true)
    left -= now
  }
  putObjcg(e, o, cpu, count)
}

/** Who pays for the pages now; null if nobody does. */
export const payerOf = (pages: KernelPages): MemCgroup | null => pages.objcg?.memcg ?? pages.memcg

/** References on the memcg of one block that points to it: one per page, from 5.9 on one per block. */
export const pinsOfBlock = (e: Engine, order: number): number => (e.features.stockPin === 'per-page' ? 2 ** order : 1)

/** Frees blocks of pages. */
export function freeKernelPages(e: Engine, pages: KernelPages, blocks: number, cpu: Cpu): void {
  const { objcg, memcg, order } = pages
  pages.blocks -= blocks
  e.kernelPages -= blocks * 2 ** order
  if (objcg !== null) {
    for (let i = 0; i < blocks; i++) {
      returnPages(e, objcg, cpu, 2 ** order)
      putObjcg(e, objcg, cpu)
    }
  } else if (memcg !== null) {
    unchargeKmem(e, memcg, cpu, blocks * 2 ** order)
    memcg.pins.kernelPages -= blocks * pinsOfBlock(e, order)
    afterUnpin(e, memcg)
  }
}

/** Takes the first `count` objects out as a group of their own. */
export function splitObjects(objects: KernelObjects, count: number): KernelObjects {
  const { runs } = objects
  let whole = 0
  let left = count
  while (left > 0 && runs[whole]!.count <= left) left -= runs[whole++]!.count
  const first: KernelObjects = { ...objects, count, runs: runs.splice(0, whole) }
  if (left > 0) {
    first.runs.push({ ...runs[0]!, count: left })
    runs[0]!.count -= left
  }
  objects.count -= count
  return first
}
