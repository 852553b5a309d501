/**
 * memory.high: reclaim, and sleep where that does not help. Kernel: mm/memcontrol.c, mem_cgroup_handle_over_high,
 * calculate_high_delay, high_work_func.
 *
 * Up to 4.3 a charge that may wait reclaims at once, and any other goes on. Later the task owes it until it returns to
 * user space; from 6.1 on it pays inside the charge once it owes more than a batch.
 */
import { schedule, type WorkKind } from '../clock.ts'
import { type Cpu, milliseconds, type Nanoseconds, type Pages, seconds } from '../units.ts'
import { type CounterId, highOf, usage } from './counter.ts'
import type { Engine } from './engine.ts'
import { memoryEvent, swapEvent } from './events.ts'
import { GFP_FS, GFP_WAIT, type Gfp, IN_INTERRUPT, IN_RECLAIM } from './gfp.ts'
import type { MemCgroup } from './memcg.ts'
import type { Mm } from './mm.ts'
import { RECLAIM_CLUSTER, reclaim } from './reclaim.ts'
import { mustSleep } from './sleep.ts'
import { accountReclaim } from './stall.ts'

/** Deferred: reclaim for a memcg that was charged over memory.high in interrupt context. */
export const HIGH_WORK: WorkKind = 'memcg-high'

const isOver = (e: Engine, c: CounterId): boolean => usage(e.counters, c) > highOf(e.counters, c)

/** Whether the memcg uses more memory than its memory.high. */
export const isOverHigh = (e: Engine, m: MemCgroup): boolean => isOver(e, m.memory)

/** After a charge of `batch` pages moved the counters. Charges that the stock meets are not looked at. */
export function checkHigh(e: Engine, m: MemCgroup, mm: Mm | null, batch: Pages, gfp: Gfp, cpu: Cpu): void {
  const { highMode, highSyncLarge, batchPages } = e.features
  const mayWait = (gfp & GFP_WAIT) !== 0
  if (highMode === 'inline') {
    if (mayWait) reclaimHigh(e, m, batch, cpu, (gfp & GFP_FS) !== 0)
    return
  }
  noteOverHigh(e, m, mm, batch, gfp)
  if (mm === null || !highSyncLarge || !mayWait || (gfp & IN_RECLAIM) !== 0) return
  if (mm.overHigh > batchPages) returnToUser(e, mm, cpu)
}

/** Over high anywhere on the way up, the task owes reclaim; in interrupt context work is queued for that level. */
function noteOverHigh(e: Engine, m: MemCgroup, mm: Mm | null, batch: Pages, gfp: Gfp): void {
  const isQueued = (gfp & IN_INTERRUPT) !== 0 && e.features.highIrqWork
  for (let level: MemCgroup | null = m; level !== null; level = level.parent) {
    const overMemory = isOverHigh(e, level)
    if (isQueued) {
      if (!overMemory) continue
      queueWork(e, level)
    } else {
      if (!overMemory && !isOver(e, level.swap)) continue
      if (mm !== null) mm.overHigh += batch
    }
    return
  }
}

function queueWork(e: Engine, m: MemCgroup): void {
  if (m.highWork) return
  m.highWork = true
  schedule(e.clock, milliseconds(e.options.workMs), HIGH_WORK, m.slot)
}

/** Deferred work; the memcg may be gone by then, and another in its slot. */
export function reclaimOverHigh(e: Engine, slot: number, cpu: Cpu): void {
  const m = e.memcgs[slot]
  if (!m?.highWork) return
  m.highWork = false
  reclaimHigh(e, m, e.features.batchPages, cpu)
}

/** Reclaims `pages` at every level from `m` up that is over memory.high, and counts `high` there; what it freed. */
function reclaimHigh(e: Engine, m: MemCgroup, pages: Pages, cpu: Cpu, mayUseFs = true): Pages {
  let freed = 0
  for (let level = m; level.parent !== null; level = level.parent) {
    if (!isOverHigh(e, level)) continue
    memoryEvent(e, level, 'high')
    freed += reclaim(e, level, pages, cpu, { mayUseFs })
  }
  return freed
}

/**
 * Makes up for what the task owes, before it is back in user space: reclaims, and sleeps if it stays far above (5.4 and
 * later), reclaiming again first while that frees anything or retries last (5.9 and later).
 */
export function returnToUser(e: Engine, mm: Mm, cpu: Cpu): void {
  const owed = mm.overHigh
  if (owed === 0) return
  mm.overHigh = 0
  const { highDelay, highRetry, reclaimRetries } = e.features
  let retries = reclaimRetries
  for (let pages = owed; ; pages = RECLAIM_CLUSTER) {
    const freed = reclaimHigh(e, mm.memcg, pages, cpu)
    accountReclaim(e, mm, freed)
    if (!highDelay) return
    const ticks = delayOf(e, mm.memcg, owed)
    if (ticks <= Math.floor(e.machine.hz / 100)) return
    if (highRetry && (freed > 0 || retries-- > 0)) continue
    // The sleep can be killed.
    if (!mm.dying) mustSleep(mm, { reason: 'high', time: toTime(e, ticks) })
    return
  }
}

const toTime = ({ machine }: Engine, ticks: number): Nanoseconds => Math.floor((ticks * seconds(1)) / machine.hz)

/** The longest sleep. Kernel: MEMCG_MAX_HIGH_DELAY_JIFFIES. */
const MAX_DELAY_SECONDS = 2
/** Overage is a fraction with so many bits. Kernel: MEMCG_DELAY_PRECISION_SHIFT. */
const PRECISION_BITS = 20n
/** Makes the penalty for a small overage small. Kernel: MEMCG_DELAY_SCALING_SHIFT. */
const SCALING_BITS = 14n

/**
 * How long a task that charged `owed` pages is to sleep, in timer ticks: in proportion to them, and to the square of how
 * far the memcg or an ancestor is above. Kernel: calculate_high_delay, swap_find_max_overage (5.8 and later).
 */
export function delayOf(e: Engine, m: MemCgroup, owed: Pages): number {
  let memory = 0n
  let swap = 0n
  for (let level = m; level.parent !== null; level = level.parent) {
    memory = larger(memory, overage(e, level.memory))
    const swapped = overage(e, level.swap)
    if (swapped > 0n) swapEvent(e, level, 'high')
    swap = larger(swap, swapped)
  }
  const most = MAX_DELAY_SECONDS * e.machine.hz
  return Math.min(most, penalty(e, memory, owed) + penalty(e, swap, owed))
}

const larger = (x: bigint, y: bigint): bigint => (x > y ? x : y)

/** How far a counter is above its `high`, as a fraction of that. */
function overage(e: Engine, c: CounterId): bigint {
  const above = usage(e.counters, c) - highOf(e.counters, c)
  return above <= 0 ? 0n : (BigInt(usage(e.counters, c) - base(e, c)) << PRECISION_BITS) / BigInt(base(e, c))
}

const base = (e: Engine, c: CounterId): Pages => Math.max(highOf(e.counters, c), 1)

function penalty({ machine, features }: Engine, over: bigint, owed: Pages): number {
  const perBatch = ((over * over * BigInt(machine.hz)) >> PRECISION_BITS) >> SCALING_BITS
  return Number((perBatch * BigInt(owed)) / BigInt(features.batchPages))
}
