/** Removed cgroups whose page cache stays: zombies up to 7.0, tax on the parent from 7.1 on (seed 004's outcome). */

import { measureZombies } from '../engine/zombiemetrics.ts'
import { keepingBytes } from '../engine/zombies.ts'
import type { KernelId } from '../profiles/features.ts'
import { seconds } from '../units.ts'
import { atLeast, claim, exactly, times } from './claims.ts'
import type { Band, Experiment, Findings, ParameterValues, Surroundings } from './experiment.ts'
import { Lab } from './lab.ts'

const KERNELS = ['6.18', '7.1'] as const satisfies readonly KernelId[]

/** What a cgroup leaves behind, in pages. */
const CACHED = 16
const SHARED = 4

/** All the children, and P. */
const withParent = ({ rounds }: ParameterValues): Band => exactly(rounds! + 1)

type Points = readonly (readonly [number, number])[]

interface Run {
  readonly values: Readonly<Record<string, number>>
  readonly zombies: Points
  readonly taxed: Points
}

function play(kernel: KernelId, { parameters, progress }: Surroundings): Run {
  const { rounds } = parameters as { rounds: number }
  const lab = new Lab({ kernel, cpus: 4 })
  lab.mkdir('/p')
  lab.write('/p/cgroup.subtree_control', '+memory')
  const zombies: [number, number][] = [[0, 0]]
  const taxed: [number, number][] = [[0, 0]]
  for (let round = 1; round <= rounds; round++) {
    lab.mkdir('/p/c')
    lab.do('/p/c', 'task t bare', `file f${round} ${CACHED}p`, `read t f${round} 0 ${CACHED}p`)
    lab.do('/p/c', `file s${round} ${SHARED}p fs=tmpfs`, `write t s${round} 0 ${SHARED}p`, 'exit t')
    lab.rmdir('/p/c')
    lab.advance(seconds(1))
    zombies.push([round, lab.readKey('/p/cgroup.stat', 'nr_dying_descendants')])
    taxed.push([round, measureZombies(lab.engine).values.parent_tax_pages])
    progress(`kernel ${kernel}, round ${round} of ${rounds}`)
  }
  const { engine } = lab
  const kept = engine.memcgs.reduce((bytes, m) => bytes + (m === null || m.online ? 0 : keepingBytes(engine, m)), 0)
  const file = lab.readKey('/p/memory.stat', 'file')
  const tax = measureZombies(engine).values.parent_tax_pages
  lab.rmdir('/p')
  lab.settle()
  const dying = lab.readKey('/cgroup.stat', 'nr_dying_descendants')
  const stuck = measureZombies(engine).values.root_stuck_pages
  const values = { zombies: zombies.at(-1)![1], kept, file, tax, dying, stuck }
  return {
    values: Object.fromEntries(Object.entries(values).map(([name, value]) => [`${name}-${kernel}`, value])),
    zombies,
    taxed,
  }
}

function measure(around: Surroundings): Findings {
  const runs = KERNELS.map(kernel => ({ kernel, ...play(kernel, around) }))
  return {
    values: Object.assign({}, ...runs.map(({ values }) => values)),
    figure: {
      title: 'Page cache of removed cgroups, before and after LRU reparenting',
      panels: [
        {
          kind: 'lines',
          title: 'Removed and still there',
          x: 'rounds',
          y: 'nr_dying_descendants of the parent',
          series: runs.map(({ kernel, zombies }) => ({ name: `kernel ${kernel}`, points: zombies })),
        },
        {
          kind: 'lines',
          title: 'Left to the parent',
          x: 'rounds',
          y: 'pages charged to it that came from removed cgroups',
          series: runs.map(({ kernel, taxed }) => ({ name: `kernel ${kernel}`, points: taxed })),
        },
      ],
    },
  }
}

export const lruReparenting: Experiment = {
  name: 'lru-reparenting',
  summary: 'page cache keeps a removed cgroup alive on 6.18; on 7.1 it goes to the parent, and in the end to the root',
  thread: 'mm: LRU reparenting, M. Song and Q. Zheng, merged for 7.1: what became of seed 004',
  about: [
    'Makes a cgroup below P, has a task in it read a file and write shared memory, ends the task and removes the cgroup, once a second; the pages stay cached. On 6.18 every page holds a reference on its cgroup. On 7.1 the lists of the cgroup are handed to P, whose counters included them all along: memory.stat of P says the same on both.',
    'Then P is removed, too. On 6.18 a whole tree of zombies hangs below the root, on 7.1 the pages belong to the root, where no limit holds and nobody is left to ask whose they were.',
    'On a mount: the same with mkdir, .memcgfs/do and rmdir; cat .memcgfs/zombies .memcgfs/zombie_stat. --with zombie=none makes 7.1 as it was before.',
  ],
  parameters: [{ name: 'rounds', about: 'cgroups made and removed', value: 100, least: 1, most: 10_000 }],
  claims: [
    claim('zombies-6.18', 'zombies below P on 6.18', 'cgroups', '', times(1, 'rounds')),
    claim('zombies-7.1', 'zombies below P on 7.1', 'cgroups', '', exactly(0)),
    claim('kept-6.18', 'their own structures on 6.18', 'bytes', '', atLeast(1)),
    claim('kept-7.1', 'their own structures on 7.1', 'bytes', '', exactly(0)),
    claim('tax-6.18', 'pages P pays for itself on 6.18', 'pages', '', exactly(0)),
    claim('tax-7.1', 'pages P pays for itself on 7.1', 'pages', '', times(CACHED + SHARED, 'rounds')),
    claim('file-6.18', 'memory.stat of P on 6.18: file', 'bytes', '', times((CACHED + SHARED) * 4096, 'rounds')),
    claim('file-7.1', 'memory.stat of P on 7.1: file', 'bytes', '', times((CACHED + SHARED) * 4096, 'rounds')),
    claim('dying-6.18', 'zombies below the root once P is removed, 6.18', 'cgroups', '', withParent),
    claim('dying-7.1', 'zombies below the root once P is removed, 7.1', 'cgroups', '', exactly(0)),
    claim('stuck-6.18', 'pages of nobody at the root, 6.18', 'pages', '', exactly(0)),
    claim('stuck-7.1', 'pages of nobody at the root, 7.1', 'pages', '', times(CACHED + SHARED, 'rounds')),
  ],
  measure,
}
