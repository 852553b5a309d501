/**
 * Object cgroups and the per-CPU stock of bytes. Kernel: struct obj_cgroup and obj_stock, mm/memcontrol.c (5.15 to 6.12).
 *
 * A kernel object points to an objcg, the objcg to a memcg; when a cgroup is removed its objcgs are pointed at the
 * parent and no object is visited. Pages are charged whole, and the bytes of a page that no object uses yet wait in
 * the stock of the CPU. Small changes of the slab statistics wait there as well, so memory.stat may miss up to a page
 * per CPU even after a flush.
 */
import { assert } from '../assert.ts'
import type { Bytes, Cpu, NodeNumber, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
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
  if (o.chargedBytes > 0) returnPages(e, o, cpu, o.chargedBytes / pageSize)
  const { inherited } = o.memcg
  const place = inherited?.indexOf(o) ?? -1
  if (place !== -1) inherited!.splice(place, 1)
}

/**
 * At offline: the objcg and all it inherited now pay at the parent. Takes one step per objcg, not per object.
 * Kernel: memcg_reparent_objcgs.
 */
export function reparentObjcgs(e: Engine, m: MemCgroup, parent: MemCgroup, cpu: Cpu): void {
  const active = m.objcg!
  const moved = [active, ...(m.inherited ?? [])]
  for (const o of moved) o.memcg = parent
  parent.inherited ??= []
  parent.inherited.push(...moved)
  m.objcg = null
  m.inherited = null
  putObjcg(e, active, cpu)
}

/** Pages of kernel memory go back: to the page stock of the CPU, not to the counter (5.15 to 6.12). */
export function returnPages(e: Engine, o: ObjCgroup, cpu: Cpu, pages: Pages): void {
  modStat(e, o.memcg, STAT.kernel, cpu, -pages)
  if (o.memcg.parent !== null) refillStock(e, o.memcg, cpu, pages)
}

/** Takes bytes of this objcg from the stock; false if it does not hold that many. */
export function consumeBytes(e: Engine, o: ObjCgroup, cpu: Cpu, bytes: Bytes): boolean {
  const stock = e.objStocks[cpu]!
  if (stock.objcg !== o || stock.bytes < bytes) return false
  stock.bytes -= bytes
  return true
}

/**
 * Puts bytes into the stock of the CPU. With `allowReturn` whole pages above the first go back at once; exactly one
 * page of free bytes stays. Kernel: refill_obj_stock.
 */
export function refillBytes(e: Engine, o: ObjCgroup, cpu: Cpu, bytes: Bytes, allowReturn: boolean): void {
  const stock = e.objStocks[cpu]!
  const changed = stock.objcg !== o
  if (changed) occupy(e, stock, o, cpu)
  stock.bytes += bytes
  const { pageSize } = e.machine
  if ((allowReturn || changed) && stock.bytes > pageSize) {
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
  if (pages > 0) returnPages(e, o, cpu, pages)
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
 * Counts slab bytes of `count` objects of `bytes` each (negative: freed), through the stock: sums beyond a page are
 * handed to the statistics. Kernel: mod_objcg_state, once per object.
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
  const stock = e.objStocks[cpu]!
  if (stock.objcg !== o) occupy(e, stock, o, cpu)
  if (stock.node !== node) {
    flushSlabBytes(e, stock, cpu)
    stock.node = node
  }
  const key = reclaimable ? 'reclaimable' : 'unreclaimable'
  const item = reclaimable ? STAT.slab_reclaimable : STAT.slab_unreclaimable
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
