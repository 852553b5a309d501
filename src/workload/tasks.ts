/** Verbs about tasks: who is there, and where (workload.md §4.1). */
import { OOM_SCORE_ADJ_MAX, OOM_SCORE_ADJ_MIN } from '../engine/oomvictim.ts'
import { recoverFromOom } from '../engine/oomwait.ts'
import { EAGAIN, EBUSY, EEXIST, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, type Errno, isErrno, OK } from '../errno.ts'
import { type Cgroup, pathOf } from '../tree/cgroup.ts'
import { exitProcess, exitTask, reapTask } from '../tree/exit.ts'
import { updateFrozen } from '../tree/freezer.ts'
import { mayPart, maySettle, moveTasks } from '../tree/migrate.ts'
import { nextCpu, spawnProcess, spawnThread } from '../tree/spawn.ts'
import { cgroupOf, type Task } from '../tree/task.ts'
import { type Args, Refusal } from './args.ts'
import { isName } from './grammar.ts'
import { acting, type Context, done, type Outcome, type Verb } from './verb.ts'

const ok = (words: string): Outcome => ({ errno: OK, words })

/** Why a cgroup takes no task, or a task cannot be made in it. */
function refusedIn(errno: Errno, cg: Cgroup): Refusal {
  const path = pathOf(cg)
  switch (errno) {
    case EBUSY:
      return new Refusal(errno, `${path} has controllers on for its children, so it holds no processes itself`)
    case EOPNOTSUPP:
      return new Refusal(errno, `${path} is no valid domain: make it threaded (cgroup.type), or use another cgroup`)
    case EAGAIN:
      return new Refusal(errno, `pids.max of ${path} or of a cgroup above it is reached`)
    case ENOMEM:
      return new Refusal(errno, `the memory a task needs was refused in ${path}`)
    default:
      return new Refusal(errno, `${path} takes no task`)
  }
}

/** The names of `count` new tasks, none of which may be taken. */
function newNames({ kernel }: Context, id: string, count: number): string[] | Refusal {
  const names = count === 1 ? [id] : Array.from({ length: count }, (_, i) => `${id}.${i + 1}`)
  for (const name of names) {
    if (!isName(name)) return new Refusal(EINVAL, `"${name}" is too long for a name`)
    if (kernel.tree.tasksByName.has(name)) return new Refusal(EEXIST, `there is a task ${name} already`)
  }
  return names
}

/** Makes tasks one after the other; when one fails none stays. */
function makeAll(
  names: readonly string[],
  make: (name: string) => Task | Errno,
  unmake: (task: Task) => void,
): Task[] | Errno {
  const made: Task[] = []
  for (const name of names) {
    const task = make(name)
    if (isErrno(task)) {
      for (const each of made.reverse()) unmake(each)
      return task
    }
    made.push(task)
  }
  return made
}

const describe = (task: Task): string => `${task.name} pid=${task.pid} cgroup=${pathOf(cgroupOf(task))} cpu=${task.cpu}`

function newTask(ctx: Context, args: Args): Outcome | Refusal {
  const { tree } = ctx.kernel
  const names = newNames(ctx, args.text('ID'), 1)
  if (names instanceof Refusal) return names
  const cgroup = args.has('CGROUP') ? args.cgroup() : ctx.here
  if (!cgroup.alive) return new Refusal(ENODEV, `${pathOf(cgroup)} was removed`)
  const usable = maySettle(tree, cgroup)
  if (isErrno(usable)) return refusedIn(usable, cgroup)
  const adj = args.has('adj') ? args.number('adj') : 0
  const badAdj = checkAdj(adj)
  if (badAdj) return badAdj
  const what = {
    name: names[0]!,
    cgroup,
    uid: args.has('uid') ? args.number('uid') : 0,
    cpu: args.cpus()?.[0] ?? nextCpu(tree),
    kthread: args.flag('kthread'),
    bare: args.flag('bare') || args.flag('kthread'),
    oomScoreAdj: adj,
  }
  const task = spawnProcess(tree, what, null)
  return isErrno(task) ? refusedIn(task, cgroup) : ok(describe(task))
}

