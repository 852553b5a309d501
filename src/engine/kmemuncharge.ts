/** Giving back kernel memory that was charged in whole pages (kmemcharge.ts). */
import type { Cpu, Pages } from '../units.ts'
import { uncharge } from './counter.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'
import { unchargeMemory } from './memcounters.ts'
import { modStat, STAT } from './vmstat.ts'

/** On the counter of kernel memory alone: what becomes of the pages of `memory` is the caller's affair. */
export function unchargeKmemCounter(e: Engine, m: MemCgroup, cpu: Cpu, pages: Pages): void {
  if (m.parent === null) return
  uncharge(e.counters, m.kmem, pages)
  modStat(e, m, STAT.kernel, cpu, -pages)
}

/** Gives pages back to both counters at once. */
export function unchargeKmem(e: Engine, m: MemCgroup, cpu: Cpu, pages: Pages): void {
  if (m.parent === null) return
  unchargeKmemCounter(e, m, cpu, pages)
  unchargeMemory(e, m, pages)
}
