/**
 * What a removed memcg costs by itself, whatever it is charged. Kernel: structure sizes from debug information of
 * each tree (slab-kmem.md §10); configurations change them by tens of percent.
 */
import type { Bytes } from '../units.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'
import { kmallocSizes } from './slab/caches.ts'
import { copyBytes } from './slab/copies.ts'

/** Allocations of one memcg on one kernel. kmalloc'ed ones are rounded up to their bucket. */
interface MemcgSizes {
  /** struct mem_cgroup with its statistics, struct cgroup. */
  readonly kmalloc: readonly Bytes[]
  /** The same for each node: struct mem_cgroup_per_node. */
  readonly kmallocPerNode: readonly Bytes[]
  /** From caches of exactly that size (6.18). */
  readonly exact: Bytes
  readonly exactPerNode: Bytes
  /** Per-CPU statistics, the per-CPU part of the cgroup's own, per-CPU reference counts; and those of each node. */
  readonly perCpu: Bytes
  readonly perCpuPerNode: Bytes
}

/** The measured trees, as the feature zombie_bytes names them. 88 and 48: struct obj_cgroup, with 8 bytes per CPU. */
const SIZES = {
  '4.3': sizes([1064, 504], [1664], 152 + 16, 0),
  '5.2': sizes([2624, 824], [816], 2 * 936 + 64 + 16, 2 * 240),
  '5.9': sizes([2944, 824, 88], [680], 2 * 1048 + 64 + 16 + 8, 2 * 296),
  '5.15': sizes([3904, 784, 48], [1008], 2168 + 64 + 16 + 8, 624),
  '6.1': sizes([2176, 1040, 1792, 48], [2560], 1064 + 64 + 16 + 8, 688),
  '6.12': sizes([1728, 1448, 2304, 48], [1920, 744], 1024 + 144 + 16 + 8, 496),
  '6.19': { ...sizes([1616, 1152, 48], [768], 1152 + 160 + 16 + 8, 512), exact: 2240, exactPerNode: 1664 },
} as const satisfies Record<Engine['features']['zombieBytes'], MemcgSizes>

function sizes(
  kmalloc: readonly Bytes[],
  kmallocPerNode: readonly Bytes[],
  perCpu: Bytes,
  perCpuPerNode: Bytes,
): MemcgSizes {
  return { kmalloc, kmallocPerNode, exact: 0, exactPerNode: 0, perCpu, perCpuPerNode }
}

/** Bytes of the structures of one memcg, without its copies of caches. */
export function memcgBytes({ features, machine }: Engine): Bytes {
  const { kmalloc, kmallocPerNode, exact, exactPerNode, perCpu, perCpuPerNode } = SIZES[features.zombieBytes]
  const { cpus, nodes } = machine
  const buckets = kmallocSizes(machine)
  const rounded = (bytes: readonly Bytes[]): Bytes =>
    bytes.reduce((sum, each) => sum + buckets.find(bucket => bucket >= each)!, 0)
  return (
    exact +
    rounded(kmalloc) +
    nodes * (exactPerNode + rounded(kmallocPerNode)) +
    cpus * (perCpu + nodes * perCpuPerNode)
  )
}

/** What it costs to keep `m`, about: its own structures and those of the caches it owns. */
export const keepingBytes = (e: Engine, m: MemCgroup): Bytes =>
  memcgBytes(e) + (m.caches?.owned.size ?? 0) * copyBytes(e)
