/**
 * Processes of the host in simulated cgroups. They are listed and counted, nothing more: they are never signalled,
 * stopped or charged. When one has exited is found out by asking, whenever somebody looks at its cgroup.
 */
import { type Cgroup, isDescendantOf } from './cgroup.ts'
import { exitTask } from './exit.ts'
import { isReal, type Task } from './task.ts'
import type { Tree } from './tree.ts'

/** Real processes in `cg` or below that have exited leave the lists. */
export function checkRealTasks(tree: Tree, cg: Cgroup): void {
  if (tree.realTasks === 0) return
  const gone: Task[] = []
  for (const task of tree.tasks.values()) {
    if (!isReal(task) || !isDescendantOf(task.cgroups[0]!, cg)) continue
    if (!tree.host.alive(task.pid, task.realToken!)) gone.push(task)
  }
  for (const task of gone) exitTask(tree, task)
}
