/**
 * Faults that wait for room: on version 1 where the OOM killer is switched off, and wherever it finds nobody to kill.
 * Kernel: mm/memcontrol.c mem_cgroup_oom, mem_cgroup_oom_synchronize, memcg_oom_recover (charge-reclaim.md §9.3). In the
 * second case the kernel tries the fault again without end; here it sleeps until that may help.
 */
import type { Engine } from './engine.ts'
import { notifyOom } from './listeners.ts'
import { forEachInSubtree, isWithin, type MemCgroup } from './memcg.ts'
import type { Mm } from './mm.ts'
import { mustSleep, wake } from './sleep.ts'

/** The fault of `mm` goes to sleep, and `over` and what is below it are under OOM for as long as it does. */
export function waitForRoom(e: Engine, over: MemCgroup, mm: Mm, reason: 'oom' | 'room'): void {
  mustSleep(mm, { reason, time: Number.POSITIVE_INFINITY })
  if (mm.waitsFor !== null) return
  if (over.v1?.underOom === 0) notifyOom(e, over)
  mm.waitsFor = over
  e.oomWaiters.add(mm)
  forEachInSubtree(e, over, ({ v1 }) => {
    if (v1 !== null) v1.underOom++
  })
}

/** It waits no more: there may be room, it is killed, or it belongs elsewhere. */
export function stopWaiting(e: Engine, mm: Mm): void {
  const over = mm.waitsFor
  if (over === null) return
  mm.waitsFor = null
  e.oomWaiters.delete(mm)
  // Who was made meanwhile was never marked.
  forEachInSubtree(e, over, ({ v1 }) => {
    if (v1 !== null) v1.underOom = Math.max(0, v1.underOom - 1)
  })
  wake(e, mm)
}

/** There may be room in `m`: whoever waits for it, for something above it or below it tries again. */
export function recoverFromOom(e: Engine, m: MemCgroup): void {
  for (const mm of [...e.oomWaiters]) {
    const over = mm.waitsFor!
    if (isWithin(over, m) || isWithin(m, over)) stopWaiting(e, mm)
  }
}

/** memory.oom_control: with the killer on again, who waits tries again. */
export function setOomKillDisable(e: Engine, m: MemCgroup, disable: boolean): void {
  m.v1!.oomKillDisable = disable
  if (!disable) recoverFromOom(e, m)
}
