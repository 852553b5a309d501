/**
 * Pressure of one cgroup, or of the whole machine: how long its tasks were stalled. Kernel: kernel/sched/psi.c.
 *
 * A group knows how many of its tasks, and of those below it, wait for what. From that follow the states; time spent in
 * a state is added up whenever something changes or somebody looks, and the averages are caught up with in the steps
 * the kernel would have taken. So nothing runs on the clock while nobody has a trigger (trigger.ts). All CPUs count as
 * one (charge-reclaim.md §10.3).
 */
import type { Features } from '../../profiles/features.ts'
import type { Nanoseconds } from '../../units.ts'
import type { Engine } from '../engine.ts'
import { AVERAGES, PSI_PERIOD, skipPeriods, stepAverages } from './averages.ts'
import type { Hold } from './hold.ts'
import type { PsiTrigger } from './trigger.ts'

export const PSI_STATES = [
  'io some',
  'io full',
  'memory some',
  'memory full',
  'cpu some',
  'cpu full',
  'irq full',
] as const
export type PsiState = (typeof PSI_STATES)[number]
export type PsiResource = 'io' | 'memory' | 'cpu' | 'irq'

export const stateIndex = (state: PsiState): number => PSI_STATES.indexOf(state)

/** Tasks of a group and those below it, by what they do. */
export interface PsiTasks {
  /** Running or runnable. */
  running: number
  iowait: number
  /** Waiting for memory, asleep or not. */
  memstall: number
  /** Of those, the ones that run: they reclaim. */
  memstallRunning: number
}

/** Shares of time are counted in these parts of one. */
export const WHOLE = 10_000

export interface PsiGroup {
  readonly id: number
  readonly parent: PsiGroup | null
  /** cgroup.pressure says 1. */
  enabled: boolean
  readonly tasks: PsiTasks
  /** What is held by hand at this group, by resource (hold.ts). */
  readonly holds: { -readonly [R in PsiResource]?: Hold }
  /** Null while nothing ever stalled here. */
  books: PsiBooks | null
}

/** What is kept of a group in which something stalled once. Arrays go by the index of the state. */
export interface PsiBooks {
  /** Time stalled, up to `at`, and what of it is no whole nanosecond yet, in parts of WHOLE. */
  readonly total: Nanoseconds[]
  readonly fraction: number[]
  at: Nanoseconds
  /** Shares of time that are held by hand, here and below (hold.ts). */
  readonly held: number[]
  /** Of the total, what the averages know. */
  readonly averaged: Nanoseconds[]
  /** Three per state, as fixed-point numbers. */
  readonly averages: number[]
  averagedAt: Nanoseconds
  /** From then on a reader takes the next step. */
  nextAverage: Nanoseconds
  /** When the kernel would take it by itself; Infinity while it has nothing to do. */
  workDue: Nanoseconds
  /** Something stalled since the last step. */
  stalled: boolean
  readonly triggers: PsiTrigger[]
  /** Triggers with a rhythm of their own are looked at until then; 0 while they are not. */
  pollUntil: Nanoseconds
  /** Triggers that go with the averages wait on the clock for their next step. */
  stepQueued: boolean
}

export interface Psi {
  /** The whole machine. */
  readonly system: PsiGroup
  nextGroup: number
  nextTrigger: number
  nextHold: number
  /** Groups with triggers or something held, by id. */
  readonly watched: Map<number, PsiGroup>
  readonly triggers: Map<number, PsiTrigger>
}

export function createPsi(): Psi {
  const system = newGroup(0, null)
  return { system, nextGroup: 1, nextTrigger: 1, nextHold: 1, watched: new Map(), triggers: new Map() }
}

const newGroup = (id: number, parent: PsiGroup | null): PsiGroup => ({
  id,
  parent,
  enabled: true,
  tasks: { running: 0, iowait: 0, memstall: 0, memstallRunning: 0 },
  holds: {},
  books: null,
})

export const createGroup = ({ psi }: Engine, parent: PsiGroup): PsiGroup => newGroup(psi.nextGroup++, parent)

/** Pressure is counted: the kernel has it, and was built with it. */
export const hasPsi = ({ features, machine }: Engine): boolean => features.psi && machine.psi

function createBooks(now: Nanoseconds): PsiBooks {
  const perState = (): number[] => PSI_STATES.map(() => 0)
  return {
    total: perState(),
    fraction: perState(),
    at: now,
    held: perState(),
    averaged: perState(),
    averages: PSI_STATES.flatMap(() => Array.from({ length: AVERAGES }, () => 0)),
    averagedAt: now,
    nextAverage: now + PSI_PERIOD,
    workDue: Number.POSITIVE_INFINITY,
    stalled: false,
    triggers: [],
    pollUntil: 0,
    stepQueued: false,
  }
}

