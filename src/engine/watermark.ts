/**
 * A gap kept free below memory.max, so that a charge that may not wait finds room: the proposal of V. Davydov, September
 * 2015 (charge-reclaim.md §4.2). No kernel has it. The thread leaves open who reclaims; here it is the charge that
 * narrows the gap, whether it may wait or not.
 */
import type { Cpu } from '../units.ts'
import { margin, maxOf, PAGE_COUNTER_MAX } from './counter.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'
import { RECLAIM_CLUSTER, reclaim } from './reclaim.ts'
import { slabDebug } from './slabdebug.ts'

/** Reclaims at every level that has less than the gap left, until it is back or nothing more comes. */
export function keepGap(e: Engine, m: MemCgroup, cpu: Cpu): void {
  for (let level = m; level.parent !== null; level = level.parent) {
    if (maxOf(e.counters, level.memory) === PAGE_COUNTER_MAX) continue
    while (margin(e.counters, level.memory) < e.options.watermarkGapPages) {
      const freed = reclaim(e, level, RECLAIM_CLUSTER, cpu)
      if (freed === 0) break
      slabDebug(e, level).watermarkReclaimPages += freed
    }
  }
}
