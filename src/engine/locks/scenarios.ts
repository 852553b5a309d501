/**
 * Three hangs of the thread "The new cgroup slab memory controller" (seed 003, Tatashin and Rao, 2020), as threads that
 * do the operations of this kernel. Whether they hang follows from the locks these take (slab-kmem.md §11.2).
 */
import type { Features } from '../../profiles/features.ts'
import {
  cacheCreation,
  createsCaches,
  cssOffline,
  lockOrder,
  memoryHotRemove,
  type OrderEdge,
  readProcCgroup,
  steps,
} from './operations.ts'
import { type Held, type Program, runLocks, type Step } from './simulator.ts'
import { findCycle, type Verdict, verdictOf } from './verdict.ts'

const wait = (condition: string): Step => ({ do: 'wait', condition })
const give = (condition: string): Step => ({ do: 'give', condition })

export type ScenarioName = 'A' | 'B' | 'C'

interface Scenario {
  readonly about: string
  readonly threads: (features: Features) => readonly Program[]
}

export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  A: {
    about: 'memory hot-remove, a dying cgroup, a core dump into a pipe, and its reader in /proc/PID/cgroup',
    threads: features => [
      { id: 'T1', who: 'memory hot-remove', steps: steps(memoryHotRemove, wait('page reference dropped')) },
      { id: 'T2', who: 'css offline worker', steps: steps(cssOffline(features)) },
      { id: 'T3', who: 'core dump of a task', steps: [wait('room in the pipe'), give('page reference dropped')] },
      {
        id: 'T4',
        who: 'systemd-coredump',
        steps: [...steps(readProcCgroup(features)), give('room in the pipe')],
      },
    ],
  },
  B: {
    about:
      'memory hot-remove that only a signal ends, a dying cgroup, and systemd in /proc/PID/cgroup before it signals',
    threads: features => [
      { id: 'T1', who: 'memory hot-remove', steps: steps(memoryHotRemove, wait('signal')) },
      { id: 'T2', who: 'css offline worker', steps: steps(cssOffline(features)) },
      { id: 'T3', who: 'systemd', steps: [...steps(readProcCgroup(features)), give('signal')] },
    ],
  },
  C: {
    about: 'memory hot-remove that never succeeds, and the worker that makes caches for cgroups',
    threads: features => [
      { id: 'T1', who: 'memory hot-remove', steps: steps(memoryHotRemove, wait('last page migrated')) },
      ...(createsCaches(features) ? [{ id: 'T2', who: 'cache creation worker', steps: steps(cacheCreation) }] : []),
    ],
  },
}

export const isScenario = (name: string): name is ScenarioName => name in SCENARIOS

/** Where a thread ended. */
export interface ThreadReport {
  readonly id: string
  readonly who: string
  readonly verdict: Verdict
  readonly held: readonly Held[]
  /** The lock or condition it waits for, or null. */
  readonly wants: string | null
}

export interface ScenarioReport {
  readonly scenario: ScenarioName
  readonly threads: readonly ThreadReport[]
  /** Threads in the order they wait for each other; the last waits for the first. Empty without a deadlock. */
  readonly cycle: readonly string[]
  /** Threads in the order they finished. */
  readonly finished: readonly string[]
  readonly order: readonly OrderEdge[]
}

/** Runs a scenario on the kernel of these features. */
export function runScenario(scenario: ScenarioName, features: Features): ScenarioReport {
  const sim = runLocks(SCENARIOS[scenario].threads(features))
  const cycle = findCycle(sim)
  const threads = sim.threads.map(thread => ({
    id: thread.id,
    who: thread.who,
    verdict: verdictOf(sim, cycle, thread),
    held: thread.held,
    wants: wanted(thread.steps[thread.at]),
  }))
  return { scenario, threads, cycle, finished: sim.finished, order: lockOrder(features) }
}

function wanted(step: Step | undefined): string | null {
  if (step?.do === 'take') return `${step.lock}(${step.mode})`
  return step?.do === 'wait' ? `"${step.condition}"` : null
}
