/** Slab of a whole host right after its boot: services, each in a cgroup of its own (slab-kmem.md §12.4). */

import { utilization } from '../engine/slab/report.ts'
import { below, type Rng, roundByChance } from '../rng.ts'
import type { Cpu, Pages } from '../units.ts'
import { CLAIMS } from './claims.ts'
import type { Experiment, Findings, ParameterValues, Surroundings } from './experiment.ts'
import { TASK_OBJECTS } from './fleet.ts'
import { CPUS, Power8, SIDE_NAMES, SIDES, type Side } from './power8.ts'

/** What a service uses besides what its task has. Numbers stand for kmallocs of that size. */
const MORE_CACHES: readonly (string | number)[] = ['dentry', 'ext4_inode_cache', 'radix_tree_node', 'inode_cache', 96]

/** The caches of one service, and how many objects of each it has on a CPU it visits. */
const CACHES: readonly (readonly [string | number, number])[] = [
  ...TASK_OBJECTS.filter(([kind]) => kind !== 'task_struct'),
  ...MORE_CACHES.map(kind => [kind, 10] as const),
]

/** What the root cgroup holds, accounted to nobody: slabs of the kernel itself and of what it has cached. */
const ROOT_CACHE = 'ext4_inode_cache'

/** The pages of slab of the host when all services have started. */
function boot(side: Side, parameters: ParameterValues, rng: Rng): { readonly all: Pages; readonly services: Pages } {
  const { services, visited, root } = parameters as Record<'services' | 'visited' | 'root', number>
  const machine = new Power8(side)
  const { lab } = machine
  const { pageSize } = lab.engine.machine
  const cache = lab.cache(ROOT_CACHE)
  lab.take(cache, Math.floor((root * pageSize) / cache.size), { memcg: null, cpu: 0 })
  const before = utilization(lab.engine).pages / pageSize
  for (let service = 0; service < services; service++) {
    const memcg = machine.mkdir(`s${service}`)
    for (const [kind, count] of CACHES)
      for (const cpu of someCpus(rng, visited)) lab.take(machine.cache(kind), count, { memcg, cpu })
  }
  const all = utilization(lab.engine).pages / pageSize
  return { all, services: all - before }
}

/** As many different CPUs as a service has been on when it used a cache. */
function someCpus(rng: Rng, visited: number): Set<Cpu> {
  const cpus = new Set<Cpu>()
  const wanted = Math.min(CPUS, roundByChance(rng, visited))
  while (cpus.size < wanted) cpus.add(below(rng, CPUS))
  return cpus
}

function measure({ parameters, chance, progress }: Surroundings): Findings {
  const [old, patched] = SIDES.map(side => {
    progress(SIDE_NAMES[side])
    return boot(side, parameters, chance('boot'))
  })
  const saved = old!.all - patched!.all
  const copies = parameters.services! * CACHES.length * parameters.visited!
  return {
    values: {
      old: old!.all,
      new: patched!.all,
      saved,
      reduction: (100 * saved) / old!.all,
      'per-copy': old!.services / copies,
    },
    remarks: [
      `${parameters.services} services use ${CACHES.length} caches each on ${parameters.visited} CPUs on average. How many the thread's host had is not reported: the defaults make a host of about its size, and are ours.`,
      'With the patchset each CPU still keeps a slab of each cache, for all services together.',
    ],
    figure: {
      title: 'Slab of a host after its boot',
      panels: [
        {
          kind: 'bars',
          title: 'Slab: of /proc/meminfo',
          y: 'pages of 64 KiB',
          bars: ['root cgroup', 'services'],
          groups: SIDES.map((side, i) => {
            const { all, services } = [old!, patched!][i]!
            return { name: SIDE_NAMES[side], values: [all - services, services] }
          }),
        },
      ],
    },
  }
}

export const hostSlab: Experiment = {
  name: 'host-slab',
  summary: 'Slab: of a whole host after its boot, with a cgroup for each service',
  thread: 'The new cgroup slab memory controller, measurements of B. Rao, January 2020 (seed 003)',
  about: [
    'Starts services on a machine with 40 logical CPUs and 64 KiB pages, each in a cgroup of its own, which uses each cache for a few objects on a CPU or two. Compared are 5.5 and 5.5 with the patchset.',
    'Before, each (service, cache, CPU) has a slab of its own, whatever it needs; with the patchset all share some.',
  ],
  parameters: [
    { name: 'services', about: 'cgroups with a service', value: 100, least: 1, most: 10_000 },
    { name: 'visited', about: 'CPUs on which a service uses a cache', value: 2.1, least: 1, most: 40, fraction: true },
    { name: 'root', about: 'pages of slab of the root cgroup', value: 7000, least: 1, most: 1_000_000 },
  ],
  claims: CLAIMS['host-slab'],
  measure,
}
