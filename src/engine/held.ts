/** What CPUs hold back of memcgs: pages that are charged and not used, bytes that are counted and not shown. */
import type { Bytes, Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { isWithin, type MemCgroup, NO_MEMCG } from './memcg.ts'
import { STAT } from './vmstat.ts'

/** Pages in the stock of one CPU for `m` and everything below it. */
export function stockedOn(e: Engine, m: MemCgroup, cpu: Cpu): Pages {
  const { memcg, pages, slotsPerCpu } = e.stocks
  let held = 0
  for (let slot = cpu * slotsPerCpu; slot < (cpu + 1) * slotsPerCpu; slot++)
    if (memcg[slot] !== NO_MEMCG && isWithin(e.memcgs[memcg[slot]!]!, m)) held += pages[slot]!
  return held
}

/** Pages in the stocks of all CPUs for `m` and everything below it. */
export function stockedBelow(e: Engine, m: MemCgroup): Pages {
  let pages = 0
  for (let cpu = 0; cpu < e.machine.cpus; cpu++) pages += stockedOn(e, m, cpu)
  return pages
}

/** Bytes of charged pages that no object of `m` or below uses yet. Kernel: struct obj_stock, 5.9 and later. */
export const objectBytesInStocks = ({ objStocks }: Engine, m: MemCgroup): Bytes =>
  objStocks.reduce((sum, { objcg, bytes }) => sum + (objcg !== null && isWithin(objcg.memcg, m) ? bytes : 0), 0)

/** Slab bytes that a CPU has counted and not handed to the statistics yet. Kernel: struct obj_stock, 5.13 and later. */
export function slabInStocks({ objStocks }: Engine, m: MemCgroup, item: number): Bytes {
  let bytes = 0
  for (const { objcg, reclaimable, unreclaimable } of objStocks) {
    if (objcg === null || !isWithin(objcg.memcg, m)) continue
    if (item === STAT.slab_reclaimable) bytes += reclaimable
    if (item === STAT.slab_unreclaimable) bytes += unreclaimable
  }
  return bytes
}
