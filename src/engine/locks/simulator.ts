/**
 * Threads that take locks and wait for each other, run until nothing moves any more.
 *
 * A thread is a list of steps. Locks are mutexes or per-CPU reader-writer semaphores, in which a waiting writer keeps
 * new readers out (kernel/locking/percpu-rwsem.c). A condition is something another thread has to do first: its
 * providers are the threads with that step still ahead. Time plays no part; threads get their turns in order.
 */
import { assert } from '../../assert.ts'

export type LockMode = 'R' | 'W'
type ThreadId = string

export type Step =
  | { readonly do: 'take'; readonly lock: string; readonly mode: LockMode }
  | { readonly do: 'drop'; readonly lock: string }
  /** Goes on once somebody has given the condition. */
  | { readonly do: 'wait'; readonly condition: string }
  | { readonly do: 'give'; readonly condition: string }

/** What a thread is written down as before it runs. */
export interface Program {
  readonly id: ThreadId
  /** Who that is, for people. */
  readonly who: string
  readonly steps: readonly Step[]
}

export interface Held {
  readonly lock: string
  readonly mode: LockMode
}

export interface SimThread extends Program {
  /** Index of the step it is at; past the last one it has finished. */
  at: number
  readonly held: Held[]
}

interface SimLock {
  readonly holders: Map<ThreadId, LockMode>
  /** Who asked and did not get it, in order. */
  readonly waiting: { readonly thread: ThreadId; readonly mode: LockMode }[]
}

export interface LockSim {
  readonly threads: readonly SimThread[]
  readonly locks: Map<string, SimLock>
  readonly given: Set<string>
  /** Threads in the order in which they finished. */
  readonly finished: ThreadId[]
}

export const isFinished = (thread: SimThread): boolean => thread.at === thread.steps.length

/** Lets every thread go as far as it can, round after round. */
export function runLocks(programs: readonly Program[]): LockSim {
  const threads = programs.map(program => ({ ...program, at: 0, held: [] }))
  const sim: LockSim = { threads, locks: new Map(), given: new Set(), finished: [] }
  while (threads.filter(thread => advance(sim, thread)).length > 0);
  return sim
}

/** Whether the thread did at least one step. */
function advance(sim: LockSim, thread: SimThread): boolean {
  const from = thread.at
  while (!isFinished(thread) && doStep(sim, thread, thread.steps[thread.at]!)) thread.at++
  if (thread.at > from && isFinished(thread)) {
    assert(thread.held.length === 0, `${thread.id} gives back every lock it took`)
    sim.finished.push(thread.id)
  }
  return thread.at > from
}

function doStep(sim: LockSim, thread: SimThread, step: Step): boolean {
  switch (step.do) {
    case 'take':
      return take(lockOf(sim, step.lock), thread, step)
    case 'drop':
      lockOf(sim, step.lock).holders.delete(thread.id)
      thread.held.splice(
        thread.held.findIndex(({ lock }) => lock === step.lock),
        1,
      )
      return true
    case 'wait':
      return sim.given.has(step.condition)
    case 'give':
      sim.given.add(step.condition)
      return true
  }
}

function lockOf(sim: LockSim, name: string): SimLock {
  const known = sim.locks.get(name)
  if (known !== undefined) return known
  const fresh: SimLock = { holders: new Map(), waiting: [] }
  sim.locks.set(name, fresh)
  return fresh
}

const conflicts = (a: LockMode, b: LockMode): boolean => a === 'W' || b === 'W'

function take(lock: SimLock, thread: SimThread, { lock: name, mode }: Held): boolean {
  if (inTheWay(lock, thread.id, mode).length > 0) {
    if (!lock.waiting.some(each => each.thread === thread.id)) lock.waiting.push({ thread: thread.id, mode })
    return false
  }
  const place = lock.waiting.findIndex(each => each.thread === thread.id)
  if (place !== -1) lock.waiting.splice(place, 1)
  lock.holders.set(thread.id, mode)
  thread.held.push({ lock: name, mode })
  return true
}

/** Conflicting holders, and for a reader the writers that wait. */
function inTheWay(lock: SimLock, thread: ThreadId, mode: LockMode): ThreadId[] {
  const holders = [...lock.holders].filter(([, held]) => conflicts(held, mode)).map(([id]) => id)
  const writers = mode === 'R' ? lock.waiting.filter(each => each.mode === 'W').map(each => each.thread) : []
  return [...holders, ...writers].filter(id => id !== thread)
}

/** Threads that have yet to do what makes the condition true. */
const providersOf = (sim: LockSim, condition: string): ThreadId[] =>
  sim.threads
    .filter(({ steps, at }) => steps.some((step, i) => i >= at && step.do === 'give' && step.condition === condition))
    .map(({ id }) => id)

/** Whom a thread that came to rest waits for: the edges of the graph of waits. */
export function waitsFor(sim: LockSim, thread: SimThread): ThreadId[] {
  const step = thread.steps[thread.at]
  if (step?.do === 'take') return inTheWay(lockOf(sim, step.lock), thread.id, step.mode)
  if (step?.do === 'wait') return providersOf(sim, step.condition)
  return []
}
