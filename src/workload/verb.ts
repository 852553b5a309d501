/**
 * What a verb is: its usage, when it arrives, and what it does.
 */

import { GFP_KERNEL, GFP_WAIT, type Gfp, IN_INTERRUPT } from '../engine/gfp.ts'
import { returnToUser } from '../engine/high.ts'
import { takeSleep } from '../engine/sleep.ts'
import type { Actor } from '../engine/usercharge.ts'
import { ENOMEM, type Errno, OK, type Ok } from '../errno.ts'
import { pathOf } from '../tree/cgroup.ts'
import { exitProcess } from '../tree/exit.ts'
import { fallAsleep } from '../tree/sleep.ts'
import { nodeOf } from '../tree/spawn.ts'
import type { Task } from '../tree/task.ts'
import type { ByteString, Cpu, Pages } from '../units.ts'
import type { Args, Refusal, Surroundings } from './args.ts'
import { parseUsage, type Usage } from './usage.ts'
import type { Kill, Workload } from './workload.ts'

/** What a line did. `words` is for programs, `note` for people. */
export interface Outcome {
  readonly errno: Errno | Ok
  readonly words: ByteString
  readonly note?: string
  /** The task sleeps before the line is done: it goes on from its cursor then. */
  readonly unfinished?: true
}

/** How far a line got that is done piece by piece. Plain data: it waits with the line while its task sleeps. */
export interface Cursor {
  /** Pages, objects or calls that are done. */
  done: number
  /** Where in a region it began; null before it did. */
  start: Pages | null
  charged: Pages
  reclaimed: Pages
  swapped: Pages
}

export const newCursor = (): Cursor => ({ done: 0, start: null, charged: 0, reclaimed: 0, swapped: 0 })

/** What a verb may use. */
export interface Context extends Surroundings {
  readonly workload: Workload
  readonly cursor: Cursor
}

export type RunVerb = (ctx: Context, args: Args) => Outcome | Refusal

export interface Verb {
  readonly usage: Usage
  /** The task named by T does it itself: a frozen, stopped or busy one does it later. */
  readonly acts: boolean
  /** It lets time pass, in which the lines of others go on. */
  readonly waits: boolean
  /** The step of the project that brings it, for verbs that are not modelled yet. */
  readonly arrives: number
  readonly run?: RunVerb
}

/** A verb that a task does. */
export const acting = (usage: string, run: RunVerb): Verb => ({
  usage: parseUsage(usage),
  acts: true,
  waits: false,
  arrives: 1,
  run,
})
/** A verb that is done to tasks or to the machine. */
export const done = (usage: string, run: RunVerb): Verb => ({
  usage: parseUsage(usage),
  acts: false,
  waits: false,
  arrives: 1,
  run,
})
/** A verb in which time passes. */
export const waiting = (usage: string, run: RunVerb): Verb => ({ ...done(usage, run), waits: true })
/** A verb of the language whose behaviour is not modelled yet. */
export const later = (arrives: number, usage: string): Verb => ({
  usage: parseUsage(usage),
  acts: false,
  waits: false,
  arrives,
})

/** `cpu=` on a verb moves the task there first; a list of CPUs deals out what is counted. */
export function placeTask(task: Task, args: Args): readonly Cpu[] {
  const cpus = args.cpus()
  if (cpus === undefined) return [task.cpu]
  task.cpu = cpus[0]!
  return cpus
}

/** Flags of what the task charges: those of `gfp=`, and what is so while it is interrupted. */
export function gfpOf(task: Task, args: Args): Gfp {
  const gfp = args.has('gfp') ? args.number('gfp') : GFP_KERNEL
  return task.inInterrupt ? (gfp & ~GFP_WAIT) | IN_INTERRUPT : gfp
}

/** In whose name the task charges. */
export function actorOf({ kernel }: Context, task: Task, args: Args): Actor {
  placeTask(task, args)
  const { cpu } = task
  const node = args.has('node') ? args.number('node') : nodeOf(kernel.tree, cpu)
  return { mm: task.mm!, cpu, node, gfp: gfpOf(task, args) }
}

/**
 * The end of a system call or fault of the task: what it owes to memory.high is due, and a kill takes effect. It may
 * have fallen asleep then.
 */
export function endOfCall({ kernel }: Context, task: Task): void {
  const { mm } = task
  if (mm !== null) returnToUser(kernel.engine, mm, task.cpu)
  const sleep = mm === null ? null : takeSleep(mm)
  kernel.settle()
  if (task.state !== 'alive') return
  if (task.dying) exitProcess(kernel.tree, task.leader)
  else if (sleep !== null) fallAsleep(kernel.tree, task, sleep)
}

/** A task that sleeps or is gone does nothing more of its line now. */
export const isAwake = (task: Task): boolean => task.state === 'alive' && task.sleep === null

/** The outcome of something that was to be done `wanted` times: short of that, memory was refused. */
export function progress(
  ctx: Context,
  task: Task,
  name: string,
  got: number,
  wanted: number,
  words: ByteString,
): Outcome {
  const { kills } = ctx.workload
  const kill = kills.find(each => each.task === task.name) ?? kills[0]
  const killed = kills.map(each => ` killed=${each.task} oom=${each.at}`).join('')
  if (got === wanted && task.state === 'alive')
    return { errno: OK, words: `${task.name} ${name}=${got}${killed}${words}` }
  return { errno: ENOMEM, words: `${name}=${got} of=${wanted}${killed}${words}`, note: refusedNote(task, kill) }
}

/** The outcome of what is done in pieces as far as the cursor says: short of `wanted`, it goes on when the task wakes. */
export function progressInPieces(ctx: Context, task: Task, name: string, wanted: number, words: ByteString): Outcome {
  const { done } = ctx.cursor
  if (done === wanted || task.state !== 'alive' || task.sleep === null)
    return progress(ctx, task, name, done, wanted, words)
  return { errno: OK, words: `${task.name} ${name}=${done} of=${wanted}`, unfinished: true }
}

function refusedNote(task: Task, kill: Kill | undefined): string {
  if (kill !== undefined) return `${kill.limit} reached, nothing left to reclaim; ${kill.task} was killed`
  return `the charge to ${pathOf(task.cgroups[0]!)} was refused: nothing left to reclaim and nobody to kill`
}
