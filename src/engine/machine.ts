/**
 * The simulated computer and the choices of the model: what a kernel generation does not decide (profiles.md §4).
 */
import { type Bytes, type Cpu, KIB, type Microseconds, type NodeNumber, type Pages } from '../units.ts'

/** Fixed for the life of a kernel. */
export interface Machine {
  readonly cpus: number
  readonly nodes: number
  readonly memory: Bytes
  readonly pageSize: Bytes
  /** Timer ticks per second. */
  readonly hz: number
  /** Which of the two slab allocators the kernel was built with. */
  readonly allocator: 'slub' | 'slab'
  /** Kernel build and boot options: which files and statistics lines exist. */
  readonly zswap: boolean
  readonly psi: boolean
  readonly thp: boolean
  readonly numaBalancing: boolean
  readonly swapAccounting: boolean
  readonly hugetlb: boolean
  readonly irqTime: boolean
}

/** Choices that no kernel has. Changeable while it runs. */
export interface ModelOptions {
  /**
   * The reclaim back end: `classic` has lists, ageing, swap and shrinkers; `ideal` takes what it is asked for from clean
   * file pages, and nothing else (CR §4.3).
   */
  reclaim: 'classic' | 'ideal'
  /** The lists of reclaim: those with two generations. The other kind is not modelled. */
  lru: 'classic'
  /** Mount option of version 2: protection that nobody claims is shared out below (5.7 and later). */
  memoryRecursiveprot: boolean
  /** Writing back takes no time, or `writebackMs`; a flusher comes `flusherMs` after the first page became dirty. */
  writeback: 'instant' | 'timed'
  writebackMs: number
  flusherMs: number
  /** Objects a shrinker of names takes in one go: 128 as any, or 1024 as the kernel's. */
  sbShrinkBatch: number
  /** Tasks own kernel objects: stack, task_struct and so on (workload.md §5). */
  taskOverhead: boolean
  /**
   * Objects of a (cache, cgroup) nobody pays for before the cgroup's copy of the cache exists; `clock`: those that come
   * before its work item has run (workload.md §8.3).
   */
  cacheCreateBypass: number | 'clock'
  /** Object sizes: measured on each kernel, or the reference list of the geometry examples. */
  cacheObjects: 'measured' | 'reference'
  /** Length of an RCU grace period. */
  rcuMs: number
  /** From queueing a work item to its start. */
  workMs: number
  /** From the first pending statistics update to the flush of everything. */
  rstatMs: number
  /** Stall time of reclaim per page it works on, of a page that has to be read again, of one that is swapped in. */
  reclaimUsPerPage: Microseconds
  refaultUs: Microseconds
  swapinUs: Microseconds
  /** With the feature max_watermark: pages kept free below memory.max. */
  watermarkGapPages: Pages
  /** Mount option of version 2: memory.events counts what happens in the cgroup itself, as up to 5.1. */
  memoryLocalevents: boolean
  /** From the kill to the end of a victim of the OOM killer. */
  oomExitMs: number
  /** Pages charged and uncharged on a CPU after which thresholds of version 1 are looked at. */
  thresholdCheck: number
}

/**
 * A kernel stack. It is mapped and charged page by page; where a page is larger, it is an object of its own cache.
 * Kernel: THREAD_SIZE of x86_64 and powerpc64.
 */
export const STACK_BYTES: Bytes = 16 * KIB

/** Bytes rounded up to whole pages. */
export const toPages = (machine: Machine, bytes: Bytes): Pages => Math.ceil(bytes / machine.pageSize)

/** CPUs are dealt out to the nodes in blocks. */
export const nodeOfCpu = ({ cpus, nodes }: Machine, cpu: Cpu): NodeNumber => Math.floor((cpu * nodes) / cpus)
