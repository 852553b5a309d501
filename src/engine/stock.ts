/**
 * Per-CPU stocks of pre-charged pages. Kernel: mm/memcontrol.c, struct memcg_stock_pcp.
 *
 * A charge takes a whole batch from the counters and leaves the rest here for the next ones, so memory.current
 * includes pages nobody uses yet. They hold references on their memcg: one per page up to 5.8, later one per occupied
 * slot.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { afterUnpin, isWithin, type MemCgroup, NO_MEMCG } from './memcg.ts'
import { unchargeMemory } from './memcounters.ts'

export interface Stocks {
  readonly slotsPerCpu: number
  /** Slot of the memcg whose pages are cached, or NO_MEMCG; cpus x slotsPerCpu. */
  readonly memcg: Int32Array
  readonly pages: Float64Array
  /** By CPU: which slot is evicted next when all are taken (the kernel picks at random; here they go round). */
  readonly nextEvicted: Int32Array
}

export function createStocks(cpus: number, slotsPerCpu: number): Stocks {
  return {
    slotsPerCpu,
    memcg: new Int32Array(cpus * slotsPerCpu).fill(NO_MEMCG),
    pages: new Float64Array(cpus * slotsPerCpu),
    nextEvicted: new Int32Array(cpus),
  }
}

function slotOf(stocks: Stocks, cpu: Cpu, memcg: number): number {
  const first = cpu * stocks.slotsPerCpu
  for (let slot = first; slot < first + stocks.slotsPerCpu; slot++) if (stocks.memcg[slot] === memcg) return slot
  return -1
}

/** Pages in stock for this memcg on this CPU. */
export function stocked(e: Engine, m: MemCgroup, cpu: Cpu): Pages {
  const slot = slotOf(e.stocks, cpu, m.slot)
  return slot === -1 ? 0 : e.stocks.pages[slot]!
}

/** Takes `pages` from the stock; false if it does not hold that many for this memcg. */
export function consumeStock(e: Engine, m: MemCgroup, cpu: Cpu, pages: Pages): boolean {
  if (pages > e.features.batchPages) return false
  const slot = slotOf(e.stocks, cpu, m.slot)
  if (slot === -1 || e.stocks.pages[slot]! < pages) return false
  e.stocks.pages[slot]! -= pages
  if (e.features.stockPin === 'per-page') m.pins.stock -= pages
  return true
}

/** Puts charged pages into the stock. */
export function refillStock(e: Engine, m: MemCgroup, cpu: Cpu, pages: Pages): void {
  const { stocks, features } = e
  if (features.stockOverfull === 'bypass' && pages > features.batchPages) {
    unchargeMemory(e, m, pages)
    return
  }
  const slot = slotForRefill(e, m, cpu)
  stocks.pages[slot]! += pages
  if (features.stockPin === 'per-page') m.pins.stock += pages
  if (features.stockOverfull !== 'keep' && stocks.pages[slot]! > features.batchPages) drainSlot(e, slot)
}

function slotForRefill(e: Engine, m: MemCgroup, cpu: Cpu): number {
  const { stocks } = e
  const own = slotOf(stocks, cpu, m.slot)
  if (own !== -1) return own
  let slot = slotOf(stocks, cpu, NO_MEMCG)
  if (slot === -1) {
    slot = cpu * stocks.slotsPerCpu + stocks.nextEvicted[cpu]!
    stocks.nextEvicted[cpu] = (stocks.nextEvicted[cpu]! + 1) % stocks.slotsPerCpu
    drainSlot(e, slot)
  }
  stocks.memcg[slot] = m.slot
  if (e.features.stockPin === 'per-slot') m.pins.stock++
  return slot
}

function drainSlot(e: Engine, slot: number): void {
  const { stocks } = e
  const m = e.memcgs[stocks.memcg[slot]!]!
  const pages = stocks.pages[slot]!
  if (pages > 0) unchargeMemory(e, m, pages)
  stocks.pages[slot] = 0
  stocks.memcg[slot] = NO_MEMCG
  m.pins.stock -= e.features.stockPin === 'per-page' ? pages : 1
  afterUnpin(e, m)
}

/** Forgets a memcg that is freed: a slot without pages may still name it where only pages hold references. */
export function forgetStock({ stocks }: Engine, m: MemCgroup): void {
  for (let slot = stocks.memcg.indexOf(m.slot); slot !== -1; slot = stocks.memcg.indexOf(m.slot, slot))
    stocks.memcg[slot] = NO_MEMCG
}

/** Drains the page stocks of `root` and its descendants on every CPU. */
export function drainPageStocksBelow(e: Engine, root: MemCgroup): void {
  const { stocks } = e
  for (let slot = 0; slot < stocks.memcg.length; slot++) {
    const memcg = stocks.memcg[slot]!
    if (memcg !== NO_MEMCG && isWithin(e.memcgs[memcg]!, root)) drainSlot(e, slot)
  }
}
