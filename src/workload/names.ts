/** Verbs about names: look-ups, and references that keep them (workload.md §4.3, §6.2). */
import { dropHold, holdNames, lookupNames } from '../engine/dcache.ts'
import type { PageCacheFile } from '../engine/file.ts'
import { GFP_KERNEL } from '../engine/gfp.ts'
import { freeKernelObjects } from '../engine/kmem.ts'
import { allocKernelObjects } from '../engine/kmemalloc.ts'
import { NAME_SPACES, type NameSpace } from '../engine/names.ts'
import { findCache } from '../engine/slab/slub.ts'
import { EINVAL, ENOENT, OK } from '../errno.ts'
import { memcgFor, nodeOf } from '../tree/spawn.ts'
import { cgroupOf, type Task } from '../tree/task.ts'
import { type Args, Refusal } from './args.ts'
import { kernelActorOf } from './kmem.ts'
import { acting, type Context, endOfCall, type Outcome, progress, type Verb } from './verb.ts'

/**
 * The first use of a file by a task that is not bare: its dentry and inode are cached, charged to that task's cgroup.
 * False if they were refused.
 */
export function openNames({ kernel }: Context, task: Task, file: PageCacheFile): boolean {
  const { engine, tree } = kernel
  if (task.bare || file.objects !== null) return true
  const memcg = memcgFor(tree, cgroupOf(task))
  const actor = { memcg, mm: task.mm, cpu: task.cpu, node: nodeOf(tree, task.cpu), gfp: GFP_KERNEL }
  const made = ['dentry', NAME_SPACES[file.fs]].map(name =>
    allocKernelObjects(engine, findCache(engine.slab, name)!, 1, actor),
  )
  if (made.every(each => each.count === 1)) {
    file.objects = made
    return true
  }
  for (const each of made) freeKernelObjects(engine, each, each.count, task.cpu)
  return false
}

function nameSpaceOf(args: Args): NameSpace | Refusal {
  const fs = args.text('FS')
  if (Object.hasOwn(NAME_SPACES, fs)) return fs as NameSpace
  return new Refusal(EINVAL, `"${fs}": names can be looked up on ${Object.keys(NAME_SPACES).join(', ')}`)
}

const DEFAULT_NAME_LENGTH = 20

function lookup(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const fs = nameSpaceOf(args)
  if (fs instanceof Refusal) return fs
  const count = args.number('COUNT')
  const what = {
    fs,
    count,
    negative: args.flag('negative'),
    length: args.has('len') ? args.number('len') : DEFAULT_NAME_LENGTH,
    prefix: args.has('prefix') ? args.text('prefix') : undefined,
    directory: args.has('dir') ? args.number('dir') : 0,
  }
  const found = lookupNames(ctx.kernel.engine, what, kernelActorOf(ctx, task, args, true))
  endOfCall(ctx, task)
  return progress(ctx, task, 'done', found, count, '')
}

function hold(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const fs = nameSpaceOf(args)
  if (fs instanceof Refusal) return fs
  const count = args.number('COUNT')
  const prefix = args.has('prefix') ? args.text('prefix') : undefined
  const holds = holdNames(ctx.kernel.engine, fs, prefix, count)
  if (holds === undefined) return new Refusal(ENOENT, `fewer than ${count} names of that prefix are cached on ${fs}`)
  task.holds.push(...holds)
  return { errno: OK, words: `${task.name} held=${count}` }
}

function drop(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const fs = nameSpaceOf(args)
  if (fs instanceof Refusal) return fs
  const count = args.number('COUNT')
  const { engine } = ctx.kernel
  const prefix = args.has('prefix') ? args.text('prefix') : undefined
  const isMeant = (family: string): boolean => {
    const of = engine.dcache.families.get(family)!
    return of.fs === fs && (prefix === undefined || of.prefix === prefix)
  }
  const held = task.holds.filter(each => isMeant(each.family)).sort((a, b) => a.first - b.first)
  const total = held.reduce((sum, each) => sum + each.count, 0)
  if (total < count) return new Refusal(ENOENT, `${task.name} holds ${total} such names, fewer than ${count}`)
  let left = count
  for (const each of held) {
    if (left === 0) break
    const now = Math.min(left, each.count)
    task.holds.splice(task.holds.indexOf(each), 1)
    dropHold(engine, { ...each, count: now })
    if (now < each.count) task.holds.push({ ...each, first: each.first + now, count: each.count - now })
    left -= now
  }
  return { errno: OK, words: `${task.name} dropped=${count}` }
}

export const nameVerbs: readonly Verb[] = [
  acting('lookup T FS COUNT [negative] [len=N] [prefix=TEXT] [dir=N] charge', lookup),
  acting('hold T FS COUNT [prefix=TEXT]', hold),
  acting('drop T FS COUNT [prefix=TEXT]', drop),
]
