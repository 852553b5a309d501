/**
 * Single free objects kept apart from their slabs: the arrays of SLAB, the sheaves of SLUB from 7.1. A free object on a
 * stack pins its slab.
 */
import type { Cpu } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { ObjCgroup } from '../objstock.ts'
import type { Allocator } from './allocator.ts'
import type { SlabPages } from './pages.ts'
import type { KmemCache, ObjectRun } from './state.ts'

/** Free objects taken out of their slabs: the newest are the last, and are used first. */
export interface FreeStack {
  readonly runs: { readonly slab: number; count: number }[]
  held: number
  /** Used since it was last trimmed. */
  touched: boolean
}

export const createStack = (): FreeStack => ({ runs: [], held: 0, touched: false })

export function cpuStack(cache: KmemCache, cpu: Cpu): FreeStack {
  cache.stacks[cpu] ??= createStack()
  return cache.stacks[cpu]
}

/** Takes a number of the newest objects of one slab from a stack, at most `want`. The stack is not empty. */
export function popNewest(stack: FreeStack, want: number, objcg: ObjCgroup | null): ObjectRun {
  const top = stack.runs[stack.runs.length - 1]!
  const count = Math.min(want, top.count)
  top.count -= count
  stack.held -= count
  if (top.count === 0) stack.runs.pop()
  return { slab: top.slab, count, objcg }
}

export function pushNewest(stack: FreeStack, row: number, count: number): void {
  const top = stack.runs[stack.runs.length - 1]
  if (top?.slab === row) top.count += count
  else stack.runs.push({ slab: row, count })
  stack.held += count
}

/** Takes the `count` oldest objects from a stack, slab by slab. */
export function shiftOldest(stack: FreeStack, count: number, visit: (row: number, count: number) => void): void {
  stack.held -= count
  for (let left = count; left > 0; ) {
    const bottom = stack.runs[0]!
    const now = Math.min(left, bottom.count)
    bottom.count -= now
    left -= now
    if (bottom.count === 0) stack.runs.shift()
    visit(bottom.slab, now)
  }
}

/** Gives `count` free objects back to the slab `row`, on a CPU. */
type GiveBack = Allocator['put']

/** What empties the stacks of an allocator, by its way to give objects back to a slab. */
export function stackEmptier(giveBack: GiveBack) {
  const giveBackOldest = (
    e: Engine,
    cache: KmemCache,
    stack: FreeStack,
    count: number,
    cpu: Cpu,
    pages: SlabPages,
  ): void => shiftOldest(stack, count, (row, n) => giveBack(e, cache, row, n, cpu, pages))

  const flush: Allocator['flush'] = (e, cache, cpu, pages) => {
    const stack = cache.stacks[cpu]
    if (stack !== undefined) giveBackOldest(e, cache, stack, stack.held, cpu, pages)
  }
  return { giveBackOldest, flush }
}
