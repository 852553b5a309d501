/**
 * What writing a limit or memory.reclaim does beyond storing it. Kernel: mm/memcontrol.c, memory_high_write,
 * memory_max_write, memory_reclaim. Works started by a write run on CPU 0 and pass no time.
 */
import { EAGAIN, type Errno, OK, type Ok } from '../errno.ts'
import type { Pages } from '../units.ts'
import { highOf, maxOf, setHigh, setMax, usage } from './counter.ts'
import { drainStocks } from './drain.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'
import { outOfMemory } from './oom.ts'
import { reclaim } from './reclaim.ts'

const WRITER_CPU = 0

/** Stores memory.high and reclaims down to it until nothing more comes. Counts no event and never fails. */
export function writeHigh(e: Engine, m: MemCgroup, high: Pages): void {
  setHigh(e.counters, m.memory, high)
  let retries = e.features.reclaimRetries
  let drained = false
  for (;;) {
    const excess = usage(e.counters, m.memory) - highOf(e.counters, m.memory)
    if (excess <= 0) return
    if (!drained) {
      drainStocks(e, m)
      drained = true
      continue
    }
    if (reclaim(e, m, excess, WRITER_CPU) === 0 && retries-- === 0) return
  }
}

/**
 * Stores memory.max and brings the usage down to it: reclaim while retries last, then kills. When nobody can be
 * killed the usage stays above, and the write still succeeds. Counts no `max` event.
 */
export function writeMax(e: Engine, m: MemCgroup, max: Pages): void {
  setMax(e.counters, m.memory, max)
  let retries = e.features.reclaimRetries
  let drained = false
  for (;;) {
    const excess = usage(e.counters, m.memory) - maxOf(e.counters, m.memory)
    if (excess <= 0) return
    if (!drained) {
      drainStocks(e, m)
      drained = true
      continue
    }
    if (retries > 0) {
      if (reclaim(e, m, excess, WRITER_CPU) === 0) retries--
      continue
    }
    if (!outOfMemory(e, m, 1, null, WRITER_CPU)) return
  }
}

/** memory.reclaim: a quarter of what is left per round; EAGAIN when the retries are used up, whatever was freed. */
export function reclaimOnRequest(e: Engine, m: MemCgroup, pages: Pages): Ok | Errno {
  let retries = e.features.reclaimRetries
  let freed = 0
  while (freed < pages) {
    const left = pages - freed
    const step = e.features.memoryReclaimStep === 'remaining' ? left : Math.floor(left / 4)
    const got = reclaim(e, m, step, WRITER_CPU)
    if (got === 0 && retries-- === 0) return EAGAIN
    freed += got
  }
  return OK
}
