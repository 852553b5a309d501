/**
 * What a verb is: its usage, when it arrives, and what it does.
 */

import { GFP_KERNEL } from '../engine/gfp.ts'
import { returnToUser } from '../engine/high.ts'
import type { Actor } from '../engine/usercharge.ts'
import { ENOMEM, type Errno, OK, type Ok } from '../errno.ts'
import { pathOf } from '../tree/cgroup.ts'
import { exitProcess } from '../tree/exit.ts'
import { nodeOf } from '../tree/spawn.ts'
import type { Task } from '../tree/task.ts'
import type { ByteString, Cpu } from '../units.ts'
import type { Args, Refusal, Surroundings } from './args.ts'
import { parseUsage, type Usage } from './usage.ts'
import type { Kill, Workload } from './workload.ts'

/** What a line did. `words` is for programs, `note` for people. */
export interface Outcome {
  readonly errno: Errno | Ok
  readonly words: ByteString
  readonly note?: string
}

/** What a verb may use. */
export interface Context extends Surroundings {
  readonly workload: Workload
}

export type RunVerb = (ctx: Context, args: Args) => Outcome | Refusal

export interface Verb {
  readonly usage: Usage
  /** The task named by T does it itself: a frozen, stopped or busy one does it later. */
  readonly acts: boolean
  /** The step of the project that brings it, for verbs that are not modelled yet. */
  readonly arrives: number
  readonly run?: RunVerb
}

/** A verb that a task does. */
export const acting = (usage: string, run: RunVerb): Verb => ({ usage: parseUsage(usage), acts: true, arrives: 1, run })
/** A verb that is done to tasks or to the machine. */
export const done = (usage: string, run: RunVerb): Verb => ({ usage: parseUsage(usage), acts: false, arrives: 1, run })
/** A verb of the language whose behaviour is not modelled yet. */
export const later = (arrives: number, usage: string): Verb => ({ usage: parseUsage(usage), acts: false, arrives })

/** `cpu=` on a verb moves the task there first; a list of CPUs deals out what is counted. */
export function placeTask(task: Task, args: Args): readonly Cpu[] {
  const cpus = args.cpus()
  if (cpus === undefined) return [task.cpu]
  task.cpu = cpus[0]!
  return cpus
}

/** In whose name the task charges. */
export function actorOf({ kernel }: Context, task: Task, args: Args): Actor {
  placeTask(task, args)
  const { cpu } = task
  const node = args.has('node') ? args.number('node') : nodeOf(kernel.tree, cpu)
  return { mm: task.mm!, cpu, node, gfp: args.has('gfp') ? args.number('gfp') : GFP_KERNEL }
}

/** The end of a system call or fault of the task: what it owes to memory.high is due, and a kill takes effect. */
export function endOfCall(ctx: Context, task: Task): void {
  if (task.mm !== null) returnToUser(ctx.kernel.engine, task.mm, task.cpu)
  ctx.kernel.settle()
  if (task.dying && task.state === 'alive') exitProcess(ctx.kernel.tree, task.leader)
}

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
  return { errno: ENOMEM, words: `${name}=${got} of=${wanted}${killed}${words}`, note: refusedNote(ctx, task, kill) }
}

function refusedNote({ kernel }: Context, task: Task, kill: Kill | undefined): string {
  if (kill !== undefined) return `${kill.limit} reached, nothing left to reclaim; ${kill.task} was killed`
  return `the charge to ${pathOf(task.cgroups[0]!)} was refused: nothing left to reclaim and nobody to kill; the kernel ${kernel.setup.profile.id} would let the fault try again`
}
