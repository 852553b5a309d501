/**
 * The freezer of version 2. Kernel: kernel/cgroup/freezer.c.
 *
 * A cgroup is to be frozen when it or an ancestor says so, and is frozen when all its tasks have stopped. Tasks stop
 * on their way to user space, a moment after they were asked; empty cgroups are frozen at once.
 */
import { schedule } from '../clock.ts'
import { milliseconds, type Nanoseconds } from '../units.ts'
import { type Cgroup, pathUp, subtree } from './cgroup.ts'
import type { Task } from './task.ts'
import { fileChanged, type Tree } from './tree.ts'

export const isToBeFrozen = (cg: Cgroup): boolean => cg.effectiveFreeze > 0

/** How long it has been to be frozen, over all times; whether tasks had stopped does not matter. 6.18 and later. */
export const timeFreezing = ({ clock }: Tree, { freezingSince, freezingTime }: Cgroup): Nanoseconds =>
  freezingTime + (freezingSince === null ? 0 : clock.now - freezingSince)

/** A new child of a cgroup that is to be frozen starts frozen: it has no tasks. */
export function startFrozen(tree: Tree, cg: Cgroup): void {
  const parent = cg.parent!
  cg.effectiveFreeze = parent.effectiveFreeze
  if (!isToBeFrozen(cg)) return
  cg.frozen = true
  cg.freezingSince = tree.clock.now
  for (const level of pathUp(parent)) level.frozenDescendants++
}

/** The cgroup is removed: its ancestors do not count it any more. */
export function stopBeingFrozen(cg: Cgroup): void {
  if (!cg.frozen) return
  cg.frozen = false
  for (const level of pathUp(cg.parent!)) level.frozenDescendants--
}

/** A write of cgroup.freeze. */
export function setFreeze(tree: Tree, cg: Cgroup, freeze: boolean): void {
  if (cg.freeze === freeze) return
  cg.freeze = freeze
  let crossed = false
  for (const each of subtree(cg)) {
    const was = isToBeFrozen(each)
    each.effectiveFreeze += freeze ? 1 : -1
    if (isToBeFrozen(each) === was) continue
    crossed = true
    if (!freeze) each.freezingTime = timeFreezing(tree, each)
    each.freezingSince = freeze ? tree.clock.now : null
    for (const task of each.tasks ?? []) askTask(tree, task, freeze)
    if (each.frozenDescendants === each.descendants) updateFrozen(tree, each)
  }
  // Nobody's state changed: an ancestor still says the same. Only this file has news.
  if (!crossed) fileChanged(tree, cg.self, 'cgroup.events')
}

/** A task is asked to stop or to go on. It stops a moment later; going on takes effect at once. */
function askTask(tree: Tree, task: Task, freeze: boolean): void {
  if (task.kthread) return
  if (freeze) schedule(tree.clock, milliseconds(tree.engine.options.workMs), 'task-stops', task.pid)
  else leaveFreezer(tree, task)
}

/** Deferred: the task has reached the point where it stops. */
export function taskStops(tree: Tree, task: Task | undefined): void {
  if (task === undefined || task.state !== 'alive' || task.frozen) return
  const cg = task.cgroups[0]!
  if (!isToBeFrozen(cg)) return
  task.frozen = true
  cg.frozenTasks++
  updateFrozen(tree, cg)
}

function leaveFreezer(tree: Tree, task: Task): void {
  if (!task.frozen) return
  const cg = task.cgroups[0]!
  task.frozen = false
  cg.frozenTasks--
  updateFrozen(tree, cg)
}

/** A task came into a cgroup, new or from another: it stops or goes on as the cgroup says. */
export function taskEntered(tree: Tree, task: Task, cg: Cgroup): void {
  if (isToBeFrozen(cg)) {
    if (!task.frozen) schedule(tree.clock, milliseconds(tree.engine.options.workMs), 'task-stops', task.pid)
    else cg.frozenTasks++
    updateFrozen(tree, cg)
  } else task.frozen = false
}

/** A task left a cgroup, by moving away or by exiting. */
export function taskLeft(tree: Tree, task: Task, cg: Cgroup): void {
  if (task.frozen) cg.frozenTasks--
  updateFrozen(tree, cg)
}

/** All its tasks count as stopped. Kernel threads never do; stopped by SIGSTOP they do. */
function allStopped(cg: Cgroup): boolean {
  if (cg.tasks === null || cg.frozenTasks === cg.tasks.size) return true
  for (const task of cg.tasks) if (!task.frozen && (!task.stopped || task.kthread)) return false
  return true
}

/** Re-evaluates whether the cgroup is frozen, and its ancestors with it. Each change is told once. */
export function updateFrozen(tree: Tree, cg: Cgroup): void {
  const frozen = isToBeFrozen(cg) && allStopped(cg)
  if (frozen === cg.frozen) return
  setFrozen(tree, cg, frozen)
  for (let level = cg.parent; level !== null; level = level.parent) {
    if (frozen) {
      if (!level.frozen && isToBeFrozen(level) && allStopped(level) && level.frozenDescendants === level.descendants)
        setFrozen(tree, level, true)
    } else if (level.frozen) setFrozen(tree, level, false)
  }
}

function setFrozen(tree: Tree, cg: Cgroup, frozen: boolean): void {
  cg.frozen = frozen
  for (let level = cg.parent; level !== null; level = level.parent) level.frozenDescendants += frozen ? 1 : -1
  fileChanged(tree, cg.self, 'cgroup.events')
}
