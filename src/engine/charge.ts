/**
 * Charging pages to a memcg. Kernel: mm/memcontrol.c, try_charge_memcg (try_charge up to 5.10). What differs between
 * generations are features: who is let over the limit and when (charge-reclaim.md §3.2, §3.3).
 *
 * A charge takes from the stock of its CPU or a batch from the counters; over a limit it reclaims, retries, and in the
 * end asks the OOM killer. What happens above memory.high is in high.ts.
 */
import { ENOMEM, type Errno, OK, type Ok } from '../errno.ts'
import type { Cpu, Pages } from '../units.ts'
import { NO_COUNTER, ownerOf } from './counter.ts'
import { drainStocks } from './drain.ts'
import type { Engine } from './engine.ts'
import { memoryEvent } from './events.ts'
import {
  GFP_FS,
  GFP_HIGH,
  GFP_MAYFAIL,
  GFP_NOFAIL,
  GFP_NORETRY,
  GFP_WAIT,
  type Gfp,
  IN_FAULT,
  IN_RECLAIM,
  isAtomic,
} from './gfp.ts'
import { checkHigh } from './high.ts'
import type { MemCgroup } from './memcg.ts'
import { chargeMemory, countsSwap, marginOf, tryChargeMemory } from './memcounters.ts'
import type { Mm } from './mm.ts'
import { outOfMemory } from './oom.ts'
import { reclaim } from './reclaim.ts'
import { accountReclaim } from './stall.ts'
import { consumeStock, refillStock } from './stock.ts'
import { keepGap } from './watermark.ts'

/** Charges above this are costly: of order 4 and more. Kernel: PAGE_ALLOC_COSTLY_ORDER. */
const COSTLY_PAGES = 8
/** A charge that goes round this often never ends on a kernel, and is refused here. */
const MAX_TURNS = 4096

/**
 * Up to 4.3: the limit is passed, but not by the cgroup. User pages are the root's then; kernel pages stay with the
 * cgroup and are charged to it, whatever its limit.
 */
export const BYPASSED = 1
type Bypassed = typeof BYPASSED

/** One charge: `pages` to `m` in the name of `mm` (null: of nobody) running on `cpu`. */
interface Charge {
  readonly m: MemCgroup
  readonly pages: Pages
  readonly gfp: Gfp
  readonly cpu: Cpu
  readonly mm: Mm | null
}

/** What it has been through. */
interface Progress {
  retries: number
  drained: boolean
  /** It has counted as `max`. */
  raised: boolean
  /** Somebody was killed for it. */
  killed: boolean
  /** The counter that refused last is one that swapping out lowers. */
  maySwap: boolean
}

/** How a refusal by a counter is answered: tried again, refused, or passed. */
type Answer = 'again' | 'refused' | 'forced' | 'bypassed'

/**
 * Charges `pages` to `m` for the address space `mm` (null: nobody's) running on `cpu`. Charges to the root always
 * succeed and move no counter that is shown.
 */
export function chargePages(e: Engine, m: MemCgroup, pages: Pages, gfp: Gfp, cpu: Cpu, mm: Mm | null): Ok | Errno {
  const charged = tryChargePages(e, m, pages, gfp, cpu, mm)
  if (charged !== BYPASSED) return charged
  chargeMemory(e, m, pages)
  return OK
}

/** The same; BYPASSED leaves it to the caller who is charged instead. */
export function tryChargePages(
  e: Engine,
  m: MemCgroup,
  pages: Pages,
  gfp: Gfp,
  cpu: Cpu,
  mm: Mm | null,
): Ok | Errno | Bypassed {
  if (m.parent === null) return OK
  if (consumeStock(e, m, cpu, pages)) return OK
  return chargeCounters(e, { m, pages, gfp, cpu, mm })
}

function chargeCounters(e: Engine, c: Charge): Ok | Errno | Bypassed {
  const { m, pages, cpu } = c
  const progress = { retries: e.features.reclaimRetries, drained: false, raised: false, killed: false, maySwap: true }
  let batch = Math.max(e.features.batchPages, pages)
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    // A retry may find in the stock what another charge has left there meanwhile.
    if (turn > 0 && consumeStock(e, m, cpu, pages)) return OK
    const refused = tryChargeMemory(e, m, batch)
    if (refused === NO_COUNTER) {
      if (batch > pages) refillStock(e, m, cpu, batch - pages)
      if (e.features.maxWatermark) keepGap(e, m, cpu)
      checkHigh(e, m, c.mm, batch, c.gfp, cpu)
      return OK
    }
    if (batch > pages) {
      batch = pages
      continue
    }
    const over = e.memcgs[ownerOf(e.counters, refused)]!
    progress.maySwap = !countsSwap(e, refused)
    const answer = beforeReclaim(e, c) ?? makeRoom(e, c, over, progress)
    if (answer !== 'again') return conclude(e, c, over, answer, progress)
  }
  return ENOMEM
}

