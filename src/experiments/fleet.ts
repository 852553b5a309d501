/**
 * A host full of containers, drawn from a seed (slab-kmem.md §12.1): each makes tasks and works on files, some are
 * restarted in a new cgroup, and of what a removed one leaves cached some survives.
 */
import type { KernelObjects } from '../engine/kmem.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { below, chance, normal, type Rng, roundByChance, runLength } from '../rng.ts'
import type { Cpu } from '../units.ts'
import type { Lab, Taker } from './lab.ts'

/** What one task holds. Bytes stand for an accounted kmalloc of that size. */
export const TASK_OBJECTS: readonly (readonly [cache: string | number, count: number])[] = [
  ['task_struct', 1],
  ['vm_area_struct', 60],
  ['anon_vma', 20],
  ['anon_vma_chain', 35],
  ['filp', 25],
  ['cred_jar', 3],
  ['pid', 1],
  ['signal_cache', 1],
  ['sighand_cache', 1],
  ['files_cache', 1],
  ['mm_struct', 1],
  ['fs_cache', 1],
  [64, 6],
  [192, 4],
  [256, 2],
  [512, 2],
  [1024, 2],
  [2048, 1],
  [32, 8],
  ['sock_inode_cache', 2],
  ['proc_inode_cache', 2],
]

/** What one operation on files leaves cached, on average. */
const FILE_OBJECTS: readonly (readonly [cache: string | number, mean: number])[] = [
  ['dentry', 1],
  ['ext4_inode_cache', 0.45],
  ['radix_tree_node', 0.35],
  ['buffer_head', 1.2],
  [96, 0.1],
]

export interface FleetShape {
  readonly cpus: number
  /** Containers at a time. */
  readonly slots: number
  /** How often each is started, every time in a new cgroup. */
  readonly restarts: number
  /** Share of the cached runs of a removed container that survive it. */
  readonly survive: number
  /** Share of the cached runs of a container that is still there which have been freed meanwhile. */
  readonly turn: number
  /** Probability that a task goes on on another CPU after a burst. */
  readonly move: number
  /** Operations on files of a median container, and the operations of one burst. */
  readonly operations: number
  readonly burst: number
  /** Objects freed together. */
  readonly run: number
}

/** Draws happen in this order whatever kernel plays them: the same seed gives every kernel the same workload. */
export interface Fleet {
  readonly lab: Lab
  readonly shape: FleetShape
  readonly rng: Rng
  /** Kernel memory is charged to the containers. */
  readonly accounted: boolean
}

/** A started container. `groups` are in the order they were made. */
export interface Container {
  readonly path: string
  /** Number of the container among all that were ever started. */
  readonly number: number
  readonly tasks: KernelObjects[]
  files: Burst[]
}

/** What operations on files in a row have left cached. */
export interface Burst {
  readonly groups: readonly KernelObjects[]
}

const cacheOf = (lab: Lab, cache: string | number) =>
  typeof cache === 'string' ? lab.cache(cache) : lab.kmalloc(cache)

/** Takes everything one task holds. */
export function startTask(lab: Lab, taker: Taker): KernelObjects[] {
  return TASK_OBJECTS.map(([cache, count]) => lab.take(cacheOf(lab, cache), count, taker))
}

/** What a slot runs: whenever it is restarted, the same again. */
interface Job {
  readonly tasks: number
  /** Operations on files. */
  readonly operations: number
}

const drawJob = ({ rng, shape }: Fleet): Job => ({
  tasks: Math.max(1, Math.round(3 * Math.exp(normal(rng)))),
  operations: Math.round(shape.operations * Math.exp(1.5 * normal(rng))),
})

/** Starts a container and lets it work. */
function startContainer({ lab, shape, rng, accounted }: Fleet, { tasks, operations }: Job, number: number): Container {
  const path = `/c${number}`
  lab.mkdir(path)
  const memcg = accounted ? lab.memcg(path) : null
  const container: Container = { path, number, tasks: [], files: [] }
  for (let task = 0; task < tasks; task++) {
    const share = Math.floor(operations / tasks) + (task < operations % tasks ? 1 : 0)
    const cpu = below(rng, shape.cpus)
    container.tasks.push(...startTask(lab, { memcg, cpu }))
    workOnFiles(lab, shape, rng, memcg, cpu, share, container.files)
  }
  return container
}

function workOnFiles(
  lab: Lab,
  shape: FleetShape,
  rng: Rng,
  memcg: MemCgroup | null,
  start: Cpu,
  operations: number,
  into: Burst[],
): void {
  let cpu = start
  for (let left = operations; left > 0; ) {
    const burst = Math.min(left, runLength(rng, shape.burst))
    const counts = FILE_OBJECTS.map(([cache, mean]) => ({ cache, count: roundByChance(rng, burst * mean) }))
    const made = counts.filter(({ count }) => count > 0)
    into.push({ groups: made.map(({ cache, count }) => lab.take(cacheOf(lab, cache), count, { memcg, cpu })) })
    left -= burst
    if (chance(rng, shape.move)) cpu = below(rng, shape.cpus)
  }
}

/**
 * Frees what is cached in runs of objects that were made one after the other, each run with a probability; what
 * survives stays, in order. Objects of a burst lie evenly mixed, as the operations made them; one CPU frees them all.
 */
function freeRuns({ lab, shape, rng }: Fleet, bursts: readonly Burst[], probability: number): Burst[] {
  const kept: Burst[] = []
  const cpu = below(rng, shape.cpus)
  for (const { groups } of bursts) {
    const counts = groups.map(({ count }) => count)
    const all = counts.reduce((sum, count) => sum + count, 0)
    for (let from = 0; from < all; ) {
      const to = Math.min(all, from + runLength(rng, shape.run))
      const shares = counts.map(count => Math.round((to * count) / all) - Math.round((from * count) / all))
      if (chance(rng, probability)) {
        for (const [i, share] of shares.entries()) lab.free(groups[i]!, cpu, share)
      } else kept.push({ groups: groups.map((group, i) => lab.split(group, shares[i]!)) })
      from = to
    }
  }
  return kept
}

/** The container ends: its tasks are gone, and of its cached files some survive its cgroup. */
function endContainer(fleet: Fleet, container: Container): void {
  const { lab, rng, shape } = fleet
  const cpu = below(rng, shape.cpus)
  for (const group of container.tasks) lab.free(group, cpu)
  container.files = freeRuns(fleet, container.files, 1 - shape.survive)
  lab.rmdir(container.path)
  lab.settle()
}

/** Runs the whole host, slot by slot; the containers that were ever started, ended ones included. */
export function runFleet(fleet: Fleet, progress: (started: number, all: number) => void): Container[] {
  const { slots, restarts, turn } = fleet.shape
  const all: Container[] = []
  for (let slot = 0; slot < slots; slot++) {
    const job = drawJob(fleet)
    for (let start = 0; start < restarts; start++) {
      const container = startContainer(fleet, job, all.length)
      all.push(container)
      if (start < restarts - 1) endContainer(fleet, container)
      else container.files = freeRuns(fleet, container.files, turn)
      progress(all.length, slots * restarts)
    }
  }
  fleet.lab.settle()
  return all
}
