/** Verbs about kernel memory: objects and pages (workload.md §4.3). */
import { freeKernelObjects, freeKernelPages, type KernelObjects, type KernelPages } from '../engine/kmem.ts'
import { allocKernelObjects, allocKernelPages, type KernelActor } from '../engine/kmemalloc.ts'
import { kmallocCache, kmallocMax } from '../engine/slab/caches.ts'
import { findCache, type KmemCache } from '../engine/slab/slub.ts'
import { EINVAL, ENOENT, OK } from '../errno.ts'
import { memcgFor, nodeOf } from '../tree/spawn.ts'
import { cgroupOf, type Task } from '../tree/task.ts'
import type { TagHoldings } from '../tree/tree.ts'
import type { Cpu } from '../units.ts'
import { type Args, Refusal } from './args.ts'
import { nearest } from './grammar.ts'
import {
  acting,
  type Context,
  endOfCall,
  gfpOf,
  isAwake,
  type Outcome,
  placeTask,
  progress,
  progressInPieces,
  type Verb,
} from './verb.ts'

/** In whose name a task takes kernel memory; without `account` nobody pays. Kernel threads and interrupts never pay. */
export function kernelActorOf(
  { kernel }: Context,
  task: Task,
  args: Args,
  account: boolean,
  cpu = task.cpu,
): KernelActor {
  const { tree } = kernel
  const memcg = account && !task.kthread && !task.inInterrupt ? memcgFor(tree, cgroupOf(task)) : null
  const node = args.has('node') ? args.number('node') : nodeOf(tree, cpu)
  return { memcg, mm: task.mm, cpu, node, gfp: gfpOf(task, args) }
}

/** Where what a task takes is kept: with the task, or under a name that survives it. */
function holdingsOf({ kernel }: Context, task: Task, args: Args): TagHoldings {
  if (!args.has('tag')) return task
  const { tags } = kernel.tree
  const tag = args.text('tag')
  const holdings = tags.get(tag) ?? { objects: [], pages: [] }
  tags.set(tag, holdings)
  return holdings
}

/** Deals `count` out over CPUs: as even as can be, the first ones get one more. */
export const shares = (count: number, cpus: readonly Cpu[]): number[] =>
  cpus.map((_, i) => Math.floor(count / cpus.length) + (i < count % cpus.length ? 1 : 0))

/** The same shares, CPU by CPU, without the first `done`. */
export function sharesLeft(count: number, cpus: readonly Cpu[], done: number): { cpu: Cpu; count: number }[] {
  let skip = done
  return shares(count, cpus).map((share, i) => {
    const skipped = Math.min(share, skip)
    skip -= skipped
    return { cpu: cpus[i]!, count: share - skipped }
  })
}

function cacheOf({ kernel }: Context, args: Args, account: boolean): KmemCache | Refusal {
  const { slab, machine, features } = kernel.engine
  if (args.has('cache')) {
    const name = args.text('cache')
    const found = findCache(slab, name)
    if (found !== undefined) return found
    const close = nearest(name, [...slab.byName.keys()], 3)
    return new Refusal(ENOENT, `there is no cache ${name}; close are ${close.join(', ')}`)
  }
  const bytes = args.number('BYTES')
  if (bytes === 0) return new Refusal(EINVAL, 'an object size is wanted, or cache=NAME')
  return findCache(slab, kmallocCache(bytes, account ? 'kmalloc-cg' : 'kmalloc', machine, features))!
}

