/**
 * What writing a limit or memory.reclaim does beyond storing it. Kernel: mm/memcontrol.c, memory_high_write,
 * memory_max_write, memory_reclaim. Works started by a write run on CPU 0 and pass no time.
 */
import { EAGAIN, type Errno, OK, type Ok } from '../errno.ts'
import type { Pages } from '../units.ts'
import { maxOf, setHigh, setMax, usage } from './counter.ts'
import { drainStocks } from './drain.ts'
import type { Engine } from './engine.ts'
import { GFP_KERNEL } from './gfp.ts'
import { writeLimit } from './limits-v1.ts'
import type { MemCgroup } from './memcg.ts'
import { outOfMemory } from './oom.ts'
import { recoverFromOom } from './oomwait.ts'
import { type ReclaimHow, reclaim } from './reclaim.ts'
import { accountWritersReclaim } from './stall.ts'

const WRITER_CPU = 0

function reclaimForWriter(e: Engine, m: MemCgroup, pages: Pages): Pages {
  const freed = reclaim(e, m, pages, WRITER_CPU)
  accountWritersReclaim(e, freed)
  return freed
}

/** How a limit is written, besides its value. */
export interface LimitWrite {
  /** Through a description that does not wait (O_NONBLOCK): from 6.18 on the limit is stored, and that is all. */
  readonly nonblock: boolean
}

/**
 * Stores memory.high and reclaims down to it: once, or until nothing more comes (feature memory_high_write). Counts no
 * event and never fails.
 */
export function writeHigh(e: Engine, m: MemCgroup, high: Pages, { nonblock }: LimitWrite): void {
  const { memoryHighWrite } = e.features
  if (memoryHighWrite !== 'loop-store') setHigh(e.counters, m.memory, high)
  if (memoryHighWrite === 'store-once') {
    const excess = usage(e.counters, m.memory) - high
    if (excess > 0) reclaimForWriter(e, m, excess)
  } else if (memoryHighWrite !== 'store-loop-nonblock' || !nonblock) reclaimDownTo(e, m, high)
  if (memoryHighWrite === 'loop-store') setHigh(e.counters, m.memory, high)
}

function reclaimDownTo(e: Engine, m: MemCgroup, high: Pages): void {
  let retries = e.features.reclaimRetries
  if (usage(e.counters, m.memory) > high) drainStocks(e, m)
  for (;;) {
    const excess = usage(e.counters, m.memory) - high
    if (excess <= 0) return
    if (reclaimForWriter(e, m, excess) === 0 && retries-- === 0) return
  }
}

/**
 * Stores memory.max and brings the usage down to it: reclaim while retries last, then kills. When nobody can be
 * killed the usage stays above, and the write still succeeds. Counts no `max` event. Up to 4.3 it goes the way of
 * version 1 instead: EBUSY, and the old limit, if the usage does not get there.
 */
export function writeMax(e: Engine, m: MemCgroup, max: Pages, { nonblock }: LimitWrite): Ok | Errno {
  const { memoryMaxWrite, stockDrainOnLimitWrite, reclaimRetries } = e.features
  if (memoryMaxWrite === 'v1-resize') return writeLimit(e, m, max)
  setMax(e.counters, m.memory, max)
  recoverFromOom(e, m)
  if (memoryMaxWrite === 'loop-nonblock' && nonblock) return OK
  let retries = reclaimRetries
  let drained = !stockDrainOnLimitWrite
  for (;;) {
    const excess = usage(e.counters, m.memory) - maxOf(e.counters, m.memory)
    if (excess <= 0) return OK
    if (!drained) {
      drainStocks(e, m)
      drained = true
    } else if (retries > 0) {
      if (reclaimForWriter(e, m, excess) === 0) retries--
    } else if (outOfMemory(e, m, 1, GFP_KERNEL, null, WRITER_CPU) !== 'killed') return OK
  }
}

/** memory.swap.max: nothing is swapped in for it. Who waits for memory may find some now. */
export function writeSwapMax(e: Engine, m: MemCgroup, max: Pages): void {
  setMax(e.counters, m.swap, max)
  recoverFromOom(e, m)
}

/**
 * memory.reclaim: all or a quarter of what is left per round (feature memory_reclaim_step); EAGAIN when the retries are
 * used up, whatever was freed.
 */
export function reclaimOnRequest(
  e: Engine,
  m: MemCgroup,
  pages: Pages,
  how: Pick<ReclaimHow, 'swappiness'> = {},
): Ok | Errno {
  let retries = e.features.reclaimRetries
  let freed = 0
  while (freed < pages) {
    const left = pages - freed
    const step = e.features.memoryReclaimStep === 'remaining' ? left : Math.floor(left / 4)
    const got = reclaim(e, m, step, WRITER_CPU, { ...how, proactive: true })
    if (got === 0 && retries-- === 0) return EAGAIN
    freed += got
  }
  return OK
}
