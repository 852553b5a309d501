/**
 * Object cgroups and the per-CPU stock of bytes. Kernel: struct obj_cgroup and obj_stock, mm/memcontrol.c (5.9 and later).
 *
 * A kernel object points to an objcg, the objcg to a memcg; when a cgroup is removed its objcgs are pointed at the
 * parent and no object is visited. Pages are charged whole, and the bytes of a page that no object uses yet wait in
 * the stock of the CPU. From 5.15 on small changes of the slab statistics wait there as well, so memory.stat may miss
 * up to a page per CPU even after a flush.
 */
import { assert } from '../assert.ts'
import type { Bytes, Cpu, NodeNumber, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { unchargeKmem, unchargeKmemCounter } from './kmemuncharge.ts'
import { isWithin, type MemCgroup } from './memcg.ts'
import { refillStock } from './stock.ts'
import { modStat, modStatTimes, STAT } from './vmstat.ts'

export interface ObjCgroup {
  /** Who pays now. */
  memcg: MemCgroup
  /** One per charged object or page block, one per CPU stock, one while it is the active objcg of its memcg. */
  refs: number
  /** Bytes charged (in whole pages) that nobody uses: left behind when a stock was drained. Below a page at rest. */
  chargedBytes: Bytes
}

/** What one CPU keeps, for one objcg at a time. */
export interface ObjStock {
  objcg: ObjCgroup | null
  bytes: Bytes
  /** Slab bytes counted but not yet handed to the statistics. */
  reclaimable: Bytes
  unreclaimable: Bytes
  node: NodeNumber
}

export const createObjStocks = (cpus: number): readonly ObjStock[] =>
  Array.from({ length: cpus }, () => ({ objcg: null, bytes: 0, reclaimable: 0, unreclaimable: 0, node: 0 }))

export const createObjcg = (memcg: MemCgroup): ObjCgroup => ({ memcg, refs: 1, chargedBytes: 0 })

/** Drops references; the last one gives back the pages whose bytes nobody uses. Kernel: obj_cgroup_release. */
export function putObjcg(e: Engine, o: ObjCgroup, cpu: Cpu, refs = 1): void {
  o.refs -= refs
  assert(o.refs >= 0, 'an objcg is referenced as often as it is used')
  if (o.refs > 0) return
  const { pageSize } = e.machine
  assert(o.chargedBytes % pageSize === 0, 'a released objcg holds whole pages')
  if (o.chargedBytes > 0) returnPages(e, o, cpu, o.chargedBytes / pageSize, true)
  const { inherited } = o.memcg
  const place = inherited?.indexOf(o) ?? -1
  if (place !== -1) inherited!.splice(place, 1)
}

/**
 * At offline: the objcgs of the memcg and all it inherited now pay at the parent. Takes one step per objcg, not per
 * object. Kernel: memcg_reparent_objcgs.
 */
export function reparentObjcgs(e: Engine, m: MemCgroup, parent: MemCgroup, cpu: Cpu): void {
  const active = m.objcgs!
  const moved = [...active, ...(m.inherited ?? [])]
  for (const o of moved) o.memcg = parent
  parent.inherited ??= []
  parent.inherited.push(...moved)
  m.objcgs = null
  m.inherited = null
  for (const o of active) putObjcg(e, o, cpu)
}

/** Whole pages of kernel memory go back: to the counters, or to the page stock of the CPU (feature obj_uncharge). */
export function returnPages(e: Engine, o: ObjCgroup, cpu: Cpu, pages: Pages, draining = false): void {
  const { memcg } = o
  const { objUncharge } = e.features
  if (objUncharge === 'counter' || (draining && objUncharge !== 'page-stock')) unchargeKmem(e, memcg, cpu, pages)
  else {
    unchargeKmemCounter(e, memcg, cpu, pages)
    if (memcg.parent !== null) refillStock(e, memcg, cpu, pages)
  }
}

/** Takes bytes of this objcg from the stock; false if it does not hold that many. */
export function consumeBytes(e: Engine, o: ObjCgroup, cpu: Cpu, bytes: Bytes): boolean {
  const stock = e.objStocks[cpu]!
  if (stock.objcg !== o || stock.bytes < bytes) return false
  stock.bytes -= bytes
  return true
}

/**
 * Puts bytes into the stock of the CPU; exactly one page of free bytes may stay. Beyond that 5.9 empties the stock,
 * and later kernels give whole pages back at once, if `allowReturn` says so. Kernel: refill_obj_stock.
 */
export function refillBytes(e: Engine, o: ObjCgroup, cpu: Cpu, bytes: Bytes, allowReturn: boolean): void {
  const stock = e.objStocks[cpu]!
  const changed = stock.objcg !== o
  if (changed) occupy(e, stock, o, cpu)
  stock.bytes += bytes
  const { pageSize } = e.machine
  if (stock.bytes <= pageSize) return
  if (e.features.objStock === 'drain-over-page') drainObjStock(e, cpu)
  else if (allowReturn || changed) {
    const pages = Math.floor(stock.bytes / pageSize)
    stock.bytes %= pageSize
    returnPages(e, o, cpu, pages)
  }
}

function occupy(e: Engine, stock: ObjStock, o: ObjCgroup, cpu: Cpu): void {
  drainObjStock(e, cpu)
  o.refs++
  stock.objcg = o
  stock.bytes = o.chargedBytes
  o.chargedBytes = 0
}

/** Empties the byte stock of a CPU: whole pages go back, the rest stays with the objcg. Kernel: drain_obj_stock. */
export function drainObjStock(e: Engine, cpu: Cpu): void {
  const stock = e.objStocks[cpu]!
  const o = stock.objcg
  if (o === null) return
  const { pageSize } = e.machine
  const pages = Math.floor(stock.bytes / pageSize)
  if (pages > 0) returnPages(e, o, cpu, pages, true)
  o.chargedBytes += stock.bytes % pageSize
  flushSlabBytes(e, stock, cpu)
  stock.objcg = null
  stock.bytes = 0
  putObjcg(e, o, cpu)
}

function flushSlabBytes(e: Engine, stock: ObjStock, cpu: Cpu): void {
  const { memcg } = stock.objcg!
  if (stock.reclaimable !== 0) modStat(e, memcg, STAT.slab_reclaimable, cpu, stock.reclaimable, stock.node)
  if (stock.unreclaimable !== 0) modStat(e, memcg, STAT.slab_unreclaimable, cpu, stock.unreclaimable, stock.node)
  stock.reclaimable = 0
  stock.unreclaimable = 0
}

/**
 * Counts slab bytes of `count` objects of `bytes` each (negative: freed). From 5.15 on they go through the stock: sums
 * beyond a page are handed to the statistics. Kernel: mod_objcg_state, once per object.
 */
export function modSlabBytes(
  e: Engine,
  o: ObjCgroup,
  cpu: Cpu,
  reclaimable: boolean,
  bytes: Bytes,
  count: number,
  node: NodeNumber,
): void {
  const item = reclaimable ? STAT.slab_reclaimable : STAT.slab_unreclaimable
  if (e.features.objStock === 'drain-over-page') {
    modStatTimes(e, o.memcg, item, cpu, bytes, count, node)
    return
  }
  const stock = e.objStocks[cpu]!
  if (stock.objcg !== o) occupy(e, stock, o, cpu)
  if (stock.node !== node) {
    flushSlabBytes(e, stock, cpu)
    stock.node = node
  }
  const key = reclaimable ? 'reclaimable' : 'unreclaimable'
  const { pageSize } = e.machine
  // The sum grows by one object at a time and is handed over when it has passed a page; the first is only noted.
  const toPass = (held: Bytes): number =>
    Math.max(held === 0 ? 2 : 1, Math.floor((pageSize - held * Math.sign(bytes)) / Math.abs(bytes)) + 1)
  let left = count
  const first = toPass(stock[key])
  if (left < first) {
    stock[key] += bytes * left
    return
  }
  modStat(e, o.memcg, item, cpu, stock[key] + bytes * first, node)
  left -= first
  const perRound = toPass(0)
  const rounds = Math.floor(left / perRound)
  modStatTimes(e, o.memcg, item, cpu, bytes * perRound, rounds, node)
  stock[key] = bytes * (left - rounds * perRound)
}

/** Drains the byte stocks that belong to `root` or a descendant. */
export function drainObjStocksBelow(e: Engine, root: MemCgroup): void {
  e.objStocks.forEach((stock, cpu) => {
    if (stock.objcg !== null && isWithin(stock.objcg.memcg, root)) drainObjStock(e, cpu)
  })
}
