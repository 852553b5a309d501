/** Verbs about user memory: regions, files, the page cache (workload.md §4.2, §6.1). */
import { touchRegion } from '../engine/fault.ts'
import { createFile, FILE_SYSTEMS, type FileSystem, findFile, type PageCacheFile, unlinkFile } from '../engine/file.ts'
import { toPages } from '../engine/machine.ts'
import { createVma, type Mm, shrinkRegion, type Vma } from '../engine/mm.ts'
import { accessFile } from '../engine/pagecache.ts'
import { startWriteback } from '../engine/writeback.ts'
import { EEXIST, EINVAL, ENOENT, ENOMEM, OK } from '../errno.ts'
import type { Task } from '../tree/task.ts'
import type { Pages } from '../units.ts'
import { type Args, Refusal } from './args.ts'
import { openNames } from './names.ts'
import { acting, actorOf, type Context, done, endOfCall, type Outcome, progressInPieces, type Verb } from './verb.ts'

const ok = (words: string): Outcome => ({ errno: OK, words })

/**
 * Does pages of something in the name of a task, from the cursor on, and says how far it got and what reclaim took
 * meanwhile. `act` is told where to go on and answers how many pages it got through.
 */
export function perform(ctx: Context, task: Task, wanted: Pages, act: (done: Pages) => Pages): Outcome {
  const { cursor } = ctx
  const { engine } = ctx.kernel
  const { charged, reclaimed } = engine
  const { written } = engine.swap
  cursor.done += act(cursor.done)
  endOfCall(ctx, task)
  cursor.charged += engine.charged - charged
  cursor.reclaimed += engine.reclaimed - reclaimed
  cursor.swapped += engine.swap.written - written
  const words = ` charged=${cursor.charged} reclaimed=${cursor.reclaimed} swapped=${cursor.swapped}`
  return progressInPieces(ctx, task, 'pages', wanted, words)
}

function addressSpace(task: Task): Mm | Refusal {
  return (
    task.mm ?? new Refusal(EINVAL, `${task.name || task.pid} has no address space: it is no simulated user process`)
  )
}

export function regionOf(task: Task, name: string): Vma | Refusal {
  const mm = addressSpace(task)
  if (mm instanceof Refusal) return mm
  const vma = mm.vmas.get(name)
  if (vma !== undefined) return vma
  const known = [...mm.vmas.keys()]
  return new Refusal(
    ENOENT,
    `${task.name} has no region ${name}; it has ${known.length > 0 ? known.join(', ') : 'none'}`,
  )
}

/** A size as whole pages, at least one. */
function pagesOf({ kernel }: Context, args: Args, name = 'SIZE'): Pages | Refusal {
  const pages = toPages(kernel.setup.machine, args.number(name))
  return pages > 0 ? pages : new Refusal(EINVAL, `${name} is more than 0 here`)
}

/** Who wants how many pages, and where they are shown. */
export interface WantedMemory {
  readonly task: Task
  readonly mm: Mm
  readonly pages: Pages
}

/** The task and the SIZE of a line. */
export function wantedMemory(ctx: Context, args: Args): WantedMemory | Refusal {
  const task = args.task()
  const mm = addressSpace(task)
  if (mm instanceof Refusal) return mm
  const pages = pagesOf(ctx, args)
  return pages instanceof Refusal ? pages : { task, mm, pages }
}

const ANONYMOUS = { file: null, filePage: 0, isPrivate: false } as const

function anon(ctx: Context, args: Args): Outcome | Refusal {
  const wanted = wantedMemory(ctx, args)
  if (wanted instanceof Refusal) return wanted
  const { task, mm, pages } = wanted
  const name = args.text('REGION')
  const old = mm.vmas.get(name)
  if (old && old.file !== null) return new Refusal(EEXIST, `${name} maps the file ${old.file.name}; it does not grow`)
  const actor = actorOf(ctx, task, args)
  const vma = old ?? createVma(mm, name, 0, ANONYMOUS)
  const start = ctx.cursor.start ?? vma.pages
  if (ctx.cursor.start === null) vma.pages += pages
  ctx.cursor.start = start
  const end = Math.min(start + pages, vma.pages)
  if (args.flag('untouched')) return ok(`${task.name} pages=${pages} charged=0`)
  const order = args.has('order') ? Number(args.text('order')) : 0
  return perform(ctx, task, end - start, done =>
    touchRegion(ctx.kernel.engine, vma, start + done, end, { write: true, order }, actor),
  )
}

