/**
 * Verbs that wait: for tasks that have something left to do, or for all deferred work (workload.md §7.4).
 *
 * On a manual clock they move time to where they end. On a real clock the write waits for the host's time.
 */
import type { WorkKind } from '../clock.ts'
import { STALL_ENDS } from '../engine/psi/hold.ts'
import { PSI_POLL, PSI_STEP } from '../engine/psi/trigger.ts'
import { ENOENT, type Errno, ETIMEDOUT, OK, type Ok } from '../errno.ts'
import { TASK_WAKES } from '../tree/sleep.ts'
import type { Task } from '../tree/task.ts'
import { type Nanoseconds, seconds } from '../units.ts'
import type { Args } from './args.ts'
import { type Context, type Outcome, type Verb, waiting } from './verb.ts'
import type { WaitFor, Workload } from './workload.ts'

const DEFAULT_SETTLE: Nanoseconds = seconds(60)

/** Deferred: the latest end of a wait has come. */
export const DEADLINE: WorkKind = 'wait-deadline'

/**
 * What nobody waits for by waiting for everything deferred: other ends of waits, sleepers, pressure that is held and
 * those who watch it.
 */
const NOT_WORK: readonly WorkKind[] = [DEADLINE, TASK_WAKES, STALL_ENDS, PSI_POLL, PSI_STEP]

/** Whether what is waited for has come. */
export function isOver({ kernel, workload }: Pick<Context, 'kernel' | 'workload'>, what: WaitFor): boolean {
  if (what.kind === 'settle') return kernel.engine.clock.queue.every(item => NOT_WORK.includes(item.kind))
  return !workload.jobs.some(job => what.pid === undefined || job.pid === what.pid)
}

/** The errno of the first line of those waited for that failed, and what they did. */
export function outcomeOfWait(workload: Workload, what: WaitFor, errno: Errno | Ok): Outcome {
  const lines = workload.finished
    .splice(0)
    .filter(each => what.kind === 'settle' || what.pid === undefined || each.pid === what.pid)
  const failed = lines.find(each => each.errno !== OK)
  return {
    errno: errno === OK ? (failed?.errno ?? OK) : errno,
    words: `lines=${lines.length}`,
    ...(lines.length > 0 && { note: lines.map(each => each.text).join('; ') }),
  }
}

function wait(ctx: Context, args: Args): Outcome {
  const who = args.text('WHO') as 'all' | Task
  const what: WaitFor = { kind: 'wait', pid: who === 'all' ? undefined : who.pid }
  const limit = args.has('max') ? args.number('max') : Number.POSITIVE_INFINITY
  return waitFor(ctx, what, limit)
}

function settle(ctx: Context, args: Args): Outcome {
  return waitFor(ctx, { kind: 'settle' }, args.has('max') ? args.number('max') : DEFAULT_SETTLE)
}

function waitFor(ctx: Context, what: WaitFor, limit: Nanoseconds): Outcome {
  const { kernel, workload } = ctx
  kernel.settle()
  workload.runReady()
  const deadline = kernel.now + limit
  if (!isOver(ctx, what) && workload.isReal) {
    workload.postpone(what, deadline)
    return { errno: OK, words: '' }
  }
  while (!isOver(ctx, what)) {
    if (kernel.step(deadline) === undefined) {
      if (Number.isFinite(deadline)) kernel.advanceTo(deadline)
      return { ...outcomeOfWait(workload, what, ETIMEDOUT), note: 'nothing is due any more that would end it' }
    }
    workload.runReady()
  }
  return outcomeOfWait(workload, what, OK)
}

/** Runs exactly COUNT items of deferred work, each at its own time. */
function step({ kernel, workload }: Context, args: Args): Outcome {
  const count = args.has('COUNT') ? args.number('COUNT') : 1
  const kinds: WorkKind[] = []
  while (kinds.length < count) {
    const item = kernel.step(Number.POSITIVE_INFINITY)
    if (item === undefined) break
    kinds.push(item.kind)
    workload.runReady()
  }
  const words = `steps=${kinds.length} clock=${kernel.now}`
  if (kinds.length === count) return { errno: OK, words, note: kinds.join(', ') }
  return { errno: ENOENT, words: `${words} of=${count}`, note: 'nothing else is deferred' }
}

export const waitVerbs: readonly Verb[] = [
  waiting('wait WHO [max=TIME]', wait),
  waiting('settle [max=TIME]', settle),
  waiting('step [COUNT]', step),
]
