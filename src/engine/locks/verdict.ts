/**
 * Why threads came to rest: finished, in a cycle, behind a cycle, or behind somebody who goes round for ever.
 */
import { isFinished, type LockSim, type SimThread, waitsFor } from './simulator.ts'

export type Verdict =
  | 'finished'
  /** In a cycle nobody can leave. */
  | 'deadlock'
  /** Not in the cycle, but waits for it. */
  | 'behind-deadlock'
  /** Goes round until something happens that nobody will do. Not asleep, and no part of a cycle. */
  | 'loops'
  /** Waits, at the end of the chain, for one that loops: a hang that no search for cycles finds. */
  | 'blocked-by-loop'

/** Every thread that can be reached along waits. */
function reach(sim: LockSim, from: SimThread): Set<string> {
  const seen = new Set<string>()
  const open = [from]
  for (let thread = open.pop(); thread !== undefined; thread = open.pop()) {
    for (const id of waitsFor(sim, thread)) {
      if (seen.has(id)) continue
      seen.add(id)
      open.push(sim.threads.find(each => each.id === id)!)
    }
  }
  return seen
}

/**
 * The threads that wait for each other in a ring, in order from the first of them; empty if there is no such ring.
 * A lock is not free while one holder keeps it; a condition comes true as soon as one provider acts, so all of its
 * providers must be in the ring.
 */
export function findCycle(sim: LockSim): string[] {
  const reached = new Map(sim.threads.map(thread => [thread.id, reach(sim, thread)]))
  for (const thread of sim.threads) {
    const around = reached.get(thread.id)!
    const members = sim.threads.filter(({ id }) => around.has(id) && reached.get(id)!.has(thread.id))
    const ids = new Set(members.map(({ id }) => id))
    const isClosed = members.every(
      each => each.steps[each.at]!.do === 'take' || waitsFor(sim, each).every(id => ids.has(id)),
    )
    if (members.length > 0 && isClosed) return walk(sim, members, thread)
  }
  return []
}

function walk(sim: LockSim, members: readonly SimThread[], first: SimThread): string[] {
  const order: string[] = []
  for (let thread = first; !order.includes(thread.id); ) {
    order.push(thread.id)
    const waits = waitsFor(sim, thread)
    thread = members.find(({ id }) => waits.includes(id))!
  }
  return order
}

export function verdictOf(sim: LockSim, cycle: readonly string[], thread: SimThread): Verdict {
  if (isFinished(thread)) return 'finished'
  if (cycle.includes(thread.id)) return 'deadlock'
  const reached = reach(sim, thread)
  if (cycle.some(id => reached.has(id))) return 'behind-deadlock'
  return reached.size === 0 ? 'loops' : 'blocked-by-loop'
}