/** fork and thread: children and threads start on the CPU after their parent's. */
function newChildren(kind: 'process' | 'thread') {
  return (ctx: Context, args: Args): Outcome | Refusal => {
    const { tree } = ctx.kernel
    const parent = args.task()
    const count = args.has('count') ? args.number('count') : 1
    if (count < 1) return new Refusal(EINVAL, 'count= is at least 1')
    const names = newNames(ctx, args.text('ID'), count)
    if (names instanceof Refusal) return names
    if (parent.mm === null)
      return new Refusal(EINVAL, `${parent.name || parent.pid} has no address space to share or copy`)
    const cgroup = cgroupOf(parent)
    const cpu = (parent.cpu + 1) % ctx.kernel.setup.machine.cpus
    const { uid, bare } = parent
    const make = (name: string): Task | Errno => {
      const what = { name, cgroup, uid, cpu, kthread: false, bare, oomScoreAdj: parent.mm!.oomScoreAdj }
      return kind === 'process' ? spawnProcess(tree, what, parent) : spawnThread(tree, what, parent.leader, parent.mm)
    }
    const made = makeAll(names, make, task => exitTask(tree, task))
    if (isErrno(made)) return refusedIn(made, cgroup)
    const first = made[0]!
    return ok(
      count === 1 ? describe(first) : `${args.text('ID')} count=${count} pid=${first.pid} cgroup=${pathOf(cgroup)}`,
    )
  }
}

function exit({ kernel }: Context, args: Args): Outcome {
  const task = args.task()
  task.staysZombie = args.flag('zombie')
  exitTask(kernel.tree, task)
  return ok(task.name)
}

function reap({ kernel }: Context, args: Args): Outcome | Refusal {
  const task = args.task('ZOMBIE')
  if (task.state !== 'zombie') return new Refusal(EINVAL, `${task.name} is alive; only a zombie is reaped`)
  reapTask(kernel.tree, task)
  return ok(task.name)
}

function kill({ kernel }: Context, args: Args): Outcome {
  const { tree } = kernel
  const { leader } = args.task()
  const signal = args.has('sig') ? args.text('sig') : '9'
  if (signal !== '9') {
    for (const thread of leader.threads) {
      thread.stopped = signal === 'STOP'
      updateFrozen(tree, cgroupOf(thread))
    }
  } else if (args.flag('pending')) {
    leader.dying = true
    if (leader.mm !== null) leader.mm.dying = true
  } else exitProcess(tree, leader)
  return ok(`${leader.name} sig=${signal}`)
}

function move({ kernel }: Context, args: Args): Outcome | Refusal {
  const { tree } = kernel
  const task = args.task()
  const to = args.cgroup()
  const usable = maySettle(tree, to)
  if (isErrno(usable)) return refusedIn(usable, to)
  const one = args.flag('thread')
  if (one && !mayPart(cgroupOf(task, to.hierarchy.index), to))
    return new Refusal(
      EOPNOTSUPP,
      `${pathOf(to)} is in another domain; a single thread moves within one threaded subtree`,
    )
  const moved = moveTasks(tree, one ? [task] : [...task.leader.threads], to)
  if (isErrno(moved))
    return new Refusal(moved, `${pathOf(to)} has no room for the memory that ${task.name} would bring along`)
  return ok(`${task.name} cgroup=${pathOf(to)}`)
}

function checkAdj(adj: number): Refusal | undefined {
  if (adj >= OOM_SCORE_ADJ_MIN && adj <= OOM_SCORE_ADJ_MAX) return undefined
  return new Refusal(EINVAL, `oom_score_adj is ${OOM_SCORE_ADJ_MIN} to ${OOM_SCORE_ADJ_MAX}, not ${adj}`)
}

function setAdj({ kernel }: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  const adj = args.number('N')
  const bad = checkAdj(adj)
  if (bad) return bad
  if (task.mm === null)
    return new Refusal(EINVAL, `${task.name || task.pid} has no address space: it is never a victim`)
  task.mm.oomScoreAdj = adj
  // The killer may have somebody to kill now.
  recoverFromOom(kernel.engine, task.mm.memcg)
  return ok(`${task.name} adj=${adj}`)
}

/** What the task charges from now on is charged in interrupt context: its kernel memory to nobody, nothing may wait. */
function irq(_: Context, args: Args): Outcome | Refusal {
  const task = args.task()
  if (args.flag('on') === args.flag('off')) return new Refusal(EINVAL, 'usage: irq T on, or irq T off')
  task.inInterrupt = args.flag('on')
  return ok(`${task.name} irq=${task.inInterrupt ? 'on' : 'off'}`)
}

/** Back to user space now: every line of a task ends so. */
const returnNow = (_: Context, args: Args): Outcome => ok(args.task().name)

export const taskVerbs: readonly Verb[] = [
  done('task ID [CGROUP] [cpu=CPUS] [adj=N] [uid=N] [bare] [kthread]', newTask),
  acting('fork T ID [count=N]', newChildren('process')),
  acting('thread T ID [count=N]', newChildren('thread')),
  acting('exit T [zombie]', exit),
  done('reap ZOMBIE', reap),
  done('kill T [sig=9|STOP|CONT] [pending]', kill),
  done('move T CGROUP [thread]', move),
  done('adj T N', setAdj),
  done('irq T [on] [off]', irq),
  acting('return T', returnNow),
]
