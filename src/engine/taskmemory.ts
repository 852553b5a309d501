/**
 * The kernel memory a task costs: its stack, its objects, its first page table (workload.md §5).
 * Charged to the memcg it is made in, and freed when it is gone. Kernel: kernel/fork.c.
 */
import type { Cpu, NodeNumber } from '../units.ts'
import type { Engine } from './engine.ts'
import { GFP_KERNEL } from './gfp.ts'
import { freeKernelObjects, freeKernelPages, type KernelObjects, type KernelPages, payerOf } from './kmem.ts'
import { allocKernelObjects, allocKernelPages } from './kmemalloc.ts'
import type { MemCgroup } from './memcg.ts'
import { findCache } from './slab/slub.ts'
import { modStatTimes, STAT } from './vmstat.ts'

export interface TaskMemory {
  readonly stack: KernelPages
  readonly objects: readonly KernelObjects[]
}

/** Pages of a kernel stack (16 KiB); charged one by one, as the stack is mapped page by page. */
const STACK_PAGES = 4
const PAGE_KIB = 4

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
  const names = kind === 'process' ? PROCESS_OBJECTS : THREAD_OBJECTS
  const stack = allocKernelPages(e, 0, STACK_PAGES, actor)
  const objects = names.map(name => allocKernelObjects(e, findCache(e.slab, name)!, 1, actor))
  const memory = { stack, objects }
  const payer = payerOf(stack)
  if (payer !== null) modStatTimes(e, payer, STAT.kernel_stack, cpu, PAGE_KIB, stack.blocks, node)
  if (stack.blocks === STACK_PAGES && objects.every(each => each.count === 1)) return memory
  freeTaskMemory(e, memory, cpu)
  return undefined
}

export function freeTaskMemory(e: Engine, { stack, objects }: TaskMemory, cpu: Cpu): void {
  for (const each of objects) freeKernelObjects(e, each, each.count, cpu)
  const payer = payerOf(stack)
  if (payer !== null) modStatTimes(e, payer, STAT.kernel_stack, cpu, -PAGE_KIB, stack.blocks)
  freeKernelPages(e, stack, stack.blocks, cpu)
}
