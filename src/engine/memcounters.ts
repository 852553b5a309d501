/**
 * The counter of memory, and on version 1 the one of memory and swap together: a charge takes from both or from none.
 * Kernel: mm/memcontrol.c, try_charge and uncharge_batch, do_memsw_account.
 *
 * What is swapped out leaves the first alone: `unchargeMemory` is for pages that are gone.
 */
import type { Pages } from '../units.ts'
import { type CounterId, charge, margin, maxOf, NO_COUNTER, ownerOf, tryCharge, uncharge, usage } from './counter.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'

/** Charges both, memory and swap first. NO_COUNTER, or the counter that refused, with nothing charged. */
export function tryChargeMemory({ counters }: Engine, m: MemCgroup, pages: Pages): CounterId {
  if (m.memsw === NO_COUNTER) return tryCharge(counters, m.memory, pages)
  const together = tryCharge(counters, m.memsw, pages)
  if (together !== NO_COUNTER) return together
  const alone = tryCharge(counters, m.memory, pages)
  if (alone !== NO_COUNTER) uncharge(counters, m.memsw, pages)
  return alone
}

/** Charges both without looking at limits. */
export function chargeMemory({ counters }: Engine, m: MemCgroup, pages: Pages): void {
  charge(counters, m.memory, pages)
  if (m.memsw !== NO_COUNTER) charge(counters, m.memsw, pages)
}

export function unchargeMemory({ counters }: Engine, m: MemCgroup, pages: Pages): void {
  uncharge(counters, m.memory, pages)
  if (m.memsw !== NO_COUNTER) uncharge(counters, m.memsw, pages)
}

/** A counter of memory and swap together: swapping out makes no room in it. */
export const countsSwap = (e: Engine, c: CounterId): boolean => e.memcgs[ownerOf(e.counters, c)]!.memsw === c

/**
 * Room for one more charge. Kernel: mem_cgroup_margin; whether memory and swap over their limit leave room in memory
 * depends on the generation.
 */
export function marginOf({ counters, features }: Engine, m: MemCgroup): Pages {
  const room = margin(counters, m.memory)
  if (room === 0 || m.memsw === NO_COUNTER) return room
  const isOver = usage(counters, m.memsw) > maxOf(counters, m.memsw)
  return isOver && features.memswOverMargin === 'ignore' ? room : Math.min(room, margin(counters, m.memsw))
}
