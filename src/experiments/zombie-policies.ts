/** What to do with the memory of removed cgroups: policies on one scene, and under one churn (seed 004). */
import { usage } from '../engine/counter.ts'
import { measureZombies } from '../engine/zombiemetrics.ts'
import type { KernelId } from '../profiles/features.ts'
import { below } from '../rng.ts'
import { seconds } from '../units.ts'
import { atLeast, claim, exactly, times } from './claims.ts'
import type { Claim, Experiment, Findings, Surroundings } from './experiment.ts'
import type { Series } from './figure/figure.ts'
import { Lab } from './lab.ts'
import type { Settings } from './zombie-scene.ts'
import { DEFERRED, DIRECT, EVICT, MAPPER, NONE, PARENT, play, SCENES, type TableRow } from './zombie-scenes.ts'

const COLUMNS: readonly (readonly [keyof TableRow, string])[] = [
  ['p', 'P itself'],
  ['b', 'B'],
  ['c', 'C'],
  ['zombie', 'the zombie'],
  ['current', 'P.current'],
  ['swap', 'P.swap'],
]

const METRIC_NAMES = {
  misattributed_pages: 'not with its user',
  refault_major: 'major faults',
  recharge_failed: 'no room',
  recharge_minor: 'minor faults',
  deferred_pending: 'pending',
  evicted_dirty: 'written back',
  evicted_clean: 'dropped',
} as const
type ShownMetric = keyof typeof METRIC_NAMES

const isShown = (name: string): name is ShownMetric => Object.hasOwn(METRIC_NAMES, name)

const WHO_PAYS = 'The scene after rmdir A: who pays for how many pages'
const WHAT_HAPPENED =
  'The scene after rmdir A: pages not with their user, faults, what was refused or waits, what was evicted'

/** A cell of a table of the scene: the policy is the row. */
function sceneClaim(table: string, id: string, row: string, column: string, value: number): Claim {
  const cell = { table, row, column }
  return { ...claim(id, `${row}: ${column}`, 'pages', '', exactly(value)), cell }
}

const sceneClaims: readonly Claim[] = SCENES.flatMap(({ id, name, expected, metrics = {} }) => [
  ...COLUMNS.map(([column, what]) => sceneClaim(WHO_PAYS, `${id}-${column}`, name, what, expected[column])),
  ...Object.entries(metrics)
    .filter(([metric]) => isShown(metric))
    .map(([metric, value]) =>
      sceneClaim(WHAT_HAPPENED, `${id}-${metric}`, name, METRIC_NAMES[metric as ShownMetric], value),
    ),
])

function sceneValues(): [string, number][] {
  return SCENES.flatMap(scene => {
    const { metrics, ...numbers } = play(scene).numbers
    return [
      ...COLUMNS.map(([column]): [string, number] => [`${scene.id}-${column}`, numbers[column]]),
      ...Object.keys(scene.metrics ?? {})
        .filter(isShown)
        .map((metric): [string, number] => [`${scene.id}-${metric}`, metrics[metric]]),
    ]
  })
}

interface Policy {
  readonly id: string
  readonly kernel: KernelId
  readonly settings: Settings
}

const CHURNED: readonly Policy[] = [
  { id: 'none', kernel: '6.12', settings: NONE },
  { id: 'evict', kernel: '6.12', settings: EVICT },
  { id: 'parent', kernel: '7.1', settings: PARENT },
  { id: 'mapper', kernel: '6.12', settings: MAPPER },
  { id: 'deferred', kernel: '6.12', settings: DEFERRED },
  { id: 'seed004-direct', kernel: '6.12', settings: DIRECT },
]

/** What one cgroup of the churn leaves behind, in pages. */
const MAPPED = 32
const CACHED = 32
const SHARED = 16

interface Moment {
  readonly zombies: number
  readonly tax: number
  readonly major: number
  readonly minor: number
  /** Charged to the service. */
  readonly service: number
}

/**
 * Every second a cgroup is made that reads two files and writes shared memory, and is removed. A service beside it maps
 * the first file while it is there, goes on using it, and reads an older file of the second kind and older shared memory.
 */
function churn({ kernel, settings }: Policy, around: Surroundings): Moment[] {
  const { rounds } = around.parameters as { rounds: number }
  // The same workload for all policies.
  const rng = around.chance('churn')
  const lab = new Lab({ kernel, cpus: 1, with: { percpu_charge: 'none', ...settings } })
  lab.mkdir('/P')
  lab.write('/P/cgroup.subtree_control', '+memory')
  lab.mkdir('/P/S')
  lab.do('/P/S', 'task s bare')
  const moments: Moment[] = [{ zombies: 0, tax: 0, major: 0, minor: 0, service: 0 }]
  for (let round = 0; round < rounds; round++) {
    lab.mkdir('/P/c')
    lab.do('/P/c', 'task t bare', `file m${round} ${MAPPED}p`, `read t m${round} 0 ${MAPPED}p`)
    lab.do('/P/c', `file f${round} ${CACHED}p`, `read t f${round} 0 ${CACHED}p`)
    lab.do('/P/c', `file s${round} ${SHARED}p fs=tmpfs`, `write t s${round} 0 ${SHARED}p`)
    lab.do('/P/S', `map s m${round} m${round}`, `touch s m${round}`)
    lab.do('/P/c', 'exit t')
    lab.rmdir('/P/c')
    lab.advance(seconds(1))
    const older = below(rng, round + 1)
    lab.do(
      '/P/S',
      `touch s m${round}`,
      `read s f${older} 0 ${CACHED}p`,
      `read s s${older} 0 ${SHARED}p`,
      'drain-stocks',
    )
    moments.push(momentOf(lab))
  }
  return moments
}

