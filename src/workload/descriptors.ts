/** Verbs about descriptors, vmalloc areas and per-CPU memory of a task (workload.md §4.3). */
import { allocPercpu, freePercpu, vfree, vmalloc } from '../engine/belongings.ts'
import {
  closeDescriptor,
  type Descriptor,
  type DescriptorKind,
  openFile,
  openPipe,
  openSocket,
  pipeCapacity,
} from '../engine/descriptors.ts'
import type { KernelActor } from '../engine/kmemalloc.ts'
import { toPages } from '../engine/machine.ts'
import { EINVAL, ENOENT, isErrno, OK } from '../errno.ts'
import type { Task } from '../tree/task.ts'
import type { Bytes } from '../units.ts'
import { type Args, Refusal } from './args.ts'
import { kernelActorOf, sharesLeft } from './kmem.ts'
import {
  acting,
  type Context,
  endOfCall,
  isAwake,
  type Outcome,
  placeTask,
  progress,
  progressInPieces,
  type Verb,
} from './verb.ts'

/** Makes one after the other, each by a system call of its own, until one is refused or the task was killed. */
function repeat(ctx: Context, args: Args, make: (actor: KernelActor) => boolean): Outcome {
  const task = args.task()
  const count = args.number('COUNT')
  const cpus = placeTask(task, args)
  const { cursor } = ctx
  let isRefused = false
  for (const { cpu, count: share } of sharesLeft(count, cpus, cursor.done)) {
    for (let left = share; left > 0 && !isRefused && isAwake(task); left--) {
      if (make(kernelActorOf(ctx, task, args, true, cpu))) cursor.done++
      else isRefused = true
      endOfCall(ctx, task)
    }
  }
  return isRefused
    ? progress(ctx, task, 'done', cursor.done, count, '')
    : progressInPieces(ctx, task, 'done', count, '')
}

/** A verb that opens descriptors of one kind. */
const opening =
  (make: (ctx: Context, args: Args, actor: KernelActor) => Descriptor | null) =>
  (ctx: Context, args: Args): Outcome =>
    repeat(ctx, args, actor => {
      const descriptor = make(ctx, args, actor)
      if (descriptor !== null) args.task().belongings.descriptors.push(descriptor)
      return descriptor !== null
    })

const bytesOf = (args: Args, key: string): Bytes => (args.has(key) ? args.number(key) : 0)

const open = opening(({ kernel }, _, actor) => openFile(kernel.engine, actor))

function pipe(ctx: Context, args: Args): Outcome | Refusal {
  const { engine } = ctx.kernel
  const fill = bytesOf(args, 'fill')
  const most = pipeCapacity(engine)
  if (fill > most) return new Refusal(EINVAL, `fill=${fill}: a pipe holds at most ${most} bytes, then its writer waits`)
  return opening((_, __, actor) => openPipe(engine, fill, actor))(ctx, args)
}

const sock = opening(({ kernel }, args, actor) => {
  const kind = args.has('kind') && args.text('kind') === 'tcp' ? 'tcp' : 'unix'
  return openSocket(kernel.engine, kind, bytesOf(args, 'data'), actor)
})

function close({ kernel }: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const { descriptors } = task.belongings
  const kind = (args.has('kind') ? args.text('kind') : 'file') as DescriptorKind
  const count = args.number('COUNT')
  const meant = descriptors.filter(each => each.kind === kind)
  if (meant.length < count) return fewer(task, meant.length, `open descriptors of the kind ${kind}`, count)
  const cpu = placeTask(task, args)[0]!
  const closed = new Set(meant.slice(0, count))
  for (const each of closed) closeDescriptor(kernel.engine, each, cpu)
  descriptors.splice(0, descriptors.length, ...descriptors.filter(each => !closed.has(each)))
  return { errno: OK, words: `${task.name} closed=${count}` }
}

const fewer = (task: Task, there: number, what: string, wanted: number): Refusal =>
  new Refusal(ENOENT, `${task.name} has ${there} ${what}, fewer than ${wanted}`)

/** Kernel: PCPU_MIN_UNIT_SIZE, PCPU_MIN_ALLOC_SIZE. */
const PERCPU_MOST: Bytes = 32768
const PERCPU_GRAIN: Bytes = 4

function percpu(ctx: Context, args: Args): Outcome | Refusal {
  const asked = args.number('SIZE')
  if (asked === 0 || asked > PERCPU_MOST)
    return new Refusal(EINVAL, `${asked}: a per-CPU allocation has 1 to ${PERCPU_MOST} bytes on each CPU`)
  const size = Math.ceil(asked / PERCPU_GRAIN) * PERCPU_GRAIN
  const { belongings } = args.task()
  return repeat(ctx, args, actor => !isErrno(allocPercpu(ctx.kernel.engine, belongings, size, actor)))
}

function percpuFree({ kernel }: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const { belongings } = task
  const count = args.number('COUNT')
  const there = belongings.percpus.length
  if (there < count) return fewer(task, there, 'per-CPU allocations', count)
  freePercpu(kernel.engine, belongings, count, placeTask(task, args)[0]!)
  return { errno: OK, words: `${task.name} freed=${count}` }
}

function vmallocArea(ctx: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const { engine, setup } = ctx.kernel
  const pages = toPages(setup.machine, args.number('SIZE'))
  if (pages === 0) return new Refusal(EINVAL, 'a vmalloc area has at least one page')
  placeTask(task, args)
  const isMapped = vmalloc(engine, task.belongings, pages, kernelActorOf(ctx, task, args, true))
  endOfCall(ctx, task)
  return progress(ctx, task, 'pages', isMapped ? pages : 0, pages, '')
}

function vmallocFree({ kernel }: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const { belongings } = task
  const pages = toPages(kernel.setup.machine, args.number('SIZE'))
  const there = belongings.vmallocs.reduce((sum, area) => sum + area.blocks, 0)
  if (there < pages) return fewer(task, there, 'pages of vmalloc', pages)
  vfree(kernel.engine, belongings, pages, placeTask(task, args)[0]!)
  return { errno: OK, words: `${task.name} freed=${pages}` }
}

export const descriptorVerbs: readonly Verb[] = [
  acting('open T COUNT charge', open),
  acting('pipe T COUNT [fill=BYTES] charge', pipe),
  acting('sock T COUNT [kind=unix|tcp] [data=BYTES] charge', sock),
  acting('close T COUNT [kind=file|pipe|sock] [cpu=CPUS]', close),
  acting('percpu T SIZE COUNT charge', percpu),
  acting('percpu-free T COUNT [cpu=CPUS]', percpuFree),
  acting('vmalloc T SIZE charge', vmallocArea),
  acting('vmalloc-free T SIZE [cpu=CPUS]', vmallocFree),
]
