/**
 * Threads asleep in the kernel: until a time has come, until they are woken, or until they are killed. What the engine
 * notes with an address space is meant for the thread that acts (engine/sleep.ts).
 */
import { schedule, type WorkKind } from '../clock.ts'
import type { Sleep, SleepReason } from '../engine/sleep.ts'
import { memstallBegin, memstallEnd } from '../engine/stall.ts'
import type { Task } from './task.ts'
import type { Tree } from './tree.ts'

/** Deferred: the time of a sleeper has come. */
export const TASK_WAKES: WorkKind = 'task-wakes'

/** All are waits for memory to the kernel, but that of who waits because the killer is off. */
export const isStall = (reason: SleepReason): boolean => reason !== 'oom'

export function fallAsleep({ engine, clock }: Tree, task: Task, { reason, time }: Sleep): void {
  // There was room before it slept.
  if ((reason === 'oom' || reason === 'room') && task.mm?.waitsFor === null) return
  task.sleep = { reason, until: clock.now + time }
  if (isStall(reason)) memstallBegin(engine, task.mm!)
  if (Number.isFinite(time)) schedule(clock, time, TASK_WAKES, task.pid)
}

function endSleep({ engine }: Tree, task: Task): void {
  if (task.sleep !== null && isStall(task.sleep.reason) && task.mm !== null) memstallEnd(engine, task.mm)
  task.sleep = null
}

/** A time has come: the task wakes if it is its own. It may have been woken before and sleep again. */
export function timeComes(tree: Tree, task: Task | undefined): void {
  if (task?.sleep != null && task.sleep.until <= tree.clock.now) endSleep(tree, task)
}

/** Wakes whoever of an address space sleeps until he is woken. */
export function wakeSleepers(tree: Tree, mm: number): void {
  for (const task of tree.tasks.values())
    if (task.mm?.id === mm && task.sleep?.until === Number.POSITIVE_INFINITY) endSleep(tree, task)
}
