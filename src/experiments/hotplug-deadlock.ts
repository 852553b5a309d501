/** Memory hot-remove against a dying cgroup: who waits for whom, kernel by kernel (slab-kmem.md §11). */
import { runScenario, SCENARIOS, type ScenarioName, type ScenarioReport } from '../engine/locks/scenarios.ts'
import { KERNEL_IDS, type KernelId } from '../profiles/features.ts'
import { featuresOf } from '../profiles/profiles.ts'
import { CLAIMS } from './claims.ts'
import type { Experiment, Findings } from './experiment.ts'
import type { WaitsPanel } from './figure/figure.ts'

const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[]

/** Kernels between which the answer may change: those where something that locks is different. */
const SHOWN: readonly KernelId[] = ['5.8', '5.9']

function measure(): Findings {
  const runs = SCENARIO_NAMES.map(scenario => ({
    scenario,
    reports: KERNEL_IDS.map(id => ({ id, report: runScenario(scenario, featuresOf(id)) })),
  }))
  const values: Record<string, number> = {}
  for (const { scenario, reports } of runs) {
    const name = scenario.toLowerCase()
    for (const id of SHOWN) {
      const { report } = reports.find(each => each.id === id)!
      values[`${name}-${id}`] = scenario === 'C' ? countOf(report, 'blocked-by-loop') : report.cycle.length
    }
  }
  const last = KERNEL_IDS.filter(id => runScenario('A', featuresOf(id)).cycle.length > 0).at(-1)
  const cycle = runScenario('A', featuresOf('5.8')).cycle
  values['edge-5.8'] = hasEdge(runScenario('A', featuresOf('5.8')))
  values['edge-5.9'] = hasEdge(runScenario('A', featuresOf('5.9')))
  return {
    values,
    remarks: [
      `Scenario A as 5.8 ends it: ${[...cycle, cycle[0]].join(' → ')}. The last kernel that hangs is ${last}.`,
      'Scenario C is no cycle: the hot-remove runs, and the worker waits for it as long as it does. A search for cycles of locks finds nothing there.',
    ],
    figure: {
      title: 'Memory hot-remove and a dying cgroup',
      panels: SHOWN.map(id => picture(id, runScenario('A', featuresOf(id)))),
    },
  }
}

const countOf = ({ threads }: ScenarioReport, verdict: string): number =>
  threads.filter(each => each.verdict === verdict).length

const hasEdge = ({ order }: ScenarioReport): number =>
  order.filter(({ outer, inner }) => outer === 'cgroup_mutex' && inner === 'mem_hotplug_lock').length

/** The threads in the order in which they wait for each other, or in which they finished. */
function picture(id: KernelId, { threads, cycle, finished }: ScenarioReport): WaitsPanel {
  const isHung = cycle.length > 0
  const order = isHung ? cycle : finished
  const thread = (name: string) => threads.find(each => each.id === name)!
  return {
    kind: 'waits',
    title: `Scenario A on ${id}: ${isHung ? 'each waits for the next, for ever' : `finished in the order ${order.join(', ')}`}`,
    threads: order.map(name => {
      const { who, held } = thread(name)
      const holds = held.map(({ lock, mode }) => `${lock}(${mode})`)
      return {
        id: name,
        lines: [`${name}: ${who}`, ...(holds.length > 0 ? ['holds', holds.join(', ')] : isHung ? [] : ['finished'])],
        stuck: isHung,
      }
    }),
    edges: isHung
      ? order.map((name, i) => ({
          from: name,
          to: order[(i + 1) % order.length]!,
          label: thread(name).wants ?? '',
        }))
      : [],
  }
}

export const hotplugDeadlock: Experiment = {
  name: 'hotplug-deadlock',
  summary: 'removing memory and removing a cgroup wait for each other up to 5.8',
  thread: 'The new cgroup slab memory controller, Tatashin and Rao, August 2020 (seed 003)',
  about: [
    'Runs the three hangs of the thread on every kernel, with the locks that kernel takes. A: memory hot-remove waits for a page that a core dump holds; the dump waits for the reader of its pipe, who reads /proc/PID/cgroup and waits for cgroup_mutex; that is held by the worker that takes a removed cgroup out of use, who waits for mem_hotplug_lock. B: the same with a signal that systemd cannot send. C: a hot-remove that never ends keeps the worker that makes caches for cgroups waiting; no cycle.',
    'From 5.9 on taking a cgroup out of use needs no mem_hotplug_lock: the edge cgroup_mutex → mem_hotplug_lock is gone from the lock order, and with it the cycles.',
    'On a mount: echo A > DIR/.memcgfs/locks; cat DIR/.memcgfs/locks',
  ],
  parameters: [],
  claims: CLAIMS['hotplug-deadlock'],
  measure,
}
