/**
 * When the machine itself runs short of memory: reclaim from everybody. Kernel: mm/vmscan.c kswapd, balance_pgdat,
 * mem_cgroup_soft_limit_reclaim.
 *
 * One pair of watermarks for the whole machine, looked at before pages of users are taken. Reclaim passes no time, so
 * it is never late. If nothing comes of it the pages are taken all the same: nobody is killed for the machine.
 */
import type { Cpu, Pages } from '../units.ts'
import { usage } from './counter.ts'
import type { Engine } from './engine.ts'
import { freePages, highWatermark, lowWatermark } from './freepages.ts'
import type { MemCgroup } from './memcg.ts'
import { reclaim } from './reclaim.ts'

/** How many of `want` pages may be taken before the watermarks are looked at again, at least one. */
export function takeFromMachine(e: Engine, want: Pages, cpu: Cpu): Pages {
  const low = lowWatermark(e)
  if (!Number.isFinite(low)) return want
  const free = freePages(e)
  if (free > low) {
    e.hopelessAt = null
    return Math.min(want, free - low)
  }
  if (isHopeless(e, free)) return want
  if (balance(e, cpu)) return Math.max(1, Math.min(want, freePages(e) - low))
  e.hopelessAt = free
  return want
}

/** Nothing came last time, and not much has changed since. Kernel: pgdat->kswapd_failures. */
function isHopeless(e: Engine, free: Pages): boolean {
  return e.hopelessAt !== null && Math.abs(free - e.hopelessAt) < lowWatermark(e)
}

/** Reclaims until enough is free; false if nothing came. */
function balance(e: Engine, cpu: Cpu): boolean {
  const high = highWatermark(e)
  let freed = reclaimSoft(e, high, cpu)
  for (let missing = high - freePages(e); missing > 0; missing = high - freePages(e)) {
    const got = reclaim(e, e.root, missing, cpu, { background: true })
    freed += got
    if (got === 0) break
  }
  return freed > 0
}

/** At most so many rounds for one memcg, and until a quarter of its excess is gone. */
const SOFT_ROUNDS = 100
const SOFT_PART = 4

/** First from whoever is furthest above the soft limit of version 1. */
function reclaimSoft(e: Engine, high: Pages, cpu: Cpu): Pages {
  let freed = 0
  while (freePages(e) < high) {
    const worst = furthestAbove(e)
    if (worst === undefined) break
    const enough = softExcess(e, worst) * (1 - 1 / SOFT_PART)
    let got = 0
    for (let round = 0; round < SOFT_ROUNDS && softExcess(e, worst) > enough; round++) {
      const now = reclaim(e, worst, 1, cpu, { background: true })
      if (now === 0) break
      got += now
    }
    freed += got
    if (got === 0) break
  }
  return freed
}

const softExcess = (e: Engine, m: MemCgroup): Pages =>
  m.v1 === null ? 0 : usage(e.counters, m.memory) - m.v1.softLimit

function furthestAbove(e: Engine): MemCgroup | undefined {
  let worst: MemCgroup | undefined
  let most = 0
  if (e.hierarchy === 'v2') return undefined
  for (const m of e.memcgs) {
    if (!m?.parent || softExcess(e, m) <= most) continue
    worst = m
    most = softExcess(e, m)
  }
  return worst
}
