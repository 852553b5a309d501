/**
 * Who is where: tasks of a cgroup, and the `populated` key of cgroup.events up the tree.
 * Kernel: cgroup_update_populated, css_set_move_task.
 */
import { type Cgroup, isPopulated } from './cgroup.ts'
import { checkForRelease } from './release.ts'
import type { Task } from './task.ts'
import { fileChanged, type Tree } from './tree.ts'

/** A living task enters the lists of a cgroup. */
export function addTask(tree: Tree, cg: Cgroup, task: Task): void {
  const was = isPopulated(cg)
  cg.tasks ??= new Set()
  cg.tasks.add(task)
  cg.self.refs++
  if (!was) populatedChanged(tree, cg, 1)
}

/** It leaves them, by moving away or by exiting. */
export function removeTask(tree: Tree, cg: Cgroup, task: Task): void {
  cg.tasks!.delete(task)
  if (!isPopulated(cg)) populatedChanged(tree, cg, -1)
}

/** The cgroup became populated (1) or empty (-1): so may its ancestors, each of which says so once. */
function populatedChanged(tree: Tree, cg: Cgroup, change: 1 | -1): void {
  let child = cg
  fileChanged(tree, cg.self, 'cgroup.events')
  checkForRelease(tree, cg)
  for (let level = cg.parent; level !== null; level = level.parent) {
    const was = isPopulated(level)
    if (child.domain === child) level.populatedDomainChildren += change
    else level.populatedThreadedChildren += change
    if (isPopulated(level) === was) return
    checkForRelease(tree, level)
    fileChanged(tree, level.self, 'cgroup.events')
    child = level
  }
}