function touch(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const vma = regionOf(task, args.text('REGION'))
  if (vma instanceof Refusal) return vma
  const { machine } = ctx.kernel.setup
  const start = args.has('off') ? Math.floor(args.number('off') / machine.pageSize) : 0
  const end = args.has('SIZE') ? start + toPages(machine, args.number('SIZE')) : vma.pages
  if (end > vma.pages || start > end) return new Refusal(EINVAL, `${vma.name} has ${vma.pages} pages, not ${end}`)
  const actor = actorOf(ctx, task, args)
  const how = { write: args.flag('write'), order: 0 }
  return perform(ctx, task, end - start, done => touchRegion(ctx.kernel.engine, vma, start + done, end, how, actor))
}

function free(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const vma = regionOf(task, args.text('REGION'))
  if (vma instanceof Refusal) return vma
  const pages = args.has('SIZE') ? toPages(ctx.kernel.setup.machine, args.number('SIZE')) : vma.pages
  if (pages > vma.pages) return new Refusal(EINVAL, `${vma.name} has ${vma.pages} pages, fewer than ${pages}`)
  shrinkRegion(ctx.kernel.engine, vma, pages, task.cpu)
  return ok(`${task.name} pages=${pages}`)
}

/** The file system of `fs=`, or of `kind=`, which are other names of the two. */
function fileSystemOf(args: Args): FileSystem | undefined {
  if (args.has('fs')) return args.text('fs') as FileSystem
  if (args.has('kind')) return args.text('kind') === 'shmem' ? 'tmpfs' : 'ext4'
  return undefined
}

function file(ctx: Context, args: Args): Outcome | Refusal {
  const { engine, setup } = ctx.kernel
  const name = args.text('FILE')
  const fs = fileSystemOf(args) ?? 'ext4'
  if (findFile(engine, name, fs) !== undefined) return new Refusal(EEXIST, `there is a file ${name} on ${fs} already`)
  const made = createFile(engine, fs, name, toPages(setup.machine, args.number('SIZE')), true)
  return ok(`${name} fs=${fs} pages=${made.pages}`)
}

function existingFile({ kernel }: Context, args: Args): PageCacheFile | Refusal {
  const name = args.text('FILE')
  const fs = fileSystemOf(args)
  const found = findFile(kernel.engine, name, fs)
  if (found !== undefined) return found
  return new Refusal(
    ENOENT,
    `there is no file ${name} on ${fs ?? FILE_SYSTEMS.join(' or ')}; "file ${name} SIZE" makes one`,
  )
}

function unlink(ctx: Context, args: Args): Outcome | Refusal {
  const found = existingFile(ctx, args)
  if (found instanceof Refusal) return found
  unlinkFile(ctx.kernel.engine, found, 0)
  return ok(`${found.name} fs=${found.fs}`)
}

/** Writes back what is dirty of a file, or of `all`. */
function flush(ctx: Context, args: Args): Outcome | Refusal {
  const found = args.text('FILE') === 'all' ? undefined : existingFile(ctx, args)
  if (found instanceof Refusal) return found
  const pages = startWriteback(ctx.kernel.engine, 0, found)
  return ok(`${found?.name ?? 'all'} pages=${pages}`)
}

/** Pages a byte range touches. */
function pageRange({ kernel }: Context, args: Args): { start: Pages; end: Pages } {
  const { pageSize } = kernel.setup.machine
  const from = args.number('OFF')
  const to = from + args.number('LEN')
  return {
    start: Math.floor(from / pageSize),
    end: to === from ? Math.floor(from / pageSize) : Math.ceil(to / pageSize),
  }
}

