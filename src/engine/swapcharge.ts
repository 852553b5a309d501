/**
 * Who is charged for swap slots, and how many he may have. Kernel: mm/memcontrol.c, __mem_cgroup_try_charge_swap,
 * mem_cgroup_get_nr_swap_pages; mm/swap_cgroup.c.
 */
import type { Cpu, Pages } from '../units.ts'
import { type CounterId, charge, maxOf, NO_COUNTER, uncharge, usage } from './counter.ts'
import type { Engine } from './engine.ts'
import { swapEvent } from './events.ts'
import { afterUnpin, type MemCgroup } from './memcg.ts'
import { modStat, STAT } from './vmstat.ts'

/** Whether the id of the memcg is still there to be recorded: slots keep it, and so does the memcg while it is online. */
export const hasId = ({ features }: Engine, m: MemCgroup): boolean =>
  m.online || m.pins.swap > 0 || features.idFreedAt === 'css-free'

/** The memcg that is recorded with slots of `m`: the nearest that still has an id. */
export function recorderOf(e: Engine, m: MemCgroup): MemCgroup {
  let level = m
  while (level.parent !== null && !hasId(e, level)) level = level.parent
  return level
}

/** Pages the counters of `m` still let it swap out. On version 1 memory and swap are one counter, which swapping leaves as it is. */
function swapMargin(e: Engine, m: MemCgroup): Pages {
  let room = Number.POSITIVE_INFINITY
  if (e.hierarchy === 'v1') return room
  for (let level = m; level.parent !== null; level = level.parent)
    room = Math.min(room, maxOf(e.counters, level.swap) - usage(e.counters, level.swap))
  return room
}

/** What reclaim believes can be swapped out of `m`: nothing left, and anonymous memory is not looked at. */
export const availableSwap = (e: Engine, m: MemCgroup): Pages => Math.min(e.swapTotal - e.swap.used, swapMargin(e, m))

/**
 * How many of `pages` pages of `m` get a slot. Those that do not count `fail`, and `max` before it when swap.max is the
 * reason.
 */
export function swapRoom(e: Engine, m: MemCgroup, pages: Pages): Pages {
  const withSlot = Math.min(pages, Math.max(0, e.swapTotal - e.swap.used))
  if (withSlot < pages) swapEvent(e, m, 'fail', pages - withSlot)
  const recorder = recorderOf(e, m)
  const room = Math.min(withSlot, Math.max(0, swapMargin(e, recorder)))
  if (room < withSlot) {
    swapEvent(e, recorder, 'max', withSlot - room)
    swapEvent(e, recorder, 'fail', withSlot - room)
  }
  return room
}

/** The counter that slots of `m` are charged to: swap, on version 1 memory and swap together. Nobody pays for the root's. */
function counterOf(e: Engine, m: MemCgroup): CounterId {
  if (m.parent === null) return NO_COUNTER
  return e.hierarchy === 'v1' ? m.memsw : m.swap
}

/** Records slots with `m`. On version 1 they go on counting in memory and swap together. */
export function chargeSlots(e: Engine, m: MemCgroup, pages: Pages, cpu: Cpu): void {
  const counter = counterOf(e, m)
  if (counter !== NO_COUNTER) charge(e.counters, counter, pages)
  modStat(e, m, STAT.swap, cpu, pages)
  m.pins.swap += pages
}

/** Slots of `m` are free. The last of them gives the id of a removed memcg back. */
export function unchargeSlots(e: Engine, m: MemCgroup, pages: Pages, cpu: Cpu): void {
  const counter = counterOf(e, m)
  if (counter !== NO_COUNTER) uncharge(e.counters, counter, pages)
  modStat(e, m, STAT.swap, cpu, -pages)
  m.pins.swap -= pages
  if (!m.online && m.pins.swap === 0 && e.features.idFreedAt === 'offline') e.idsInUse--
  afterUnpin(e, m)
}
