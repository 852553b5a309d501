/**
 * Moving tasks. Kernel: kernel/cgroup/cgroup.c, __cgroup_procs_write, cgroup_attach_permissions;
 * kernel/cgroup/cgroup-v1.c, __cgroup1_procs_write.
 */
import { EACCES, EBUSY, EINVAL, ENODEV, EOPNOTSUPP, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { parseInteger, trim } from '../formats/parse.ts'
import type { ByteString, Pid } from '../units.ts'
import { reattach } from './attach.ts'
import { type Cgroup, commonAncestor } from './cgroup.ts'
import { effectiveState } from './control.ts'
import type { Access } from './controller.ts'
import { putCss } from './css.ts'
import { taskEntered, taskLeft } from './freezer.ts'
import type { RealProcess } from './host.ts'
import { addTask, removeTask } from './populated.ts'
import { pressureMoves } from './pressure.ts'
import { checkRealTasks } from './real.ts'
import { adoptProcess } from './spawn.ts'
import { cgroupOf, isReal, type Task } from './task.ts'
import { canBeThreadRoot, isThreaded, isValidDomain } from './threaded.ts'
import { inSet, type Tree } from './tree.ts'

export interface MoveRequest extends Pick<Access, 'caller' | 'opener' | 'mayWrite'> {
  readonly text: ByteString
  /** A single thread (cgroup.threads, tasks) or a whole process (cgroup.procs). */
  readonly thread: boolean
}

const ANY_PID = { min: 0, max: 2 ** 31 - 1, outside: EINVAL, overflow: EINVAL } as const

/** A write of cgroup.procs, cgroup.threads or tasks. */
export function writeProcs(tree: Tree, to: Cgroup, request: MoveRequest): Ok | Errno {
  if (!to.alive) return ENODEV
  const number = parseInteger(trim(request.text), ANY_PID)
  if (isErrno(number)) return number
  const found = findTask(tree, number, request)
  if (isErrno(found)) return found
  const from = 'cgroups' in found ? cgroupOf(found, to.hierarchy.index) : to.hierarchy.root
  if (!mayMove(found, from, to, request)) return EACCES
  const usable = maySettle(tree, to)
  if (isErrno(usable)) return usable
  if (request.thread && !mayPart(from, to)) return EOPNOTSUPP
  if (!('cgroups' in found)) {
    // A zombie is found, and stays where it is.
    if (tree.host.alive(found.tgid, found.token)) adoptProcess(tree, found, to)
    return OK
  }
  return moveTasks(tree, request.thread ? [found] : [...found.threads], to)
}

/** On version 2 rights on the tree decide, on version 1 whose process it is. */
function mayMove(who: Task | RealProcess, from: Cgroup, to: Cgroup, { opener, mayWrite }: MoveRequest): boolean {
  if (to.hierarchy.version === 2) return mayWrite(commonAncestor(from, to), 'cgroup.procs')
  return opener.privileged || opener.uid === who.uid
}

/** May a thread leave the other threads of its process? On version 2 only within one resource domain. */
export const mayPart = (from: Cgroup, to: Cgroup): boolean => to.hierarchy.version === 1 || from.domain === to.domain

/** The task a number names: a simulated one, a process we know, or one of the host that was never moved before. */
function findTask(tree: Tree, number: Pid, { caller, thread }: MoveRequest): Task | RealProcess | Errno {
  let pid: Pid | Errno = number
  if (number === 0) pid = thread ? caller.tid() : caller.tgid()
  else if (!tree.tasks.has(number)) pid = caller.fromView(number)
  if (isErrno(pid)) return pid
  let task = tree.tasks.get(pid)
  if (task !== undefined && isReal(task)) {
    checkRealTasks(tree, task.cgroups[0]!)
    task = tree.tasks.get(pid)
  }
  if (task !== undefined) return thread ? task : task.leader
  const real = tree.host.find(pid)
  if (isErrno(real)) return real
  if (real.kind === 'bound-kthread') return EINVAL
  // A thread stands for its process: threads of real processes are not told apart.
  const known = tree.tasks.get(real.tgid)
  return known ?? real
}

/** May tasks live in this cgroup? On version 1 in any. Kernel: cgroup_migrate_vet_dst. */
export function maySettle(tree: Tree, cg: Cgroup): Ok | Errno {
  if (cg.hierarchy.version === 1) return OK
  if (!isValidDomain(tree, cg.domain)) return EOPNOTSUPP
  if (canBeThreadRoot(tree, cg) || isThreaded(cg)) return OK
  return cg.subtreeControl !== 0 ? EBUSY : OK
}

/** Moves living tasks, or refuses to and moves none; those that have exited stay where they were. */
export function moveTasks(tree: Tree, tasks: readonly Task[], to: Cgroup): Ok | Errno {
  const moving = tasks.filter(task => cgroupOf(task, to.hierarchy.index) !== to && task.state === 'alive')
  for (const c of inSet(tree, to.hierarchy.controllers)) {
    const allowed = tree.controllers[c]!.canAttach?.(tree, moving, effectiveState(tree, to, c)) ?? OK
    if (isErrno(allowed)) return allowed
  }
  move(tree, moving, to)
  return OK
}

function move(tree: Tree, tasks: readonly Task[], to: Cgroup): void {
  for (const task of tasks) {
    const from = cgroupOf(task, to.hierarchy.index)
    removeTask(tree, from, task)
    taskLeft(tree, task, from)
    task.cgroups[to.hierarchy.index] = to
    addTask(tree, to, task)
    reattach(tree, task, to, (at, c) => effectiveState(tree, at, c))
    taskEntered(tree, task, to)
    pressureMoves(tree, task, to)
    putCss(tree, from.self)
  }
}
