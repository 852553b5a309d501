/**
 * Virtual time and the deferred work that hangs on it.
 *
 * There is one clock and one queue. Everything the kernel defers (RCU grace periods, work items, delayed
 * notifications) is a one-shot record of plain numbers here, run in order of (due time, sequence number).
 * There are no periodic items: an idle kernel has an empty queue.
 */
import { assert } from './assert.ts'
import { type Nanoseconds, seconds } from './units.ts'

/** One deferred step. `kind` selects the handler; `a` and `b` are ids it understands. */
export interface WorkItem {
  readonly due: Nanoseconds
  /** Tie-break between items due at the same time: the order in which they were queued. */
  readonly seq: number
  readonly kind: WorkKind
  readonly a: number
  readonly b: number
}

/** Names of the kinds of deferred work. Each part that defers something registers a handler for its own. */
export type WorkKind = string

export interface Clock {
  now: Nanoseconds
  /** A binary heap on (due, seq). */
  queue: WorkItem[]
  nextSeq: number
}

/** Far enough from zero that no window of time reaches back before the boot (workload.md §7). */
export const BOOT_TIME: Nanoseconds = seconds(1000)

export function createClock(): Clock {
  return { now: BOOT_TIME, queue: [], nextSeq: 0 }
}

const before = (x: WorkItem, y: WorkItem): boolean => x.due < y.due || (x.due === y.due && x.seq < y.seq)

/** Queues one step to run `delay` from now. */
export function schedule(clock: Clock, delay: Nanoseconds, kind: WorkKind, a = 0, b = 0): void {
  const { queue } = clock
  const item = { due: clock.now + delay, seq: clock.nextSeq++, kind, a, b }
  let child = queue.push(item) - 1
  while (child > 0) {
    const parent = (child - 1) >> 1
    if (!before(item, queue[parent]!)) break
    queue[child] = queue[parent]!
    child = parent
  }
  queue[child] = item
}

/** When the next step is due; Infinity if nothing waits. */
export function nextDue(clock: Clock): Nanoseconds {
  return clock.queue[0]?.due ?? Number.POSITIVE_INFINITY
}

/** Takes the next step off the queue and moves the clock to its time, if it is due by `limit`. */
export function takeDue(clock: Clock, limit: Nanoseconds): WorkItem | undefined {
  const { queue } = clock
  const first = queue[0]
  if (first === undefined || first.due > limit) return undefined
  const last = queue.pop()!
  if (queue.length > 0) sink(queue, last)
  if (first.due > clock.now) clock.now = first.due
  return first
}

function sink(queue: WorkItem[], item: WorkItem): void {
  const size = queue.length
  let hole = 0
  for (;;) {
    let child = 2 * hole + 1
    if (child >= size) break
    if (child + 1 < size && before(queue[child + 1]!, queue[child]!)) child++
    if (!before(queue[child]!, item)) break
    queue[hole] = queue[child]!
    hole = child
  }
  queue[hole] = item
}

/** Moves the clock forward without running anything: the caller has taken what was due before. */
export function moveTo(clock: Clock, time: Nanoseconds): void {
  assert(time >= clock.now, 'the clock never goes back')
  clock.now = time
}