/** Nobody can run but who waits for memory. Kernel: test_state; `only-reclaimers` does not count those who reclaim. */
export const isAlone = ({ running, memstallRunning }: PsiTasks, { psiMemFull }: Features): boolean =>
  running === (psiMemFull === 'no-runnable' ? 0 : memstallRunning)

/** `full` of memory: somebody waits for it, and nobody else gets anything done. */
export const isMemoryFull = (tasks: PsiTasks, features: Features): boolean =>
  tasks.memstall > 0 && isAlone(tasks, features)

/** By state: whether the tasks are in it. Of cpu and irq nothing is known yet: no task uses CPU time. */
function isIn(state: PsiState, tasks: PsiTasks, features: Features): boolean {
  switch (state) {
    case 'io some':
      return tasks.iowait > 0
    case 'io full':
      return tasks.iowait > 0 && tasks.running === 0
    case 'memory some':
      return tasks.memstall > 0
    case 'memory full':
      return isMemoryFull(tasks, features)
    default:
      return false
  }
}

/** The books as they are now. */
export function booksNow(e: Engine, group: PsiGroup): PsiBooks {
  const { now } = e.clock
  group.books ??= createBooks(now)
  const { books } = group
  while (books.workDue <= now) takeStep(e, group, books)
  addUp(e, group, books, now)
  return books
}

/** The share of time that goes into state `i` at present, in parts of WHOLE. */
function shareOf({ features }: Engine, { enabled, tasks }: PsiGroup, { held }: PsiBooks, i: number): number {
  if (!enabled) return 0
  return isIn(PSI_STATES[i]!, tasks, features) ? WHOLE : Math.min(WHOLE, held[i]!)
}

/** Something stalls now. */
export const isStalling = (e: Engine, group: PsiGroup, books: PsiBooks): boolean =>
  PSI_STATES.some((_, i) => shareOf(e, group, books, i) > 0)

/** Adds the time since the last look to the totals. */
function addUp(e: Engine, group: PsiGroup, books: PsiBooks, until: Nanoseconds): void {
  const elapsed = until - books.at
  books.at = until
  if (elapsed === 0) return
  for (let i = 0; i < PSI_STATES.length; i++) {
    const share = shareOf(e, group, books, i)
    if (share === 0) continue
    const rest = (elapsed % WHOLE) * share + books.fraction[i]!
    books.total[i]! += Math.floor(elapsed / WHOLE) * share + Math.floor(rest / WHOLE)
    books.fraction[i] = rest % WHOLE
    books.stalled = true
  }
}

/** What the kernel does by itself at `workDue`. After a period in which nothing stalled it stops. */
function takeStep(e: Engine, group: PsiGroup, books: PsiBooks): void {
  const now = books.workDue
  addUp(e, group, books, now)
  const isActive = books.stalled || isStalling(e, group, books)
  if (now >= books.nextAverage) averageUpTo(books, now)
  books.workDue = isActive ? books.nextAverage : Number.POSITIVE_INFINITY
}

/** Kernel: update_averages. What is stalled longer than the time that passed is carried over. */
function averageUpTo(books: PsiBooks, now: Nanoseconds): void {
  const missed = Math.floor((now - books.nextAverage) / PSI_PERIOD)
  const period = now - books.averagedAt - missed * PSI_PERIOD
  books.nextAverage += (missed + 1) * PSI_PERIOD
  books.averagedAt = now
  books.stalled = false
  for (let i = 0; i < PSI_STATES.length; i++) {
    const left = books.total[i]! - books.averaged[i]!
    const sample = Math.min(left, period)
    books.averaged[i]! += sample
    if (left > sample) books.stalled = true
    skipPeriods(books.averages, i * AVERAGES, missed)
    stepAverages(books.averages, i * AVERAGES, sample, period)
  }
}

/** The books for a reader, whose look takes the step that is due; null where nothing ever stalled. */
export function booksForReader(e: Engine, group: PsiGroup | null): PsiBooks | null {
  if (group === null || group.books === null) return null
  const books = booksNow(e, group)
  if (e.clock.now >= books.nextAverage) averageUpTo(books, e.clock.now)
  return books
}

/** Counts no more, or again with averages that begin anew; the totals go on where they were. */
export function enableGroup(e: Engine, group: PsiGroup, on: boolean): void {
  if (group.books !== null) {
    const { averages, averaged, total } = booksNow(e, group)
    averages.fill(0)
    for (let i = 0; i < total.length; i++) averaged[i] = total[i]!
  }
  group.enabled = on
}

/** The group and those above it, the machine last. */
export function* groupsUp(group: PsiGroup): Generator<PsiGroup> {
  for (let level: PsiGroup | null = group; level !== null; level = level.parent) yield level
}
