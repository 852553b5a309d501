/**
 * A stream of kernel objects in a cgroup with page cache, and a limit: the scenarios of charge-reclaim.md §4.4, on the
 * kernel of the thread with each of its answers (seed 002).
 */
import { assert } from '../assert.ts'
import { chargePages } from '../engine/charge.ts'
import { usage } from '../engine/counter.ts'
import { GFP_NOWAIT } from '../engine/gfp.ts'
import { returnToUser } from '../engine/high.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { stocked } from '../engine/stock.ts'
import { isErrno } from '../errno.ts'
import type { Pages } from '../units.ts'
import { Lab, type Taker } from './lab.ts'

const CPU = 0
const PAGE = 4096
/** kmalloc(1 KiB), 16384 times: 4096 pages. */
const OBJECT_BYTES = 1024
export const OBJECTS = 16_384

export type SlabCharge = 'none' | 'with-wait' | 'task-work' | 'both' | 'watermark'

export interface Scenario {
  readonly high: Pages | 'max'
  readonly max: Pages
  /** Clean page cache before the stream. */
  readonly cache: Pages
  /** On two nodes with SLAB, objects of the node that is not the task's; else on one with SLUB and slabs of 8 pages. */
  readonly numa: boolean
  /** Single pages that are asked for at the end of the stream by something that cannot wait. */
  readonly nowait: number
}

export const SCENARIOS = {
  A: { high: 4608, max: 16_384, cache: 4096, numa: false, nowait: 0 },
  B: { high: 'max', max: 8192, cache: 6144, numa: false, nowait: 0 },
  C: { high: 'max', max: 8192, cache: 6144, numa: true, nowait: 0 },
  D: { high: 6144, max: 8192, cache: 6000, numa: false, nowait: 256 },
} as const satisfies Record<string, Scenario>

/** How it is played. */
export interface Play {
  readonly charge: SlabCharge
  /** Objects per system call: after each the task returns to user space. All: it stays in the kernel. */
  readonly perCall: number
}

/** What the files say at one moment. */
export interface Moment {
  readonly usage: Pages
  readonly stock: Pages
  readonly cache: Pages
  readonly high: number
  readonly max: number
}

export interface Outcome {
  /** At the end of the stream; the task is in the kernel still if it is one call. */
  readonly end: Moment
  /** Of the requests that cannot wait, which come now. */
  readonly refused: number
  /** The task is back in user space. */
  readonly after: Moment
  /** The lines of slab_debug at the end of the stream. */
  readonly debug: Readonly<Record<string, number>>
  /** Objects so far, and the usage then. */
  readonly points: readonly (readonly [number, Pages])[]
}

/** How many points the plot has. */
const SAMPLES = 128

export function play(scenario: Scenario, { charge, perCall }: Play): Outcome {
  const lab = machineFor(scenario, charge)
  const m = lab.memcg('/a')
  const mm = lab.mm('t')
  const who: Taker = { memcg: m, cpu: CPU, mm, node: scenario.numa ? 1 : 0 }
  const points: [number, Pages][] = [[0, used(lab, m)]]
  const cache = lab.cache('k1')
  const step = OBJECTS / SAMPLES
  for (let done = step; done <= OBJECTS; done += step) {
    lab.take(cache, step, who)
    points.push([done, used(lab, m)])
    if (perCall < OBJECTS && done % perCall === 0) returnToUser(lab.engine, mm, CPU)
  }
  const now = (): Moment => ({
    usage: used(lab, m),
    stock: stocked(lab.engine, m, CPU),
    cache: scenario.cache - lab.engine.reclaimed,
    high: event(lab, 'high'),
    max: event(lab, 'max'),
  })
  const end = now()
  const debug = debugOf(lab)
  const refused = countRefused(lab, m, scenario.nowait)
  returnToUser(lab.engine, mm, CPU)
  return { end, refused, after: now(), debug, points }
}

/** A cgroup with its page cache, charged to the last page: nothing is in the stock. */
function machineFor({ high, max, cache, numa }: Scenario, charge: SlabCharge): Lab {
  const machine = numa ? { allocator: 'slab', nodes: 2 } : {}
  const lab = new Lab({
    kernel: '4.3',
    cpus: 1,
    with: { slab_charge: charge, cache_create_bypass: 0, reclaim: 'ideal', swap: 0, ...machine },
  })
  const layout = numa ? 'order=0 per_slab=4' : 'order=3 min_order=0 per_slab=32'
  lab.mkdir('/a')
  lab.write('/a/memory.max', String(max * PAGE))
  lab.do(
    '/a',
    `cache k1 ${OBJECT_BYTES} ${layout} account`,
    `task t bare cpu=${CPU}`,
    `file f ${cache}p`,
    `read t f 0 ${cache}p`,
  )
  // The charge of the last batch may have been for more than the cache.
  lab.do('/a', 'drain-stocks /a')
  if (high !== 'max') lab.write('/a/memory.high', String(high * PAGE))
  assert(used(lab, lab.memcg('/a')) === cache, 'the cgroup holds its page cache and nothing else')
  return lab
}

const used = ({ engine }: Lab, m: MemCgroup): Pages => usage(engine.counters, m.memory)

const event = (lab: Lab, name: string): number => lab.readKey('/a/memory.events', name)

function debugOf(lab: Lab): Record<string, number> {
  const lines = lab.read('/a/.memcgfs/slab_debug').trimEnd().split('\n')
  return Object.fromEntries(lines.map(line => line.split(' ')).map(([key, value]) => [key, Number(value)]))
}

function countRefused({ engine }: Lab, m: MemCgroup, requests: number): number {
  let refused = 0
  for (let i = 0; i < requests; i++) if (isErrno(chargePages(engine, m, 1, GFP_NOWAIT, CPU, null))) refused++
  return refused
}