function kmalloc(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const account = !args.has('account') || args.text('account') === 'yes'
  const count = args.number('COUNT')
  const bytes = args.number('BYTES')
  const { engine } = ctx.kernel
  const cpus = placeTask(task, args)
  const holdings = holdingsOf(ctx, task, args)
  const perCall = args.has('syscall') ? args.number('syscall') : 0
  let take: (count: number, actor: KernelActor) => number
  if (!args.has('cache') && bytes > kmallocMax(engine.machine)) {
    // Too large for a cache: whole pages.
    const order = Math.ceil(Math.log2(bytes / ctx.kernel.setup.machine.pageSize))
    take = (n, actor) => {
      const pages = allocKernelPages(engine, order, n, actor)
      if (pages.blocks > 0) holdings.pages.push(pages)
      return pages.blocks
    }
  } else {
    const cache = cacheOf(ctx, args, account)
    if (cache instanceof Refusal) return cache
    take = (n, actor) => {
      const objects = allocKernelObjects(engine, cache, n, actor)
      if (objects.count > 0) holdings.objects.push(objects)
      return objects.count
    }
  }
  const { cursor } = ctx
  let isRefused = false
  for (const { cpu, count: share } of sharesLeft(count, cpus, cursor.done)) {
    for (let left = share; left > 0 && isAwake(task); ) {
      const now = perCall > 0 ? Math.min(perCall, left) : left
      const taken = take(now, kernelActorOf(ctx, task, args, account, cpu))
      cursor.done += taken
      if (taken < now) isRefused = true
      left = isRefused ? 0 : left - now
      if (perCall > 0) endOfCall(ctx, task)
    }
  }
  endOfCall(ctx, task)
  return isRefused
    ? progress(ctx, task, 'done', cursor.done, count, '')
    : progressInPieces(ctx, task, 'done', count, '')
}

function kfree(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const { engine } = ctx.kernel
  const cpus = placeTask(task, args)
  const count = args.number('COUNT')
  const all = holdingsOf(ctx, task, args).objects
  const only = args.has('cache') ? findCache(engine.slab, args.text('cache')) : undefined
  if (args.has('cache') && only === undefined) return new Refusal(ENOENT, `there is no cache ${args.text('cache')}`)
  const owned = all.filter(each => only === undefined || engine.slab.caches[each.cache] === only)
  const total = owned.reduce((sum, each) => sum + each.count, 0)
  if (total < count) return new Refusal(ENOENT, `${total} such objects are there, fewer than ${count}`)
  for (const [i, share] of shares(count, cpus).entries()) freeOldest(ctx, all, owned, share, cpus[i]!)
  return { errno: OK, words: `${task.name} freed=${count}` }
}

/** Frees `count` objects from the front of `owned`; groups that are empty leave `all`. */
function freeOldest({ kernel }: Context, all: KernelObjects[], owned: KernelObjects[], count: number, cpu: Cpu): void {
  for (let left = count; left > 0; ) {
    const group = owned[0]!
    const now = Math.min(group.count, left)
    freeKernelObjects(kernel.engine, group, now, cpu)
    left -= now
    if (group.count > 0) continue
    owned.shift()
    all.splice(all.indexOf(group), 1)
  }
}

function kpages(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const count = args.number('COUNT')
  const cpus = placeTask(task, args)
  const holdings = holdingsOf(ctx, task, args)
  let got = 0
  for (const [i, share] of shares(count, cpus).entries()) {
    if (share === 0) continue
    const actor = kernelActorOf(ctx, task, args, true, cpus[i])
    const pages = allocKernelPages(ctx.kernel.engine, args.number('ORDER'), share, actor)
    got += pages.blocks
    if (pages.blocks > 0) holdings.pages.push(pages)
  }
  endOfCall(ctx, task)
  return progress(ctx, task, 'done', got, count, '')
}

function kpagesFree(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const count = args.number('COUNT')
  const cpu = placeTask(task, args)[0]!
  const owned: KernelPages[] = holdingsOf(ctx, task, args).pages
  const total = owned.reduce((sum, each) => sum + each.blocks, 0)
  if (total < count) return new Refusal(ENOENT, `${total} page blocks are there, fewer than ${count}`)
  for (let left = count; left > 0; ) {
    const group = owned[0]!
    const now = Math.min(group.blocks, left)
    freeKernelPages(ctx.kernel.engine, group, now, cpu)
    left -= now
    if (group.blocks === 0) owned.shift()
  }
  return { errno: OK, words: `${task.name} freed=${count}` }
}

export const kernelMemoryVerbs: readonly Verb[] = [
  acting('kmalloc T BYTES COUNT [cache=TEXT] [account=yes|no] [syscall=N] [tag=TEXT] charge', kmalloc),
  acting('kfree T COUNT [cache=TEXT] [tag=TEXT] [cpu=CPUS]', kfree),
  acting('kpages T ORDER COUNT [tag=TEXT] charge', kpages),
  acting('kpages-free T COUNT [tag=TEXT] [cpu=CPUS]', kpagesFree),
]
