/**
 * New tasks: processes and threads, simulated or of the host. Kernel: kernel/fork.c, cgroup_can_fork, cgroup_post_fork.
 */
import { createBelongings } from '../engine/belongings.ts'
import { copyRegions, growTables } from '../engine/fault.ts'
import { GFP_KERNEL } from '../engine/gfp.ts'
import { nodeOfCpu } from '../engine/machine.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { createMm, exitMm, type Mm } from '../engine/mm.ts'
import { allocTaskMemory, freeTaskMemory, type TaskMemory } from '../engine/taskmemory.ts'
import { ENOMEM, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import type { Cpu, NodeNumber, Pid, Uid } from '../units.ts'
import { attachNew } from './attach.ts'
import type { Cgroup } from './cgroup.ts'
import { effectiveState } from './control.ts'
import { taskEntered } from './freezer.ts'
import type { RealProcess } from './host.ts'
import { addTask } from './populated.ts'
import { pressureGroup } from './pressure.ts'
import type { Task } from './task.ts'
import { inSet, type Tree } from './tree.ts'

export interface NewTask {
  readonly name: string
  readonly cgroup: Cgroup
  readonly uid: Uid
  readonly cpu: Cpu
  readonly kthread: boolean
  readonly bare: boolean
  readonly oomScoreAdj: number
}

/** Where the next task without a wish runs: they go round. */
export function nextCpu(tree: Tree): Cpu {
  const cpu = tree.nextCpu
  tree.nextCpu = (cpu + 1) % tree.engine.machine.cpus
  return cpu
}

export const nodeOf = (tree: Tree, cpu: Cpu): NodeNumber => nodeOfCpu(tree.engine.machine, cpu)

/** May a task be made here? Counted in every controller that says yes, in none if one says no. */
function canFork(tree: Tree, cg: Cgroup): Ok | Errno {
  const asked: number[] = []
  for (const c of inSet(tree, cg.hierarchy.controllers)) {
    const allowed = tree.controllers[c]!.canFork?.(tree, effectiveState(tree, cg, c)) ?? OK
    if (!isErrno(allowed)) {
      asked.push(c)
      continue
    }
    for (const done of asked) tree.controllers[done]!.uncount?.(tree, effectiveState(tree, cg, done))
    return allowed
  }
  return OK
}

function cancelFork(tree: Tree, cg: Cgroup): void {
  for (const c of inSet(tree, cg.hierarchy.controllers))
    tree.controllers[c]!.uncount?.(tree, effectiveState(tree, cg, c))
}

/** The memcg that pays for a task in this cgroup. */
export function memcgFor(tree: Tree, cg: Cgroup): MemCgroup {
  const c = tree.controllers.findIndex(controller => controller.name === 'memory')
  return effectiveState(tree, cg, c).memcg!
}

/** Kernel memory of a new task, charged to its cgroup; null if it is to have none, ENOMEM if it was refused. */
function taskMemory(tree: Tree, what: NewTask, kind: 'process' | 'thread'): TaskMemory | null | Errno {
  const { engine } = tree
  if (what.bare || !engine.options.taskOverhead) return null
  const { cpu, cgroup } = what
  return allocTaskMemory(engine, memcgFor(tree, cgroup), kind, cpu, nodeOf(tree, cpu)) ?? ENOMEM
}

/** The bare record; it is its own leader unless it is a thread. */
function record(what: NewTask, pid: Pid, of: Pick<Task, 'mm' | 'memory' | 'realToken'>, leader?: Task): Task {
  const task = {
    name: what.name,
    pid,
    threads: new Set(),
    cgroups: [what.cgroup],
    css: what.cgroup.css.map(() => null),
    uid: what.uid,
    kthread: what.kthread,
    bare: what.bare,
    cpu: what.cpu,
    state: 'alive',
    staysZombie: false,
    frozen: false,
    stopped: false,
    sleep: null,
    inInterrupt: false,
    dying: false,
    objects: [],
    pages: [],
    holds: [],
    belongings: createBelongings(),
    ...of,
  } as Omit<Task, 'leader'> as Task
  task.leader = leader ?? task
  return task
}

function enter(tree: Tree, task: Task): Task {
  const cg = task.cgroups[0]!
  task.leader.threads.add(task)
  tree.tasks.set(task.pid, task)
  if (task.name !== '') tree.tasksByName.set(task.name, task)
  attachNew(tree, task, cg, (at, c) => effectiveState(tree, at, c))
  addTask(tree, cg, task)
  taskEntered(tree, task, cg)
  return task
}

/** A new process; a child of `parent` with a copy of its address space when there is one. */
export function spawnProcess(tree: Tree, what: NewTask, parent: Task | null): Task | Errno {
  const { engine } = tree
  const allowed = canFork(tree, what.cgroup)
  if (isErrno(allowed)) return allowed
  const memory = taskMemory(tree, what, 'process')
  if (isErrno(memory)) {
    cancelFork(tree, what.cgroup)
    return memory
  }
  const mm = what.kthread ? null : newMm(tree, what, memory !== null, parent)
  if (isErrno(mm)) {
    if (memory !== null) freeTaskMemory(engine, memory, what.cpu)
    cancelFork(tree, what.cgroup)
    return mm
  }
  return enter(tree, record(what, tree.nextPid++, { mm, memory, realToken: null }))
}

function newMm(tree: Tree, what: NewTask, withTables: boolean, parent: Task | null): Mm | Errno {
  const { engine } = tree
  const { cpu } = what
  const mm = createMm(engine, memcgFor(tree, what.cgroup), withTables ? [] : null)
  mm.psi = pressureGroup(tree, what.cgroup)
  mm.oomScoreAdj = what.oomScoreAdj
  mm.privileged = what.uid === 0
  mm.parent = parent?.mm?.id ?? 0
  const actor = { mm, cpu, node: nodeOf(tree, cpu), gfp: GFP_KERNEL }
  const copied = growTables(engine, mm, 0, actor) && (parent?.mm == null || copyRegions(engine, parent.mm, mm, actor))
  if (copied) return mm
  exitMm(engine, mm, cpu)
  return ENOMEM
}

/** A new thread of a living process. */
export function spawnThread(tree: Tree, what: NewTask, leader: Task, mm: Mm | null): Task | Errno {
  const allowed = canFork(tree, what.cgroup)
  if (isErrno(allowed)) return allowed
  const memory = taskMemory(tree, what, 'thread')
  if (isErrno(memory)) {
    cancelFork(tree, what.cgroup)
    return memory
  }
  return enter(tree, record(what, tree.nextPid++, { mm, memory, realToken: null }, leader))
}

/** A process of the host enters a cgroup. It comes from outside: no limit is asked, as for any move. */
export function adoptProcess(tree: Tree, real: RealProcess, cg: Cgroup): Task {
  const kthread = real.kind !== 'user'
  const what = { name: '', cgroup: cg, uid: real.uid, cpu: 0, kthread, bare: true, oomScoreAdj: 0 }
  for (const c of inSet(tree, cg.hierarchy.controllers)) tree.controllers[c]!.count?.(tree, effectiveState(tree, cg, c))
  tree.realTasks++
  return enter(tree, record(what, real.tgid, { mm: null, memory: null, realToken: real.token }))
}
