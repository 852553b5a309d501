/** Removed cgroups whose dentries stay cached: zombies, or not (seed 001). */
import type { KernelId } from '../profiles/features.ts'
import { seconds } from '../units.ts'
import { CLAIMS } from './claims.ts'
import type { Experiment, Findings, Surroundings } from './experiment.ts'
import { Lab } from './lab.ts'

const CPUS = 4
const KERNELS: readonly KernelId[] = ['5.2', '5.3', '5.9', '6.12']

type Points = readonly (readonly [number, number])[]

/** Dying descendants of /p after each round. */
function zombies(kernel: KernelId, { parameters, progress }: Surroundings): Points {
  const { rounds, dentries } = parameters as { rounds: number; dentries: number }
  const lab = new Lab({ kernel, cpus: CPUS })
  lab.mkdir('/p')
  lab.write('/p/cgroup.subtree_control', '+memory')
  const points: [number, number][] = [[0, 0]]
  for (let round = 1; round <= rounds; round++) {
    lab.mkdir('/p/c')
    lab.do('/p/c', 'task t bare', `lookup t ext4 ${dentries} negative`, 'exit t')
    lab.rmdir('/p/c')
    lab.advance(seconds(1))
    points.push([round, lab.readKey('/p/cgroup.stat', 'nr_dying_descendants')])
    progress(`kernel ${kernel}, round ${round} of ${rounds}`)
  }
  return points
}

function measure(around: Surroundings): Findings {
  const runs = KERNELS.map(kernel => ({ kernel, points: zombies(kernel, around) }))
  return {
    values: Object.fromEntries(runs.map(({ kernel, points }) => [`zombies-${kernel}`, points.at(-1)![1]])),
    figure: {
      title: 'Cgroups that are removed and still there',
      panels: [
        {
          kind: 'lines',
          title: 'mkdir, look up some names, rmdir: the names stay cached',
          x: 'rounds',
          y: 'nr_dying_descendants of the parent',
          series: runs.map(({ kernel, points }) => ({ name: `kernel ${kernel}`, points })),
        },
      ],
    },
  }
}

export const reparenting: Experiment = {
  name: 'reparenting',
  summary: 'cached names keep a removed cgroup alive on 5.2; from 5.3 on they go to the parent',
  thread: 'mm: reparent slab memory on cgroup removal, R. Gushchin, May 2019 (seed 001)',
  about: [
    'Makes a cgroup, has a task in it look up names that do not exist, ends the task and removes the cgroup; the names stay cached. Up to 5.2 each slab page of these dentries holds a reference on the cgroup. 5.3 hands the caches to the parent, 5.9 the obj_cgroup that the objects point to.',
    'On a mount: the script of the README with mkdir, .memcgfs/do, rmdir; then grep dying cgroup.stat and cat .memcgfs/zombies.',
  ],
  parameters: [
    { name: 'rounds', about: 'cgroups made and removed', value: 100, least: 1, most: 10_000 },
    { name: 'dentries', about: 'names each of them looks up', value: 100, least: 1, most: 1_000_000 },
  ],
  claims: CLAIMS.reparenting,
  measure,
}
