/** What memory.min and memory.low leave to siblings under pressure: the tree of the kernel's own test. */
import type { KernelId } from '../profiles/features.ts'
import type { Experiment, Findings, Surroundings } from './experiment.ts'
import type { BarsPanel } from './figure/figure.ts'
import { Lab } from './lab.ts'
import { NOW, PROTECTION_CLAIMS, THEN } from './protection-claims.ts'

const MIB = 2 ** 20

/** What each of them claims of the 50 MiB of /a/b; the first three have 50 MiB of page cache. */
const CLAIMS = { c: 75, d: 25, e: 0, f: 500 } as const
type Child = keyof typeof CLAIMS
const WITH_CACHE: readonly Child[] = ['c', 'd', 'e']
const CHILDREN = Object.keys(CLAIMS) as readonly Child[]

/** The tree of test_memcg_protection, protected by memory.min or memory.low. */
function treeOn(kernel: KernelId, setting: 'min' | 'low'): Lab {
  const lab = new Lab({ kernel, cpus: 1, with: { swap: 0 } })
  lab.mkdir('/a')
  lab.write('/a/memory.max', '200M')
  lab.write('/a/cgroup.subtree_control', '+memory')
  for (const path of ['/a/b', '/a/g']) lab.mkdir(path)
  lab.write('/a/b/cgroup.subtree_control', '+memory')
  for (const child of CHILDREN) lab.mkdir(`/a/b/${child}`)
  for (const child of WITH_CACHE)
    lab.do(`/a/b/${child}`, `task ${child} bare`, `file ${child} 50M`, `read ${child} ${child} 0 50M`)
  lab.write(`/a/b/memory.${setting}`, '50M')
  for (const child of CHILDREN) lab.write(`/a/b/${child}/memory.${setting}`, `${CLAIMS[child]}M`)
  return lab
}

const usage = (lab: Lab, path: string): number => Number(lab.read(`${path}/memory.current`)) / MIB
const rounded = (mib: number): number => Math.round(mib * 10) / 10

/** Siblings take 148 MiB of the 200, then 170: more than is left beside what is protected. */
function play(kernel: KernelId, setting: 'min' | 'low'): Record<string, number> {
  const lab = treeOn(kernel, setting)
  const values: Record<string, number> = {}
  lab.do('/a/g', 'task g bare', 'anon g heap 148M')
  for (const child of WITH_CACHE) values[`${child}-${setting}-${kernel}`] = rounded(usage(lab, `/a/b/${child}`))
  values[`b-${setting}-${kernel}`] = rounded(usage(lab, '/a/b'))
  lab.do('/a/g', '- anon g more 22M')
  values[`then-b-${setting}-${kernel}`] = rounded(usage(lab, '/a/b'))
  values[`then-oom-${setting}-${kernel}`] = lab.readKey('/a/g/memory.events', 'oom_kill')
  if (setting === 'low')
    for (const child of CHILDREN)
      values[`then-events-${child}-${setting}-${kernel}`] = lab.readKey(`/a/b/${child}/memory.events`, 'low')
  return values
}

/** memory.min is younger than the tree (4.18); memory.low of before knows no shares. */
const KERNELS: readonly KernelId[] = Object.keys(NOW) as KernelId[]

function measure({ progress }: Surroundings): Findings {
  const values: Record<string, number> = {}
  for (const kernel of KERNELS)
    for (const setting of ['min', 'low'] as const) {
      progress(`memory.${setting} on ${kernel}`)
      Object.assign(values, play(kernel, setting))
    }
  const panel = (title: string, ids: Readonly<Record<string, string>>): BarsPanel => ({
    kind: 'bars',
    title,
    y: 'MiB',
    bars: Object.keys(ids),
    groups: KERNELS.map(kernel => ({
      name: kernel,
      values: Object.values(ids).map(id => values[`${id}-${kernel}`]!),
    })),
  })
  return {
    values,
    remarks: [
      'Up to 5.6 who uses more than he claims has no part in what siblings claim together; since 5.7 he has one as large as his claim. That, and scanning in proportion to what is not protected (5.4), is the difference between 33 and 29 MiB.',
      `What the test does with memory.reclaim afterwards is not played here.`,
    ],
    figure: {
      title: 'Protection among siblings on simulated kernels',
      panels: [
        panel('148 MiB beside 50 MiB that are protected', {
          'C, claims 75': 'c-min',
          'D, claims 25': 'd-min',
          'E, claims 0': 'e-min',
        }),
        panel('170 MiB: what is left of the 50', { 'memory.min': 'then-b-min', 'memory.low': 'then-b-low' }),
      ],
    },
  }
}

export const protection: Experiment = {
  name: 'protection',
  summary: "memory.min and memory.low among siblings: the tree of the kernel's own test",
  thread: 'tools/testing/selftests/cgroup/test_memcontrol.c, test_memcg_protection; memcg_protection.m (6.12)',
  about: [
    '/a has 200 MiB, /a/b is protected with 50 of them; its children C, D, E and F claim 75, 25, 0 and 500 MiB. C, D and E have 50 MiB of page cache each, F nothing.',
    `A sibling of /a/b takes 148 MiB of anonymous memory, without swap: the children give up page cache until 50 MiB are left (${THEN}).`,
    'What C and D keep is not what they claim of 50 MiB, but where reclaim comes to rest.',
  ],
  parameters: [],
  claims: PROTECTION_CLAIMS,
  measure,
}
