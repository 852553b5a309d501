/**
 * memory.high: what a task does about it before it returns to user space. Kernel: mm/memcontrol.c,
 * mem_cgroup_handle_over_high. The delay of tasks that stay above it is not modelled yet: a task reclaims and goes on.
 */
import type { Cpu, Pages } from '../units.ts'
import { highOf, usage } from './counter.ts'
import type { Engine } from './engine.ts'
import { memoryEvent } from './events.ts'
import type { MemCgroup } from './memcg.ts'
import type { Mm } from './mm.ts'
import { reclaim } from './reclaim.ts'

/** Whether the memcg uses more memory than its memory.high. */
export const isOverHigh = (e: Engine, m: MemCgroup): boolean =>
  usage(e.counters, m.memory) > highOf(e.counters, m.memory)

const isOverSwapHigh = (e: Engine, m: MemCgroup): boolean => usage(e.counters, m.swap) > highOf(e.counters, m.swap)

/** After a charge of `batch` pages moved the counters: over high anywhere on the way up, the task owes reclaim. */
export function noteOverHigh(e: Engine, m: MemCgroup, mm: Mm, batch: Pages): void {
  for (let level: MemCgroup | null = m; level !== null; level = level.parent) {
    if (!isOverHigh(e, level) && !isOverSwapHigh(e, level)) continue
    mm.overHigh += batch
    return
  }
}

/** Makes up for what the task owes: reclaims at every level that is over, and counts `high` there. */
export function returnToUser(e: Engine, mm: Mm, cpu: Cpu): void {
  const owed = mm.overHigh
  if (owed === 0) return
  mm.overHigh = 0
  reclaimHigh(e, mm.memcg, owed, cpu)
}

/** Reclaims `pages` at every level from `m` up that is over memory.high, and counts `high` there. */
export function reclaimHigh(e: Engine, m: MemCgroup, pages: Pages, cpu: Cpu): void {
  for (let level = m; level.parent !== null; level = level.parent) {
    if (!isOverHigh(e, level)) continue
    memoryEvent(e, level, 'high')
    reclaim(e, level, pages, cpu)
  }
}