function momentOf(lab: Lab): Moment {
  const { values } = measureZombies(lab.engine)
  return {
    zombies: values.zombies_alive,
    tax: values.parent_tax_pages,
    major: values.refault_major,
    minor: values.recharge_minor,
    service: usage(lab.engine.counters, lab.memcg('/P/S').memory),
  }
}

type ChurnColumn = keyof Moment

const CHURN_COLUMNS: Readonly<Record<ChurnColumn, string>> = {
  zombies: 'zombies',
  tax: 'tax on P',
  service: 'the service pays',
  major: 'read again',
  minor: 'minor faults',
}

const nobody = exactly(0)
const each = (pages: number): Claim['band'] => times(pages, 'rounds')

/** What is not named is nothing. Rules where the answer does not depend on which older files are read. */
const CHURN_BANDS: Readonly<Record<string, Partial<Record<ChurnColumn, Claim['band']>>>> = {
  none: { zombies: times(1, 'rounds') },
  evict: { tax: atLeast(1), service: atLeast(MAPPED), major: atLeast(CACHED) },
  parent: { tax: each(MAPPED + CACHED + SHARED) },
  mapper: { tax: each(CACHED + SHARED), service: each(MAPPED) },
  deferred: { tax: atLeast(1), service: atLeast(MAPPED), minor: each(MAPPED) },
  'seed004-direct': { tax: atLeast(1), service: atLeast(MAPPED), major: atLeast(CACHED) },
}

const churnClaims: readonly Claim[] = CHURNED.flatMap(({ id }) =>
  (Object.keys(CHURN_COLUMNS) as ChurnColumn[]).map(column => ({
    ...claim(
      `churn-${id}-${column}`,
      `churn, ${id}: ${CHURN_COLUMNS[column]}`,
      '',
      '',
      CHURN_BANDS[id]![column] ?? nobody,
    ),
    cell: { table: 'The churn at its end: cgroups and pages', row: id, column: CHURN_COLUMNS[column] },
  })),
)

function measure(around: Surroundings): Findings {
  const runs = CHURNED.map(policy => {
    const moments = churn(policy, around)
    around.progress(`churn with ${policy.id}`)
    return { policy, moments }
  })
  const lines = (pick: (moment: Moment) => number): Series[] =>
    runs.map(({ policy, moments }) => ({
      name: policy.id,
      points: moments.map((moment, second): [number, number] => [second, pick(moment)]),
    }))
  const last = runs.flatMap(({ policy: { id }, moments }) =>
    Object.entries(moments.at(-1)!).map(([name, value]): [string, number] => [`churn-${id}-${name}`, value]),
  )
  return {
    values: Object.fromEntries([...sceneValues(), ...last]),
    figure: {
      title: 'What becomes of the memory of removed cgroups',
      panels: [
        { kind: 'lines', title: 'Removed and still there', x: 'seconds', y: 'cgroups', series: lines(m => m.zombies) },
        { kind: 'lines', title: 'Tax on the parent', x: 'seconds', y: 'pages', series: lines(m => m.tax) },
        {
          kind: 'lines',
          title: 'Faults that users pay with, major and minor',
          x: 'seconds',
          y: 'pages',
          series: lines(m => m.major + m.minor),
        },
      ],
    },
  }
}

export const zombiePolicies: Experiment = {
  name: 'zombie-policies',
  summary: 'who pays, who faults and who stays when a cgroup is removed: policies for its memory',
  thread: '[LSF/MM/BPF TOPIC] Reducing zombie memcgs, Y. Ahmed and T.J. Mercier, April 2023 (seed 004)',
  about: [
    'The scene: A below P has page cache that nobody maps (4096 pages, and 1024 that were written), a file of 2048 pages that a task of B maps, shared memory that nobody maps (1024) and that a task of C maps (512), a device buffer for B (256), kernel memory (128) and 768 swap slots. Its tasks end, and it is removed. B has 1000 pages of its own, C 500. Each policy of the thread deals with that: nothing, evict, to the parent, to who maps it, deferred to who uses it next, and the algorithm the thread proposes.',
    'The churn: a cgroup each second, and a service beside it that goes on using some of what they leave.',
    'On a mount: memcgfs mount DIR --with zombie=seed004-direct (or a single zombie_… switch), any script that removes cgroups, then cat .memcgfs/zombie_stat .memcgfs/zombie_series.',
  ],
  parameters: [{ name: 'rounds', about: 'cgroups of the churn, one each second', value: 60, least: 1, most: 3600 }],
  claims: [...sceneClaims, ...churnClaims],
  measure,
}
