/** A kernel build in one cgroup of a machine with 64 KiB pages: its kernel memory at the peak (slab-kmem.md §12.3). */
import type { KernelObjects } from '../engine/kmem.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { below, chance, type Rng, roundByChance } from '../rng.ts'
import type { Cpu, Pages } from '../units.ts'
import { CLAIMS } from './claims.ts'
import type { Experiment, Findings, ParameterValues, Surroundings } from './experiment.ts'
import { TASK_OBJECTS } from './fleet.ts'
import { CPUS, Power8, SIDE_NAMES, SIDES, type Side } from './power8.ts'

/** Inodes and log items of the file system there. */
const INODE = 960
const LOG_ITEM = 184

const OTHER_PAGES: Pages = 150

/** Other sizes of the machine, to see which way it goes. */
const MACHINES: readonly number[] = [20, 40, 80]

interface Build {
  readonly machine: Power8
  readonly memcg: MemCgroup
  readonly rng: Rng
  readonly cpus: number
  /** What files leave cached. */
  readonly cached: KernelObjects[]
}

/** A process of the build: its objects, and inodes it looks up. */
function startProcess({ machine, memcg, rng, cpus, cached }: Build, operations: number): [KernelObjects[], Cpu] {
  const cpu = below(rng, cpus)
  const { lab } = machine
  const taker = { memcg, cpu }
  const own = machine.startThread(taker)
  for (const [kind, count] of TASK_OBJECTS)
    if (kind !== 'task_struct') own.push(lab.take(machine.cache(kind), count, taker))
  const files: readonly (readonly [string, number])[] = [
    ['dentry', 2],
    ['inode_power8', 1],
    ['radix_tree_node', 1],
    ['log_item', 0.5],
  ]
  for (const [kind, each] of files) {
    const count = roundByChance(rng, operations * each)
    if (count > 0) cached.push(lab.take(machine.cache(kind), count, taker))
  }
  return [own, cpu]
}

/** The peak of kernel memory of the whole build. */
function build(side: Side, parameters: ParameterValues, rng: Rng, cpus: number): Pages {
  const { jobs, processes, operations, drop } = parameters as Record<
    'jobs' | 'processes' | 'operations' | 'drop',
    number
  >
  const machine = new Power8(side, cpus)
  const { lab } = machine
  lab.addCache('inode_power8', INODE)
  lab.addCache('log_item', LOG_ITEM)
  const work: Build = { machine, memcg: machine.mkdir('build'), rng, cpus, cached: [] }
  lab.takePages(0, OTHER_PAGES, { memcg: work.memcg, cpu: 0 })
  const running: [KernelObjects[], Cpu][] = []
  for (let started = 0; started < processes; started++) {
    if (running.length === jobs) {
      const [own, cpu] = running.splice(below(rng, jobs), 1)[0]!
      for (const objects of own) lab.free(objects, cpu)
    }
    running.push(startProcess(work, operations / processes))
  }
  for (const objects of work.cached) dropSome(work, objects, drop)
  return lab.kmemPeak(work.memcg)
}

/** Drops names and inodes one by one, at random. */
function dropSome({ machine, rng, cpus }: Build, objects: KernelObjects, drop: number): void {
  const cpu = below(rng, cpus)
  for (let left = objects.count; left > 0; left--) {
    const one = machine.lab.split(objects, 1)
    if (chance(rng, drop)) machine.lab.free(one, cpu)
  }
}

function measure({ parameters, chance: stream, progress }: Surroundings): Findings {
  const peaks = (cpus: number): Record<Side, Pages> => {
    const [old, patched] = SIDES.map(side => {
      progress(`${cpus} CPUs, ${SIDE_NAMES[side]}`)
      return build(side, parameters, stream('build'), cpus)
    })
    return { old: old!, new: patched! }
  }
  const machines = MACHINES.map(cpus => ({ cpus, found: peaks(cpus) }))
  const saved = (cpus: number): number => {
    const { found } = machines.find(each => each.cpus === cpus)!
    return 100 * (1 - found.new / found.old)
  }
  const main = machines.find(({ cpus }) => cpus === CPUS)!.found
  return {
    values: {
      old: main.old,
      new: main.new,
      reduction: saved(CPUS),
      'reduction-20': saved(20),
      'reduction-80': saved(80),
    },
    figure: {
      title: 'Kernel memory of a kernel build at its peak',
      panels: [
        {
          kind: 'bars',
          title: 'Peak of memory.kmem.usage_in_bytes by the size of the machine',
          y: 'pages of 64 KiB',
          bars: SIDES.map(side => SIDE_NAMES[side]),
          groups: machines.map(({ cpus, found }) => ({
            name: `${cpus} CPUs`,
            values: SIDES.map(side => found[side]),
          })),
        },
      ],
    },
  }
}

export const kernelBuild: Experiment = {
  name: 'kernel-build',
  summary: 'kernel memory of a kernel build in one cgroup, on 64 KiB pages',
  thread: 'The new cgroup slab memory controller, measurements of B. Rao, January 2020 (seed 003)',
  about: [
    'make -j64 in one cgroup of a machine with 40 logical CPUs and 64 KiB pages: processes come and go on all CPUs, and what they look up stays cached. Compared are 5.5 and 5.5 with the patchset, at the peak of kernel memory.',
    'Most of it is names and inodes, which fill their slabs on either side. What is saved is the slabs that each CPU keeps of each cache for this one cgroup: more with more CPUs.',
  ],
  parameters: [
    { name: 'jobs', about: 'processes at a time', value: 64, least: 1, most: 10_000 },
    { name: 'processes', about: 'processes altogether', value: 3000, least: 1, most: 1_000_000 },
    { name: 'operations', about: 'inodes that are looked up or made', value: 120_000, least: 1, most: 10_000_000 },
    { name: 'drop', about: 'share of them dropped in the end', value: 0.9, least: 0, most: 1, fraction: true },
  ],
  claims: CLAIMS['kernel-build'],
  measure,
}
