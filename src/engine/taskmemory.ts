/**
 * The kernel memory a task costs: its stack, its objects, its first page table (workload.md §5).
 * Charged to the memcg it is made in, and freed when it is gone. Kernel: kernel/fork.c.
 */
import { type Cpu, KIB, type NodeNumber, type Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { GFP_KERNEL } from './gfp.ts'
import { freeKernelObjects, freeKernelPages, type KernelObjects, type KernelPages, payerOf } from './kmem.ts'
import { allocKernelObjects, allocKernelPages } from './kmemalloc.ts'
import { STACK_BYTES } from './machine.ts'
import type { MemCgroup } from './memcg.ts'
import { THREAD_STACK } from './slab/caches.ts'
import { cacheOfSlab, findCache } from './slab/slub.ts'
import { modStatTimes, STAT } from './vmstat.ts'

export interface TaskMemory {
  /** Pages of the kernel stack, one by one; none where the stack is an object. */
  readonly stack: KernelPages
  readonly objects: readonly KernelObjects[]
}

const THREAD_OBJECTS = ['task_struct', 'pid'] as const
const PROCESS_OBJECTS = [
  ...THREAD_OBJECTS,
  'signal_cache',
  'sighand_cache',
  'files_cache',
  'fs_cache',
  'mm_struct',
  'cred_jar',
] as const

/** Allocates what a new process or thread needs; undefined if a charge was refused, with nothing left behind. */
export function allocTaskMemory(
  e: Engine,
  memcg: MemCgroup,
  kind: 'process' | 'thread',
  cpu: Cpu,
  node: NodeNumber,
): TaskMemory | undefined {
  const actor = { memcg, mm: null, cpu, node, gfp: GFP_KERNEL }
  const stackPages = stackPagesOf(e)
  const stack = allocKernelPages(e, 0, stackPages, actor)
  const names = kind === 'process' ? PROCESS_OBJECTS : THREAD_OBJECTS
  const objects = (stackPages === 0 ? [THREAD_STACK, ...names] : names).map(name =>
    allocKernelObjects(e, findCache(e.slab, name)!, 1, actor),
  )
  const memory = { stack, objects }
  countStack(e, memory, cpu, 1)
  if (stack.blocks === stackPages && objects.every(each => each.count === 1)) return memory
  freeTaskMemory(e, memory, cpu)
  return undefined
}

/** Pages of a stack; 0 where a page is larger than one. */
const stackPagesOf = ({ machine }: Engine): Pages => Math.floor(STACK_BYTES / machine.pageSize)

/** Adds the stack to (`sign` 1) or takes it from (-1) the statistics of who pays for it. */
function countStack(e: Engine, { stack, objects }: TaskMemory, cpu: Cpu, sign: 1 | -1): void {
  const isObject = stackPagesOf(e) === 0
  const payer = isObject ? payerOfObject(e, objects[0]!) : payerOf(stack)
  const [bytes, times] = isObject ? [STACK_BYTES, 1] : [e.machine.pageSize, stack.blocks]
  if (payer !== null) modStatTimes(e, payer, STAT.kernel_stack, cpu, (sign * bytes) / KIB, times, objects[0]!.node)
}

/** Who pays for the first object, or for the slab it is in. */
function payerOfObject({ slab }: Engine, { runs }: KernelObjects): MemCgroup | null {
  const run = runs[0]
  return run === undefined ? null : (run.objcg?.memcg ?? cacheOfSlab(slab, run.slab).owner)
}

export function freeTaskMemory(e: Engine, memory: TaskMemory, cpu: Cpu): void {
  const { stack, objects } = memory
  countStack(e, memory, cpu, -1)
  for (const each of objects) freeKernelObjects(e, each, each.count, cpu)
  freeKernelPages(e, stack, stack.blocks, cpu)
}