function access(mode: 'read' | 'write') {
  return (ctx: Context, args: Args): Outcome | Refusal => {
    const task = args.task()
    const mm = addressSpace(task)
    if (mm instanceof Refusal) return mm
    const found = existingFile(ctx, args)
    if (found instanceof Refusal) return found
    const { start, end } = pageRange(ctx, args)
    const actor = actorOf(ctx, task, args)
    if (!openNames(ctx, task, found)) return new Refusal(ENOMEM, `the dentry and inode of ${found.name} were refused`)
    // Reading past the end stops there, writing extends the file.
    if (mode === 'write') found.pages = Math.max(found.pages, end)
    const last = Math.min(end, found.pages)
    return perform(ctx, task, Math.max(0, last - start), done =>
      accessFile(ctx.kernel.engine, found, start + done, last, actor, mode),
    )
  }
}

function newRegionName(args: Args, task: Task, mm: Mm): string | Refusal {
  const name = args.text('REGION')
  return mm.vmas.has(name) ? new Refusal(EEXIST, `${task.name} has a region ${name} already`) : name
}

function map(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const mm = addressSpace(task)
  if (mm instanceof Refusal) return mm
  const found = existingFile(ctx, args)
  if (found instanceof Refusal) return found
  const name = newRegionName(args, task, mm)
  if (name instanceof Refusal) return name
  const { machine } = ctx.kernel.setup
  const first = args.has('OFF') ? Math.floor(args.number('OFF') / machine.pageSize) : 0
  const pages = args.has('LEN') ? toPages(machine, args.number('LEN')) : found.pages - first
  if (first + pages > found.pages || pages <= 0)
    return new Refusal(EINVAL, `${found.name} has ${found.pages} pages; ${pages} from page ${first} are not in it`)
  if (!openNames(ctx, task, found)) return new Refusal(ENOMEM, `the dentry and inode of ${found.name} were refused`)
  createVma(mm, name, pages, {
    file: found,
    filePage: first,
    isPrivate: args.flag('private'),
    isExec: args.flag('exec'),
  })
  return ok(`${task.name} region=${name} pages=${pages}`)
}

function unmap(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const vma = regionOf(task, args.text('REGION'))
  if (vma instanceof Refusal) return vma
  const { pages } = vma
  shrinkRegion(ctx.kernel.engine, vma, pages, task.cpu)
  return ok(`${task.name} pages=${pages}`)
}

function newShared({ kernel }: Context, task: Task, args: Args, mm: Mm, pages: Pages): Vma | Refusal {
  const name = newRegionName(args, task, mm)
  if (name instanceof Refusal) return name
  const unnamed = createFile(kernel.engine, 'tmpfs', `shm:${name}`, pages, false)
  return createVma(mm, name, pages, { file: unnamed, filePage: 0, isPrivate: false })
}

/** Shared anonymous memory: an unnamed file of tmpfs, mapped and written. */
function shm(ctx: Context, args: Args): Outcome | Refusal {
  const wanted = wantedMemory(ctx, args)
  if (wanted instanceof Refusal) return wanted
  const { task, mm, pages } = wanted
  const actor = actorOf(ctx, task, args)
  const vma = ctx.cursor.start === null ? newShared(ctx, task, args, mm, pages) : regionOf(task, args.text('REGION'))
  if (vma instanceof Refusal) return vma
  ctx.cursor.start = 0
  const how = { write: true, order: 0 }
  return perform(ctx, task, pages, done => touchRegion(ctx.kernel.engine, vma, done, vma.pages, how, actor))
}

const FS_KEY = '[fs=ext4|tmpfs]'

export const memoryVerbs: readonly Verb[] = [
  acting('anon T REGION SIZE [order=0|9] [untouched] charge', anon),
  acting('touch T REGION [SIZE] [off=BYTES] [read] [write] charge', touch),
  acting('free T REGION [SIZE]', free),
  done(`file FILE SIZE ${FS_KEY} [kind=disk|shmem] [sparse]`, file),
  done(`unlink FILE ${FS_KEY}`, unlink),
  done(`flush FILE ${FS_KEY}`, flush),
  acting(`read T FILE OFF LEN ${FS_KEY} charge`, access('read')),
  acting(`write T FILE OFF LEN ${FS_KEY} charge`, access('write')),
  acting(`map T FILE REGION [OFF] [LEN] [exec] [private] ${FS_KEY}`, map),
  acting('unmap T REGION', unmap),
  acting('shm T REGION SIZE charge', shm),
]
