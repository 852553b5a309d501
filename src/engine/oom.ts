/**
 * The OOM killer of a memcg. Kernel: mm/oom_kill.c, mem_cgroup_out_of_memory.
 *
 * A victim other than the one that is charging exits at once: its memory is free for the retry. With `oom_exit_ms` it
 * takes its time, and nobody else is killed until it is gone. The one that is charging goes on until its charge fails,
 * and dies when that operation ends, as on a kernel.
 */
import { schedule, type WorkKind } from '../clock.ts'
import { type Cpu, milliseconds, type Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { memoryEvent } from './events.ts'
import { GFP_FS, type Gfp, IN_FAULT } from './gfp.ts'
import { notifyOom } from './listeners.ts'
import { isWithin, type MemCgroup } from './memcg.ts'
import { marginOf } from './memcounters.ts'
import { exitMm, type Mm } from './mm.ts'
import { reportOom } from './oomreport.ts'
import { candidates, chooseVictim, isKillable } from './oomvictim.ts'
import { waitForRoom } from './oomwait.ts'
import { mustSleep } from './sleep.ts'

/** Deferred: a victim exits. */
export const OOM_EXIT: WorkKind = 'oom-exit'
/** Victims exit here (workload.md §8.1: workers run on CPU 0). */
const EXIT_CPU: Cpu = 0

/**
 * What came of it: somebody was killed, or room has appeared; nobody may be killed; the killer does not act for such a
 * charge; the thread has to wait, because somebody is dying already or nobody is to be killed.
 */
export type OomOutcome = 'killed' | 'no-victim' | 'declined' | 'wait'

/** What the killer is called for: a charge of `charging` (null: of nobody) for `pages` that does not fit. */
interface Call {
  readonly over: MemCgroup
  readonly order: number
  readonly gfp: Gfp
  readonly charging: Mm | null
  readonly cpu: Cpu
}

/** Kills something below `over` so that `pages` may fit. */
export function outOfMemory(
  e: Engine,
  over: MemCgroup,
  pages: Pages,
  gfp: Gfp,
  charging: Mm | null,
  cpu: Cpu,
): OomOutcome {
  memoryEvent(e, over, 'oom')
  const call = { over, order: orderOf(e, pages), gfp, charging, cpu }
  return withoutKill(e, call) ?? killFor(e, call)
}

/** When the killer has nothing to do, or must not: what it answers then. */
function withoutKill(e: Engine, { over, order, gfp, charging }: Call): OomOutcome | undefined {
  const { oomRecheckMargin, oomNofs } = e.features
  // Only version 1 can switch the killer off.
  if (over.v1?.oomKillDisable) {
    if (charging === null || (gfp & IN_FAULT) === 0) return 'declined'
    waitForRoom(e, over, charging, 'oom')
    return 'wait'
  }
  notifyOom(e, over)
  if (oomRecheckMargin && marginOf(e, over) >= 2 ** order) return 'killed'
  if (charging?.dying) return 'killed'
  if (oomNofs === 'decline' && (gfp & GFP_FS) === 0) return 'declined'
  const dying = candidates(e, over).find(({ exitsAt }) => exitsAt !== null)
  if (dying === undefined) return undefined
  if (charging !== null) mustSleep(charging, { reason: 'victim', time: dying.exitsAt! - e.clock.now })
  return 'wait'
}

function killFor(e: Engine, { over, order, gfp, charging, cpu }: Call): OomOutcome {
  const victim = chooseVictim(e, over)
  if (victim === undefined) {
    // Where the charge fails then, a fault is tried again and again (recorded on 6.1 and 6.12).
    if (e.features.oomNoVictim !== 'fail' || charging === null || (gfp & IN_FAULT) === 0) return 'no-victim'
    waitForRoom(e, over, charging, 'room')
    return 'wait'
  }
  const unit = groupToKill(e, victim.memcg, over)
  const others = unit === null ? [] : candidates(e, unit).filter(mm => mm !== victim && isKillable(mm))
  const killed = [victim, ...others]
  const report = reportOom(e, over, {
    flags: gfp,
    invoker: charging?.id ?? null,
    order,
    victim: victim.id,
    group: unit?.slot ?? null,
    killed: killed.map(({ id }) => id),
  })
  e.outbox.push({ kind: 'oom', report })
  if (unit !== null) countGroupKill(e, unit, victim)
  for (const mm of killed) kill(e, mm, over, charging, cpu)
  return 'killed'
}

/** What the killer is told of a charge's size. */
const orderOf = ({ features }: Engine, pages: Pages): number =>
  features.chargeOrder === 'zero' ? 0 : Math.ceil(Math.log2(pages))

/** The highest memcg from the victim's up to `over` that wants to be killed as a whole. */
function groupToKill(e: Engine, from: MemCgroup, over: MemCgroup): MemCgroup | null {
  let unit: MemCgroup | null = null
  for (let level: MemCgroup | null = from; level !== null && isWithin(level, over); level = level.parent)
    if (level.oomGroup) unit = level
  return unit === e.root ? null : unit
}

/** A group kill counts once at the group, and counts the chosen victim a second time as a member (recorded). */
function countGroupKill(e: Engine, unit: MemCgroup, victim: Mm): void {
  memoryEvent(e, unit, 'oom_group_kill')
  if (e.features.oomGroupCountsVictim === 'twice') memoryEvent(e, victim.memcg, 'oom_kill')
}

function kill(e: Engine, victim: Mm, over: MemCgroup, charging: Mm | null, cpu: Cpu): void {
  memoryEvent(e, victim.memcg, 'oom_kill')
  victim.dying = true
  e.outbox.push({ kind: 'kill', mm: victim.id, oomAt: over.slot })
  const delay = milliseconds(e.options.oomExitMs)
  if (victim === charging) e.outbox.push({ kind: 'exit', mm: victim.id })
  else if (delay === 0) exit(e, victim, cpu)
  else {
    victim.exitsAt = e.clock.now + delay
    schedule(e.clock, delay, OOM_EXIT, victim.id)
  }
}

function exit(e: Engine, victim: Mm, cpu: Cpu): void {
  exitMm(e, victim, cpu)
  e.outbox.push({ kind: 'exit', mm: victim.id })
}

/** Deferred: the victim exits, if it has not yet. */
export function victimExits(e: Engine, id: number): void {
  const victim = e.mms.get(id)
  if (victim !== undefined) exit(e, victim, EXIT_CPU)
}
