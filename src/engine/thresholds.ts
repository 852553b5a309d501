/**
 * Thresholds on memory.usage_in_bytes and memory.memsw.usage_in_bytes: whoever registered one is told when the usage
 * crosses it, in either direction. Kernel: mm/memcontrol.c, __mem_cgroup_threshold, memcg_check_events.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { signal } from './listeners.ts'
import type { MemCgroup } from './memcg.ts'
import type { ListenerId, Thresholds } from './memcg-v1.ts'
import { memoryUsage, memswUsage } from './usage-v1.ts'

/** The counter a threshold is on. */
export type ThresholdKind = 'memory' | 'memsw'

const LISTS = { memory: 'memoryThresholds', memsw: 'memswThresholds' } as const
const USAGES = { memory: memoryUsage, memsw: memswUsage } as const
const KINDS = ['memory', 'memsw'] as const

/** Crossings before this are told first. A threshold that the usage has reached already is told when it falls below. */
export function addThreshold(e: Engine, m: MemCgroup, kind: ThresholdKind, pages: Pages, listener: ListenerId): void {
  const v1 = m.v1!
  checkKind(e, m, kind)
  v1[LISTS[kind]] ??= { entries: [], current: -1 }
  const thresholds = v1[LISTS[kind]]!
  const { entries } = thresholds
  const after = entries.findIndex(each => each.pages > pages)
  entries.splice(after === -1 ? entries.length : after, 0, { pages, listener })
  const usage = USAGES[kind](e, m)
  thresholds.current = entries.findLastIndex(each => each.pages <= usage)
  e.thresholds++
}

/** Looks at the thresholds of `m` and above. */
export function checkThresholds(e: Engine, m: MemCgroup): void {
  for (let level: MemCgroup | null = m; level !== null; level = level.parent)
    for (const kind of KINDS) checkKind(e, level, kind)
}

function checkKind(e: Engine, m: MemCgroup, kind: ThresholdKind): void {
  const thresholds = m.v1?.[LISTS[kind]]
  if (thresholds) cross(e, thresholds, USAGES[kind](e, m))
}

function cross(e: Engine, thresholds: Thresholds, usage: Pages): void {
  const { entries } = thresholds
  while (thresholds.current >= 0 && entries[thresholds.current]!.pages > usage)
    signal(e, entries[thresholds.current--]!.listener)
  while (thresholds.current + 1 < entries.length && entries[thresholds.current + 1]!.pages <= usage)
    signal(e, entries[++thresholds.current]!.listener)
}

/**
 * Pages of user memory were charged or uncharged on `cpu`: thresholds are looked at after so many of them, not at every
 * change (option threshold_check).
 */
export function countPageEvents(e: Engine, m: MemCgroup, pages: Pages, cpu: Cpu): void {
  if (e.thresholds === 0 || m.v1 === null) return
  m.v1.pageEvents ??= new Array<number>(e.machine.cpus).fill(0)
  const seen = m.v1.pageEvents[cpu]! + pages
  const isDue = seen >= e.options.thresholdCheck
  m.v1.pageEvents[cpu] = isDue ? 0 : seen
  if (isDue) checkThresholds(e, m)
}
