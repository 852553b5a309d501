/**
 * Memory pressure on version 1: how hard reclaim had to look for what it freed. Kernel: mm/vmpressure.c.
 *
 * Reclaim reports what it scanned and reclaimed for a memcg; every window of scanned pages makes a level, which is told
 * to the listeners of memory.pressure_level there and above. On version 2 nobody listens.
 */
import type { Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { signal } from './listeners.ts'
import type { MemCgroup } from './memcg.ts'
import { PRESSURE_LEVELS, type PressureLevel } from './memcg-v1.ts'

/** Pages scanned for one level. Kernel: SWAP_CLUSTER_MAX * 16. */
const WINDOW: Pages = 512
const MEDIUM_PERCENT = 60
const CRITICAL_PERCENT = 95
/** At this priority of reclaim and below pressure is critical whatever is freed. Kernel: vmpressure_level_critical_prio. */
const CRITICAL_PRIORITY = 3

/** How much of what was scanned could not be reclaimed, in percent, in the kernel's whole numbers. */
export function pressurePercent(scanned: Pages, reclaimed: Pages): number {
  if (reclaimed >= scanned) return 0
  const scale = scanned + reclaimed
  const pressure = scale - Math.floor((reclaimed * scale) / scanned)
  return Math.floor((pressure * 100) / scale)
}

export function pressureLevel(scanned: Pages, reclaimed: Pages): PressureLevel {
  const percent = pressurePercent(scanned, reclaimed)
  return percent >= CRITICAL_PERCENT ? 'critical' : percent >= MEDIUM_PERCENT ? 'medium' : 'low'
}

/**
 * Reclaim of `m` and below scanned and reclaimed so many pages. To be left out for allocations that could not have used
 * memory of users (without highmem, movable, IO and FS in their flags).
 */
export function vmpressure(e: Engine, m: MemCgroup, scanned: Pages, reclaimed: Pages): void {
  if (m.v1 === null || scanned === 0) return
  m.v1.scanned += scanned
  m.v1.reclaimed += reclaimed
  if (m.v1.scanned < WINDOW) return
  const level = pressureLevel(m.v1.scanned, m.v1.reclaimed)
  m.v1.scanned = 0
  m.v1.reclaimed = 0
  tell(e, m, level)
}

/** Reclaim of `m` goes on at `priority`. Kernel: vmpressure_prio. */
export function vmpressurePriority(e: Engine, m: MemCgroup, priority: number): void {
  if (priority <= CRITICAL_PRIORITY) vmpressure(e, m, WINDOW, 0)
}

/** Kernel: vmpressure_event, vmpressure_work_fn. */
function tell(e: Engine, target: MemCgroup, level: PressureLevel): void {
  let heard = false
  for (let m: MemCgroup | null = target; m !== null; m = m.parent) {
    const below = m !== target
    let hears = false
    for (const each of m.v1!.pressureListeners) {
      if (each.mode === 'local' && below) continue
      if (each.mode === 'default' && heard) continue
      if (PRESSURE_LEVELS.indexOf(level) < PRESSURE_LEVELS.indexOf(each.level)) continue
      signal(e, each.listener)
      hears = true
    }
    heard ||= hears
  }
}
