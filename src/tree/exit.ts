/**
 * The end of a task: it exits, stays a zombie or not, and is reaped. Kernel: kernel/exit.c, cgroup_exit, cgroup_release.
 */
import { assert } from '../assert.ts'
import { freeBelongings } from '../engine/belongings.ts'
import { dropHold } from '../engine/dcache.ts'
import { freeKernelObjects, freeKernelPages } from '../engine/kmem.ts'
import { exitMm } from '../engine/mm.ts'
import { freeTaskMemory } from '../engine/taskmemory.ts'
import { detach } from './attach.ts'
import { putCss } from './css.ts'
import { taskLeft } from './freezer.ts'
import { removeTask } from './populated.ts'
import { cgroupOf, isLeader, isReal, type Task } from './task.ts'
import type { Tree } from './tree.ts'

/** The task ends: it leaves the lists, and what it owned is free. The last thread takes the address space with it. */
export function exitTask(tree: Tree, task: Task): void {
  if (task.state !== 'alive') return
  const { engine } = tree
  const { leader } = task
  const cg = cgroupOf(task)
  task.state = 'zombie'
  leader.threads.delete(task)
  removeTask(tree, cg, task)
  taskLeft(tree, task, cg)
  task.frozen = false
  for (const hold of task.holds.splice(0)) dropHold(engine, hold)
  for (const objects of task.objects.splice(0)) freeKernelObjects(engine, objects, objects.count, task.cpu)
  for (const pages of task.pages.splice(0)) freeKernelPages(engine, pages, pages.blocks, task.cpu)
  freeBelongings(engine, task.belongings, task.cpu)
  const { mm } = task
  task.mm = null
  if (mm !== null && leader.threads.size === 0 && engine.mms.has(mm.id)) exitMm(engine, mm, task.cpu)
  if (isLeader(task)) {
    cg.deadLeaders ??= new Set()
    cg.deadLeaders.add(task)
  } else reapTask(tree, task)
  // The leader of a process is reaped after its last thread.
  if (leader.state === 'zombie' && leader.threads.size === 0 && !leader.staysZombie) reapTask(tree, leader)
}

/** Forgets a zombie: only now it stops counting in pids.current, and lets go of its cgroup. */
export function reapTask(tree: Tree, task: Task): void {
  assert(task.state === 'zombie', 'only a zombie is reaped')
  const cg = cgroupOf(task)
  task.state = 'gone'
  cg.deadLeaders?.delete(task)
  if (task.memory !== null) freeTaskMemory(tree.engine, task.memory, task.cpu)
  task.memory = null
  tree.tasks.delete(task.pid)
  if (task.name !== '') tree.tasksByName.delete(task.name)
  if (isReal(task)) tree.realTasks--
  detach(tree, task)
  putCss(tree, cg.self)
}

/** Every thread of a process ends. */
export function exitProcess(tree: Tree, leader: Task): void {
  for (const thread of [...leader.threads]) if (thread !== leader) exitTask(tree, thread)
  exitTask(tree, leader)
}
