/** Verbs about memory that is kept in memory: pins, device buffers, leaks, locks, and advice (workload.md §4.2). */
import { findFile } from '../engine/file.ts'
import { createDeviceBuffer, freeDeviceBuffer, leakPages } from '../engine/loosepages.ts'
import { dropPages, lockRegion, makeCold, makeFree, pageOut, unlockRegion } from '../engine/mlock.ts'
import type { Mm } from '../engine/mm.ts'
import type { PageMap } from '../engine/pagemap.ts'
import { pinPages, unpinPages } from '../engine/pins.ts'
import { EEXIST, EINVAL, ENOENT, ENOMEM, OK } from '../errno.ts'
import { memcgFor } from '../tree/spawn.ts'
import { cgroupOf } from '../tree/task.ts'
import type { Pages } from '../units.ts'
import { type Args, Refusal } from './args.ts'
import { perform, regionOf, wantedMemory } from './memory.ts'
import { acting, actorOf, type Context, done, endOfCall, type Outcome, progress, type Verb } from './verb.ts'

const ok = (words: string): Outcome => ({ errno: OK, words })

/** What `pin` and `unpin` are about: pages of a region, or of a file. */
interface Pinned {
  readonly mm: Mm
  readonly map: PageMap
  readonly pages: Pages
}

function pinnedOf(ctx: Context, args: Args): Pinned | Refusal {
  const wanted = wantedMemory(ctx, args)
  if (wanted instanceof Refusal) return wanted
  const { task, mm, pages } = wanted
  const name = args.text('WHAT')
  const map = mm.vmas.get(name)?.map ?? findFile(ctx.kernel.engine, name)?.cache
  if (map === undefined) return new Refusal(ENOENT, `${task.name} has no region ${name}, and there is no file ${name}`)
  return { mm, map, pages }
}

function pin(ctx: Context, args: Args): Outcome | Refusal {
  const what = pinnedOf(ctx, args)
  if (what instanceof Refusal) return what
  const task = args.task()
  const pages = pinPages(ctx.kernel.engine, what.mm, what.map, what.pages, task.cpu)
  if (pages === 0) return new Refusal(ENOMEM, `nothing of ${args.text('WHAT')} is in memory`)
  return ok(`${task.name} pages=${pages}`)
}

function unpin(ctx: Context, args: Args): Outcome | Refusal {
  const what = pinnedOf(ctx, args)
  if (what instanceof Refusal) return what
  const task = args.task()
  const pages = unpinPages(ctx.kernel.engine, what.mm, what.map, what.pages, task.cpu)
  if (pages === 0) return new Refusal(ENOENT, `${task.name} has pinned nothing there`)
  return ok(`${task.name} pages=${pages}`)
}

function dmabuf(ctx: Context, args: Args): Outcome | Refusal {
  const { engine, tree } = ctx.kernel
  const wanted = wantedMemory(ctx, args)
  if (wanted instanceof Refusal) return wanted
  const { task, pages } = wanted
  const id = args.text('ID')
  if (engine.deviceBuffers.has(id)) return new Refusal(EEXIST, `there is a buffer ${id} already`)
  const user = memcgFor(tree, cgroupOf(args.has('user') ? args.task('user') : task))
  const buffer = createDeviceBuffer(engine, pages, user, actorOf(ctx, task, args))
  if (buffer !== undefined) engine.deviceBuffers.set(id, buffer)
  endOfCall(ctx, task)
  return progress(ctx, task, 'pages', buffer === undefined ? 0 : pages, pages, '')
}

function dmabufFree({ kernel }: Context, args: Args): Outcome | Refusal {
  const { deviceBuffers } = kernel.engine
  const id = args.text('ID')
  const buffer = deviceBuffers.get(id)
  if (buffer === undefined) return new Refusal(ENOENT, `there is no buffer ${id}`)
  deviceBuffers.delete(id)
  freeDeviceBuffer(kernel.engine, buffer, 0)
  return ok(id)
}

function leak(ctx: Context, args: Args): Outcome | Refusal {
  const wanted = wantedMemory(ctx, args)
  if (wanted instanceof Refusal) return wanted
  const { task, pages } = wanted
  const leaked = leakPages(ctx.kernel.engine, pages, actorOf(ctx, task, args))
  endOfCall(ctx, task)
  return progress(ctx, task, 'pages', leaked ? pages : 0, pages, '')
}

function mlock(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const vma = regionOf(task, args.text('REGION'))
  if (vma instanceof Refusal) return vma
  const actor = actorOf(ctx, task, args)
  return perform(ctx, task, vma.pages, done => lockRegion(ctx.kernel.engine, vma, done, actor))
}

function munlock({ kernel }: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const vma = regionOf(task, args.text('REGION'))
  if (vma instanceof Refusal) return vma
  unlockRegion(kernel.engine, vma, task.cpu)
  return ok(`${task.name} pages=${vma.pages}`)
}

const ADVICE = { dontneed: dropPages, pageout: pageOut, cold: makeCold, free: makeFree } as const

function advise({ kernel }: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const vma = regionOf(task, args.text('REGION'))
  if (vma instanceof Refusal) return vma
  const advice = Object.keys(ADVICE).filter(each => args.flag(each)) as (keyof typeof ADVICE)[]
  if (advice.length !== 1) return new Refusal(EINVAL, `one of ${Object.keys(ADVICE).join(', ')} is wanted`)
  if (vma.isLocked) return new Refusal(EINVAL, `${vma.name} is locked in memory`)
  if (advice[0] === 'free' && vma.file !== null && !vma.isPrivate)
    return new Refusal(EINVAL, `${vma.name} shows a file: only anonymous memory can be given up`)
  const pages = ADVICE[advice[0]!](kernel.engine, vma, task.cpu)
  return ok(`${task.name} pages=${pages}`)
}

export const holdingVerbs: readonly Verb[] = [
  acting('pin T WHAT SIZE', pin),
  acting('unpin T WHAT SIZE', unpin),
  acting('dmabuf T ID SIZE [user=T] charge', dmabuf),
  done('dmabuf-free ID', dmabufFree),
  acting('leak T SIZE charge', leak),
  acting('mlock T REGION charge', mlock),
  acting('munlock T REGION', munlock),
  acting('advise T REGION [dontneed] [pageout] [cold] [free]', advise),
]
