/**
 * Slab statistics of a parent after many removed children (seed 000; E11 and E13 of slab-kmem.md §13).
 */
import { readStat, STAT } from '../engine/vmstat.ts'
import type { KernelId } from '../profiles/features.ts'
import type { Cpu, Pages } from '../units.ts'
import { CLAIMS } from './claims.ts'
import type { Experiment, Findings, Surroundings } from './experiment.ts'
import type { Series } from './figure/figure.ts'
import { Lab, settledStat } from './lab.ts'

const CPUS = 4
const KERNELS: readonly KernelId[] = ['5.2', '5.3', '5.5']

/** What a child does with pages of slab before and after it is removed. */
interface Churn {
  readonly id: string
  readonly about: string
  /** By CPU: pages that the child allocates. */
  readonly allocated: readonly Pages[]
  /** By CPU: pages freed after rmdir. Together as many. */
  readonly freed: readonly Pages[]
}

const CHURNS: readonly Churn[] = [
  { id: 'home', about: 'freed where allocated', allocated: [10, 20, 5, 31], freed: [10, 20, 5, 31] },
  { id: 'away', about: 'freed on other CPUs', allocated: [33, 0, 0, 0], freed: [0, 17, 16, 0] },
]

interface Outcome {
  /** What memory.stat of the parent shows. */
  readonly shown: Pages
  /** That, with what the CPUs still hold for the parent: the error that stays. */
  readonly error: Pages
  /** Shown after each of some rounds. */
  readonly history: readonly (readonly [number, number])[]
}

function churn(kernel: KernelId, { allocated, freed }: Churn, rounds: number, around: Surroundings): Outcome {
  const lab = new Lab({ kernel, cpus: CPUS, with: { cache_create_bypass: 0 } })
  lab.mkdir('/p')
  lab.write('/p/cgroup.subtree_control', '+memory')
  const parent = lab.memcg('/p')
  const history: [number, number][] = [[0, 0]]
  const every = Math.ceil(rounds / 100)
  for (let round = 1; round <= rounds; round++) {
    oneChild(lab, allocated, freed)
    if (round % every === 0) {
      history.push([round, readStat(lab.engine, parent, STAT.slab_reclaimable)])
      around.progress(`kernel ${kernel}, round ${round} of ${rounds}`)
    }
  }
  const shown = readStat(lab.engine, parent, STAT.slab_reclaimable)
  return { shown, error: settledStat(lab.engine, parent, STAT.slab_reclaimable), history }
}

/** One child, whose slabs are full: so many pages of dentries on each CPU. */
function oneChild(lab: Lab, allocated: readonly Pages[], freed: readonly Pages[]): void {
  lab.mkdir('/p/c')
  const memcg = lab.memcg('/p/c')
  const cache = lab.cache('dentry')
  const { objects, order } = cache.geometry
  const perPage = objects / 2 ** order
  const groups = allocated.map((pages, cpu: Cpu) => lab.take(cache, pages * perPage, { memcg, cpu }))
  lab.rmdir('/p/c')
  lab.settle()
  for (const [cpu, pages] of freed.entries()) {
    for (let left = pages * perPage; left > 0; ) {
      const group = groups.find(each => each.count > 0 && (freed !== allocated || each === groups[cpu]))!
      const now = Math.min(left, group.count)
      lab.free(group, cpu, now)
      left -= now
    }
  }
  lab.settle()
}

function measure(around: Surroundings): Findings {
  const rounds = around.parameters.rounds!
  const values: Record<string, number> = {}
  const series: Record<string, Series[]> = { home: [], away: [] }
  for (const each of CHURNS) {
    for (const kernel of KERNELS) {
      const { shown, error, history } = churn(kernel, each, rounds, around)
      values[`${each.id}-${kernel}`] = error
      if (each.id === 'home') values[`shown-${kernel}`] = shown
      series[each.id]!.push({ name: `kernel ${kernel}`, points: history })
    }
  }
  return {
    values,
    remarks: ['The truth is 0 throughout: every page that a child allocated is free again at the end of its round.'],
    figure: {
      title: 'slab_reclaimable of a parent whose removed children have given everything back',
      panels: CHURNS.map(({ id, about }) => ({
        kind: 'lines',
        title: `Pages ${about}`,
        x: 'children removed',
        y: 'pages shown; the truth is 0',
        series: series[id]!,
      })),
    },
  }
}

export const percpuFlush: Experiment = {
  name: 'percpu-flush',
  summary: 'slab counters of a parent drift with every removed child on 5.3, and no longer on 5.5',
  thread: 'mm: memcg/slab: fix percpu slab vmstats flushing, R. Gushchin, December 2019 (seed 000)',
  about: [
    'Makes a cgroup below P, lets it allocate 10, 20, 5 and 31 slab pages on four CPUs, removes it, frees the pages on the same CPUs; again and again. On 5.3 the CPUs’ residues of the child are added to P when it goes offline and once more when it is freed: 66 pages too many each time. 5.5 adds them once.',
    'The second churn allocates 33 pages on one CPU and frees them on two others: 5.2 shows the 33 and loses what takes them back, because it drops the residues of a freed cgroup.',
    'On a mount: memcgfs mount DIR --kernel 5.3 --with cache_create_bypass=0, the same with mkdir, lookup and rmdir, then grep slab_reclaimable memory.stat; --with slab_flush_at_offline=none is the fix alone.',
  ],
  parameters: [{ name: 'rounds', about: 'children made and removed', value: 1000, least: 1, most: 100_000 }],
  claims: CLAIMS['percpu-flush'],
  measure,
}
