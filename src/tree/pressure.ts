/**
 * Pressure of cgroups: which group a cgroup's tasks count in. Groups exist on version 2 only; with version 1 every task
 * counts for the machine alone. Kernel: kernel/sched/psi.c psi_cgroup_alloc, cgroup_move_task.
 */
import { createGroup, enableGroup, type PsiGroup } from '../engine/psi/group.ts'
import { abandonGroup, dropTriggers } from '../engine/psi/hold.ts'
import { moveStalls } from '../engine/stall.ts'
import type { Cgroup } from './cgroup.ts'
import { isLeader, type Task } from './task.ts'
import type { Tree } from './tree.ts'

/** The group of a cgroup, made with those above it when it is first wanted. */
export function pressureGroup(tree: Tree, cg: Cgroup): PsiGroup {
  const { engine } = tree
  if (cg.parent === null || cg.hierarchy.version === 1) return engine.psi.system
  cg.psi ??= newGroup(tree, cg, pressureGroup(tree, cg.parent))
  return cg.psi
}

function newGroup({ engine }: Tree, cg: Cgroup, parent: PsiGroup): PsiGroup {
  const group = createGroup(engine, parent)
  group.enabled = !cg.pressureOff
  return group
}

/** A task is in another cgroup now. What its process stalls for counts where its leader is. */
export function pressureMoves(tree: Tree, task: Task, to: Cgroup): void {
  if (task.mm !== null && isLeader(task) && to.hierarchy.version === 2)
    moveStalls(tree.engine, task.mm, pressureGroup(tree, to))
}

/** The cgroup is removed. */
export function abandonPressure({ engine }: Tree, { psi }: Cgroup): void {
  if (psi !== null) abandonGroup(engine, psi)
}

/** cgroup.pressure: without pressure the files are hidden, who waited at them waits no more, and nothing is counted. */
export function switchPressure(tree: Tree, cg: Cgroup, on: boolean): void {
  if (cg.pressureOff === !on) return
  cg.pressureOff = !on
  tree.pressureChanged.push(cg)
  if (cg.psi === null) return
  dropTriggers(tree.engine, cg.psi)
  enableGroup(tree.engine, cg.psi, on)
}
