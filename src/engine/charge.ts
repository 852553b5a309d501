/**
 * Charging pages to a memcg. Kernel: mm/memcontrol.c, try_charge_memcg and memory.high handling (6.12; the values that
 * differ between generations are features).
 *
 * A charge takes from the stock of its CPU or a batch from the counters; over a limit it reclaims, retries, and in the
 * end asks the OOM killer. What happens above memory.high happens when the task returns to user space.
 */
import { ENOMEM, type Errno, OK, type Ok } from '../errno.ts'
import type { Cpu, Pages } from '../units.ts'
import { NO_COUNTER, ownerOf } from './counter.ts'
import { drainStocks } from './drain.ts'
import type { Engine } from './engine.ts'
import { memoryEvent } from './events.ts'
import { GFP_HIGH, GFP_MAYFAIL, GFP_NOFAIL, GFP_NORETRY, GFP_WAIT, type Gfp } from './gfp.ts'
import { noteOverHigh, reclaimHigh, returnToUser } from './high.ts'
import type { MemCgroup } from './memcg.ts'
import { chargeMemory, marginOf, tryChargeMemory } from './memcounters.ts'
import type { Mm } from './mm.ts'
import { outOfMemory } from './oom.ts'
import { reclaim } from './reclaim.ts'
import { consumeStock, refillStock } from './stock.ts'

/** Orders above this are costly: nobody is killed for them. Kernel: PAGE_ALLOC_COSTLY_ORDER. */
const COSTLY_PAGES = 8
/** A charge that goes round this often is a fault of the model. */
const MAX_TURNS = 4096

/**
 * Charges `pages` to `m` for the address space `mm` (null: nobody's) running on `cpu`. Charges to the root always
 * succeed and move no counter that is shown.
 */
export function chargePages(e: Engine, m: MemCgroup, pages: Pages, gfp: Gfp, cpu: Cpu, mm: Mm | null): Ok | Errno {
  if (m.parent === null) return OK
  if (consumeStock(e, m, cpu, pages)) return OK
  return chargeCounters(e, m, pages, gfp, cpu, mm)
}

function chargeCounters(e: Engine, m: MemCgroup, pages: Pages, gfp: Gfp, cpu: Cpu, mm: Mm | null): Ok | Errno {
  const { counters, features } = e
  let batch = Math.max(features.batchPages, pages)
  let retries = features.reclaimRetries
  let drained = false
  let raised = false
  let passedOom = false
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    // A retry may find in the stock what another charge has left there meanwhile.
    if (turn > 0 && consumeStock(e, m, cpu, pages)) return OK
    const refused = tryChargeMemory(e, m, batch)
    if (refused === NO_COUNTER) {
      if (batch > pages) refillStock(e, m, cpu, batch - pages)
      checkHigh(e, m, mm, batch, gfp, cpu)
      return OK
    }
    if (batch > pages) {
      batch = pages
      continue
    }
    const over = e.memcgs[ownerOf(counters, refused)]!
    if ((gfp & GFP_WAIT) === 0) return chargeAnyway(e, m, pages, gfp, over, raised)

    memoryEvent(e, over, 'max')
    raised = true
    const got = reclaim(e, over, pages, cpu)
    if (marginOf(e, over) >= pages) continue
    if (!drained) {
      drainStocks(e, over)
      drained = true
      continue
    }
    if ((gfp & GFP_NORETRY) !== 0) return chargeAnyway(e, m, pages, gfp, over, raised)
    if (got > 0 && pages <= COSTLY_PAGES) continue
    if (retries-- > 0) continue
    if ((gfp & GFP_MAYFAIL) !== 0) return chargeAnyway(e, m, pages, gfp, over, raised)
    if (passedOom && mm?.dying) return chargeAnyway(e, m, pages, gfp, over, raised)
    if (pages > COSTLY_PAGES || !outOfMemory(e, over, pages, mm, cpu))
      return chargeAnyway(e, m, pages, gfp, over, raised)
    retries = features.reclaimRetries
    passedOom = true
  }
  throw new Error(`a charge of ${pages} pages went round ${MAX_TURNS} times`)
}

/** The end of a charge that found no room: refused, or let over the limit when its flags say so. */
function chargeAnyway(e: Engine, m: MemCgroup, pages: Pages, gfp: Gfp, over: MemCgroup, raised: boolean): Ok | Errno {
  const { atomicCharge } = e.features
  const atomic = (gfp & GFP_HIGH) !== 0 && atomicCharge !== 'fail'
  if ((gfp & GFP_NOFAIL) === 0 && !atomic) return ENOMEM
  if (atomicCharge === 'force+event' && !raised) memoryEvent(e, over, 'max')
  chargeMemory(e, m, pages)
  return OK
}

/**
 * Over memory.high: up to 4.3 a charge that may wait reclaims at once, and any other goes on. Later the task owes it,
 * and from 6.1 on pays at once when it owes more than a batch.
 */
function checkHigh(e: Engine, m: MemCgroup, mm: Mm | null, batch: Pages, gfp: Gfp, cpu: Cpu): void {
  const { highMode, highSyncLarge, batchPages } = e.features
  if (highMode === 'inline') {
    if ((gfp & GFP_WAIT) !== 0) reclaimHigh(e, m, batch, cpu)
    return
  }
  if (mm === null) return
  noteOverHigh(e, m, mm, batch)
  if (highSyncLarge && mm.overHigh > batchPages && (gfp & GFP_WAIT) !== 0) returnToUser(e, mm, cpu)
}
