/**
 * Triggers on pressure: an open file is woken when more than a threshold of a window was lost. Kernel:
 * kernel/sched/psi.c window_update, update_triggers, psi_rtpoll_work (charge-reclaim.md §10.5).
 *
 * Most triggers are looked at ten times per window, and only while something stalls and one window beyond that. Where
 * the kernel ties triggers of the unprivileged to the averages, they are looked at whenever these take a step.
 */
import { schedule } from '../../clock.ts'
import type { Nanoseconds } from '../../units.ts'
import type { Engine } from '../engine.ts'
import { PSI_PERIOD } from './averages.ts'
import { booksNow, isStalling, type PsiBooks, type PsiGroup } from './group.ts'

export interface PsiTrigger {
  readonly id: number
  readonly group: PsiGroup
  /** Index of the state. */
  readonly state: number
  readonly threshold: Nanoseconds
  readonly window: Nanoseconds
  /** Looked at with the averages. */
  readonly withAverages: boolean
  /** When the present window began, the total then, and what the window before it had grown by. */
  startedAt: Nanoseconds
  startTotal: Nanoseconds
  previous: Nanoseconds
  /** The total at the last look. */
  seen: Nanoseconds
  /** It was too much, and not told yet: that is done once per window. */
  pending: boolean
  lastEvent: Nanoseconds
  /** Told, and not yet seen by poll. */
  event: boolean
}

/** Looks per window. Kernel: UPDATES_PER_WINDOW. */
const LOOKS = 10

/** Kinds of deferred work: a look at the triggers of a group. */
export const PSI_POLL = 'psi-poll'
export const PSI_STEP = 'psi-step'

export type NewTrigger = Pick<PsiTrigger, 'state' | 'threshold' | 'window' | 'withAverages'>

/** A trigger, from now on; its id. */
export function createTrigger(e: Engine, group: PsiGroup, what: NewTrigger): number {
  const { psi, clock } = e
  const books = booksNow(e, group)
  const total = books.total[what.state]!
  const trigger = {
    id: psi.nextTrigger++,
    group,
    ...what,
    startedAt: clock.now,
    startTotal: total,
    previous: 0,
    seen: total,
    pending: false,
    lastEvent: 0,
    event: false,
  }
  books.triggers.push(trigger)
  psi.triggers.set(trigger.id, trigger)
  psi.watched.set(group.id, group)
  if (isStalling(e, group, books)) noteActivity(e, group, books)
  return trigger.id
}

/** Ends a trigger, if it is still there. */
export function destroyTrigger({ psi }: Engine, id: number): void {
  const trigger = psi.triggers.get(id)
  if (trigger === undefined) return
  psi.triggers.delete(id)
  const { triggers } = trigger.group.books!
  triggers.splice(triggers.indexOf(trigger), 1)
  unwatch(psi, trigger.group)
}

/** Forgets a group that has neither triggers nor anything held. */
export function unwatch(psi: Engine['psi'], group: PsiGroup): void {
  const isHeld = Object.keys(group.holds).length > 0
  if (!isHeld && (group.books?.triggers.length ?? 0) === 0) psi.watched.delete(group.id)
}

/** Whether the trigger has fired since it was last asked. */
export function takeEvent({ psi }: Engine, id: number): boolean {
  const trigger = psi.triggers.get(id)
  if (trigger === undefined || !trigger.event) return false
  trigger.event = false
  return true
}

/** How often triggers of a group that have their own rhythm are looked at; Infinity without any. */
const rhythmOf = ({ triggers }: PsiBooks): Nanoseconds =>
  Math.min(...triggers.filter(each => !each.withAverages).map(({ window }) => Math.floor(window / LOOKS)))

/** Something stalls, or is about to: from here on averages and triggers are worked on. */
export function noteActivity(e: Engine, group: PsiGroup, books: PsiBooks): void {
  const { now } = e.clock
  books.stalled = true
  if (books.workDue === Number.POSITIVE_INFINITY) books.workDue = now + PSI_PERIOD
  if (books.triggers.length === 0) return
  queueStep(e, group, books)
  const rhythm = rhythmOf(books)
  if (rhythm === Number.POSITIVE_INFINITY || books.pollUntil > 0) return
  books.pollUntil = now + rhythm * LOOKS
  for (const trigger of books.triggers) if (!trigger.withAverages) openWindow(trigger, now, books.total[trigger.state]!)
  schedule(e.clock, rhythm, PSI_POLL, group.id)
}

function openWindow(trigger: PsiTrigger, now: Nanoseconds, total: Nanoseconds): void {
  trigger.startedAt = now
  trigger.startTotal = total
  trigger.previous = 0
  trigger.seen = total
}

function queueStep(e: Engine, group: PsiGroup, books: PsiBooks): void {
  if (books.stepQueued || books.workDue === Number.POSITIVE_INFINITY) return
  if (!books.triggers.some(({ withAverages }) => withAverages)) return
  books.stepQueued = true
  schedule(e.clock, books.workDue - e.clock.now, PSI_STEP, group.id)
}

/** Deferred: the averages of the group take a step, and its triggers that go with them are looked at. */
export function stepDue(e: Engine, id: number): void {
  const group = e.psi.watched.get(id)
  if (group === undefined) return
  const books = booksNow(e, group)
  books.stepQueued = false
  for (const trigger of books.triggers) if (trigger.withAverages) look(e, trigger, books.total[trigger.state]!)
  queueStep(e, group, books)
}

/** Deferred: a look at the triggers of the group that have their own rhythm. */
export function pollDue(e: Engine, id: number): void {
  const group = e.psi.watched.get(id)
  if (group?.books == null) return
  const { now } = e.clock
  const books = booksNow(e, group)
  const rhythm = rhythmOf(books)
  const polled = books.triggers.filter(({ withAverages }) => !withAverages)
  if (polled.some(({ state, seen }) => books.total[state] !== seen)) books.pollUntil = now + rhythm * LOOKS
  if (polled.length === 0 || now > books.pollUntil) {
    books.pollUntil = 0
    return
  }
  for (const trigger of polled) look(e, trigger, books.total[trigger.state]!)
  schedule(e.clock, rhythm, PSI_POLL, id)
}

/** Tells who waits, at most once per window; what could not be told yet is told when its time has come. */
function look(e: Engine, trigger: PsiTrigger, total: Nanoseconds): void {
  const { now } = e.clock
  if (total !== trigger.seen) {
    trigger.seen = total
    if (grownBy(trigger, now, total) >= trigger.threshold) trigger.pending = true
  }
  if (!trigger.pending || now < trigger.lastEvent + trigger.window) return
  trigger.pending = false
  trigger.lastEvent = now
  if (trigger.event) return
  trigger.event = true
  e.outbox.push({ kind: 'pressure', trigger: trigger.id })
}

/** What the total grew by in the last window: since the present one began, and a share of the one before. */
function grownBy(trigger: PsiTrigger, now: Nanoseconds, total: Nanoseconds): Nanoseconds {
  const { window } = trigger
  const elapsed = now - trigger.startedAt
  const growth = total - trigger.startTotal
  if (elapsed <= window) return growth + Number((BigInt(trigger.previous) * BigInt(window - elapsed)) / BigInt(window))
  trigger.startedAt = now
  trigger.startTotal = total
  trigger.previous = growth
  return growth
}