/** Who is let past the limit, or refused, before anything is reclaimed. */
function beforeReclaim({ features }: Engine, { gfp, mm }: Charge): Answer | undefined {
  if (mm?.dying && features.dyingCharge !== 'normal') return features.dyingCharge === 'bypass' ? 'bypassed' : 'forced'
  if (isAtomic(gfp) && features.atomicCharge === 'force') return 'forced'
  if ((gfp & IN_RECLAIM) !== 0 && features.reclaimerCharge === 'force') return 'forced'
  return (gfp & GFP_WAIT) === 0 ? 'refused' : undefined
}

/** One round of reclaim from the level that refused, and what follows from it. */
function makeRoom(e: Engine, c: Charge, over: MemCgroup, progress: Progress): Answer {
  const { pages, gfp, cpu, mm } = c
  memoryEvent(e, over, 'max')
  progress.raised = true
  const got = reclaim(e, over, pages, cpu, { maySwap: progress.maySwap, mayUseFs: (gfp & GFP_FS) !== 0 })
  accountReclaim(e, mm, got)
  if (marginOf(e, over) >= pages) return 'again'
  if (!progress.drained) {
    drainStocks(e, over)
    progress.drained = true
    return 'again'
  }
  if ((gfp & GFP_NORETRY) !== 0) return 'refused'
  if (got > 0 && pages <= COSTLY_PAGES) return 'again'
  if (progress.retries-- > 0) return 'again'
  return beforeKilling(e, c, progress) ?? askKiller(e, c, over, progress)
}

/** Who is answered when the retries are used up, without a kill. */
function beforeKilling({ features }: Engine, { gfp, mm }: Charge, { killed }: Progress): Answer | undefined {
  const { mayfailCharge, nofailCharge, dyingCharge } = features
  if ((gfp & GFP_MAYFAIL) !== 0 && (mayfailCharge === 'no-kill' || (mayfailCharge === 'one-kill' && killed)))
    return 'refused'
  if ((gfp & GFP_NOFAIL) !== 0 && nofailCharge !== 'oom-first')
    return nofailCharge === 'bypass-before-oom' ? 'bypassed' : 'forced'
  return killed && mm?.dying && dyingCharge === 'normal' ? 'refused' : undefined
}

function askKiller(e: Engine, c: Charge, over: MemCgroup, progress: Progress): Answer {
  const { pages, gfp, cpu, mm } = c
  const { oomCostly, oomEvent, oomMode, oomNoVictim, reclaimRetries } = e.features
  if (pages > COSTLY_PAGES && oomCostly === 'skip') {
    if (oomEvent === 'before-call') memoryEvent(e, over, 'oom')
    return 'refused'
  }
  // Up to 4.18 the killer comes at the end of the fault; what is no fault just fails.
  if (oomMode === 'end-of-fault' && (gfp & IN_FAULT) === 0) {
    memoryEvent(e, over, 'oom')
    return 'refused'
  }
  const outcome = outOfMemory(e, over, pages, gfp, mm, cpu)
  if (outcome === 'killed') {
    progress.retries = reclaimRetries
    progress.killed = true
    return 'again'
  }
  // Who has to wait sleeps when the fault is over, and tries it again.
  if (outcome === 'wait' || outcome === 'declined') return 'refused'
  if (oomNoVictim === 'fail') return 'refused'
  return oomNoVictim === 'bypass' ? 'bypassed' : 'forced'
}

/** The end of a charge that found no room: refused, or let over the limit when its flags say so. */
function conclude(e: Engine, c: Charge, over: MemCgroup, answer: Answer, progress: Progress): Ok | Errno | Bypassed {
  const { atomicCharge, nofailCharge } = e.features
  if (answer === 'bypassed') return BYPASSED
  if (answer === 'refused') {
    const mayNotFail = (c.gfp & GFP_NOFAIL) !== 0
    const mayPass = (c.gfp & GFP_HIGH) !== 0 && atomicCharge === 'force+event'
    if (!mayNotFail && !mayPass) return ENOMEM
    if (mayNotFail && nofailCharge === 'bypass-before-oom') return BYPASSED
  }
  if (atomicCharge === 'force+event' && !progress.raised) memoryEvent(e, over, 'max')
  chargeMemory(e, c.m, c.pages)
  return OK
}
