/** A database in one cgroup of a machine with 64 KiB pages: its kernel memory at the peak (slab-kmem.md §12.2). */
import type { KernelObjects } from '../engine/kmem.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { below, chance, type Rng } from '../rng.ts'
import type { Cpu, Pages } from '../units.ts'
import { CLAIMS } from './claims.ts'
import type { Experiment, Findings, ParameterValues, Surroundings } from './experiment.ts'
import { Power8, SIDE_NAMES, SIDES, type Side } from './power8.ts'

/** What the server has made before the first worker starts. Numbers stand for kmallocs of that size. */
const START_UP: readonly (readonly [string | number, number])[] = [
  ['dentry', 400],
  ['filp', 300],
  ['vm_area_struct', 400],
  ['anon_vma', 120],
  ['anon_vma_chain', 200],
  ['ext4_inode_cache', 100],
  ['proc_inode_cache', 40],
  ['sock_inode_cache', 20],
  ['radix_tree_node', 160],
  ['buffer_head', 200],
  ['cred_jar', 30],
  ['mm_struct', 1],
  [8, 60],
  [16, 60],
  [32, 120],
  [64, 120],
  [96, 60],
  [128, 40],
  [1024, 40],
  [4096, 20],
]

/** What a worker holds besides its task_struct and its stack. */
const WORKER: readonly (readonly [string | number, number])[] = [
  ['filp', 3],
  ['dentry', 3],
  ['sock_inode_cache', 1],
  [32, 4],
  [64, 6],
  [192, 4],
  [256, 2],
  [512, 2],
  [1024, 1],
  [2048, 1],
]

/** What a query takes and gives back. */
const QUERY: readonly (string | number)[] = [32, 64, 192, 256, 512, 1024, 2048, 4096]
const PER_QUERY = 2

/** Kernel memory that is no slab: page tables and pipes. */
const OTHER_PAGES: Pages = 15

/** Other numbers of active CPUs, to see which way it goes. */
const ACTIVE: readonly number[] = [4, 6, 8, 12, 16]

interface Outcome {
  /** Peaks. */
  readonly kmem: Pages
  readonly memory: Pages
}

/** Runs the server. Whatever its limit leaves is full of page cache. */
function serve(side: Side, parameters: ParameterValues, rng: Rng, active: number): Outcome {
  const { workers, rounds, move, limit } = parameters as Record<'workers' | 'rounds' | 'move' | 'limit', number>
  const machine = new Power8(side)
  const { lab } = machine
  const memcg = machine.mkdir('mysqld')
  const bytes = limit * lab.engine.machine.pageSize
  lab.write('/mysqld/memory.max', String(bytes))
  lab.do('/mysqld', 'task reader bare', `file table.ibd ${bytes}`, `read reader table.ibd 0 ${bytes}`)
  lab.takePages(0, OTHER_PAGES, { memcg, cpu: 0 })
  for (const [kind, count] of START_UP)
    for (let cpu = 0; cpu < active; cpu++) {
      const share = Math.floor(count / active) + (cpu < count % active ? 1 : 0)
      if (share > 0) lab.take(machine.cache(kind), share, { memcg, cpu })
    }
  const cpus = Array.from({ length: workers }, () => below(rng, active))
  for (const cpu of cpus) {
    machine.startThread({ memcg, cpu })
    for (const [kind, count] of WORKER) lab.take(machine.cache(kind), count, { memcg, cpu })
  }
  for (let round = 0; round < rounds; round++) queries(machine, memcg, cpus, active, rng, move)
  return { kmem: lab.kmemPeak(memcg), memory: lab.memoryPeak(memcg) }
}

/** Every worker has one query under way at the same time. */
function queries(machine: Power8, memcg: MemCgroup, cpus: Cpu[], active: number, rng: Rng, move: number): void {
  const { lab } = machine
  const taken: { readonly objects: KernelObjects; readonly worker: number }[] = []
  for (const worker of cpus.keys()) {
    if (chance(rng, move)) cpus[worker] = below(rng, active)
    for (let i = 0; i < PER_QUERY; i++) {
      const cache = machine.cache(QUERY[below(rng, QUERY.length)]!)
      taken.push({ objects: lab.take(cache, 1, { memcg, cpu: cpus[worker]! }), worker })
    }
  }
  for (const { objects, worker } of taken) lab.free(objects, cpus[worker]!)
}

function measure({ parameters, chance: stream, progress }: Surroundings): Findings {
  const peaks = (active: number): Record<Side, Outcome> => {
    const [old, patched] = SIDES.map(side => {
      progress(`${active} active CPUs, ${SIDE_NAMES[side]}`)
      return serve(side, parameters, stream('queries'), active)
    })
    return { old: old!, new: patched! }
  }
  const saved = ({ old, new: patched }: Record<Side, Outcome>): number => 100 * (1 - patched.kmem / old.kmem)
  const main = peaks(parameters.active!)
  const others = ACTIVE.map(active => ({ active, found: peaks(active) }))
  const steps = others.slice(1).map(({ found }, i) => saved(found) - saved(others[i]!.found))
  return {
    values: {
      old: main.old.kmem,
      new: main.new.kmem,
      reduction: saved(main),
      usage: 100 * (1 - main.new.memory / main.old.memory),
      rising: Math.min(...steps),
    },
    figure: {
      title: 'Kernel memory of a database at its peak',
      panels: [
        {
          kind: 'bars',
          title: 'Peak of memory.kmem.usage_in_bytes by the number of CPUs the database runs on',
          y: 'pages of 64 KiB',
          bars: SIDES.map(side => SIDE_NAMES[side]),
          groups: others.map(({ active, found }) => ({
            name: `${active} CPUs`,
            values: SIDES.map(side => found[side].kmem),
          })),
        },
      ],
    },
  }
}

export const sysbench: Experiment = {
  name: 'sysbench',
  summary: 'kernel memory of a database in one cgroup, on 64 KiB pages',
  thread: 'The new cgroup slab memory controller, measurements of B. Rao, January 2020 (seed 003)',
  about: [
    'A database server in one cgroup of a machine with 40 logical CPUs and 64 KiB pages: it starts, makes its workers, and these take and give back small objects. Compared are 5.5 and 5.5 with the patchset, at the peak of kernel memory.',
    'Before, the cgroup has caches of its own, and each of them has a slab of at least 64 KiB on every CPU the server runs on, for a few objects. What is saved grows with the CPUs.',
    'The limit of the cgroup is filled with page cache, as on a server that reads its tables: there memory.usage_in_bytes hardly changes.',
  ],
  parameters: [
    { name: 'active', about: 'CPUs the server runs on', value: 6, least: 1, most: 40 },
    { name: 'workers', about: 'worker threads', value: 48, least: 1, most: 1000 },
    { name: 'rounds', about: 'queries of each worker', value: 200, least: 1, most: 100_000 },
    { name: 'move', about: 'probability to change CPU before a query', value: 0.05, least: 0, most: 1, fraction: true },
    { name: 'limit', about: 'memory.max in pages of 64 KiB', value: 5150, least: 1000, most: 100_000 },
  ],
  claims: CLAIMS.sysbench,
  measure,
}
