/**
 * Killing: cgroup.kill, and what the OOM killer decided. Real processes are never signalled.
 * Kernel: kernel/cgroup/cgroup.c, __cgroup_kill.
 */
import { type Cgroup, subtree } from './cgroup.ts'
import { exitProcess } from './exit.ts'
import { isReal, type Task } from './task.ts'
import type { Tree } from './tree.ts'

/** SIGKILL to every simulated process in the cgroup and below, frozen or not. */
export function killCgroup(tree: Tree, cg: Cgroup): void {
  for (const each of [...subtree(cg)])
    for (const task of [...(each.tasks ?? [])]) if (!task.kthread && !isReal(task)) exitProcess(tree, task.leader)
}

/** The simulated process an address space belongs to. */
export function processOf(tree: Tree, mm: number): Task | undefined {
  for (const task of tree.tasks.values()) if (task.mm?.id === mm) return task.leader
  return undefined
}

/** The OOM killer chose a process: the signal is pending until it ends (`victimExits`). */
export function signalVictim(tree: Tree, mm: number): void {
  const victim = processOf(tree, mm)
  if (victim !== undefined) victim.dying = true
}

/** The victim ends. */
export function victimExits(tree: Tree, mm: number): void {
  const victim = processOf(tree, mm)
  if (victim !== undefined) exitProcess(tree, victim)
}
