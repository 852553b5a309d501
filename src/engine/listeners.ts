/**
 * Telling who listens, on version 1. Kernel: memcg_write_event_control and eventfd_signal, mm/memcontrol.c.
 *
 * Listeners are numbers here: which descriptor one stands for knows the tree (tree/listeners.ts).
 */
import type { Engine } from './engine.ts'
import { forEachInSubtree, type MemCgroup } from './memcg.ts'
import type { ListenerId } from './memcg-v1.ts'

export function signal(e: Engine, listener: ListenerId): void {
  e.outbox.push({ kind: 'signal', listener, isLast: false })
}

/** memory.oom_control: whoever listens to `m` or below is told that it is out of memory. Kernel: mem_cgroup_oom_notify. */
export function notifyOom(e: Engine, m: MemCgroup): void {
  forEachInSubtree(e, m, each => {
    for (const listener of each.v1?.oomListeners ?? []) signal(e, listener)
  })
}

/** Takes a listener away, whatever it listened to. */
export function removeListener(e: Engine, { v1 }: MemCgroup, listener: ListenerId): void {
  if (v1 === null) return
  const isOther = (each: { readonly listener: ListenerId }): boolean => each.listener !== listener
  for (const which of ['memoryThresholds', 'memswThresholds'] as const) {
    const thresholds = v1[which]
    const index = thresholds?.entries.findIndex(each => !isOther(each)) ?? -1
    if (thresholds === null || index === -1) continue
    thresholds.entries.splice(index, 1)
    if (index <= thresholds.current) thresholds.current--
    e.thresholds--
  }
  v1.oomListeners = v1.oomListeners.filter(each => each !== listener)
  v1.pressureListeners = v1.pressureListeners.filter(isOther)
}

/** The memcg is removed: every listener is told a last time. Kernel: mem_cgroup_css_offline. */
export function dismissListeners(e: Engine, m: MemCgroup): void {
  if (m.v1 === null) return
  const { memoryThresholds, memswThresholds, oomListeners, pressureListeners } = m.v1
  const all = [
    ...[memoryThresholds, memswThresholds].flatMap(each => each?.entries.map(({ listener }) => listener) ?? []),
    ...oomListeners,
    ...pressureListeners.map(({ listener }) => listener),
  ]
  for (const listener of all) {
    removeListener(e, m, listener)
    e.outbox.push({ kind: 'signal', listener, isLast: true })
  }
}
