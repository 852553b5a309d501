/**
 * What a memcg has on version 1 only. Kernel: mm/memcontrol.c, mm/memcontrol-v1.c; charge-reclaim.md §5.5, §11.
 */
import type { Pages } from '../units.ts'
import { PAGE_COUNTER_MAX } from './counter.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'

/** Who is told by an eventfd, or by `.memcgfs/notify`. Numbers are given out by the tree. */
export type ListenerId = number

/** Thresholds of one counter in rising order. Kernel: struct mem_cgroup_threshold_ary. */
export interface Thresholds {
  readonly entries: { readonly pages: Pages; readonly listener: ListenerId }[]
  /** Index of the last entry that the usage had reached at the last look; -1 for none. */
  current: number
}

export const PRESSURE_LEVELS = ['low', 'medium', 'critical'] as const
export type PressureLevel = (typeof PRESSURE_LEVELS)[number]
/** Which pressure of other memcgs is heard: none, that nobody nearer has heard, or all from below. */
export const PRESSURE_MODES = ['default', 'hierarchy', 'local'] as const
export type PressureMode = (typeof PRESSURE_MODES)[number]

export interface PressureListener {
  readonly listener: ListenerId
  readonly level: PressureLevel
  readonly mode: PressureMode
}

export interface MemcgV1 {
  /** Children made from now on count in it (memory.use_hierarchy). */
  useHierarchy: boolean
  /** memory.swappiness; of the root it is that of the machine. */
  swappiness: number
  /** memory.soft_limit_in_bytes. */
  softLimit: Pages
  /** Bits of memory.move_charge_at_immigrate: 1 anonymous memory, 2 files. */
  moveCharge: number
  /** Null while nobody listens. */
  memoryThresholds: Thresholds | null
  memswThresholds: Thresholds | null
  /** By CPU: pages charged and uncharged since the thresholds were looked at; null while nobody listens. */
  pageEvents: number[] | null
  /** Nobody is killed when it is out of memory (memory.oom_control). */
  oomKillDisable: boolean
  /** Faults that wait for room in it or in a memcg above. */
  underOom: number
  oomListeners: ListenerId[]
  pressureListeners: PressureListener[]
  /** Pages scanned and reclaimed since the last level was told. */
  scanned: Pages
  reclaimed: Pages
}

/** Kernel: vm_swappiness. */
const DEFAULT_SWAPPINESS = 60

/** A child takes over what its parent says; the root starts with what the kernel says. */
export function createMemcgV1(e: Pick<Engine, 'features'>, parent: MemcgV1 | null): MemcgV1 {
  return {
    useHierarchy: parent?.useHierarchy ?? e.features.useHierarchy === 'always',
    swappiness: parent?.swappiness ?? DEFAULT_SWAPPINESS,
    softLimit: PAGE_COUNTER_MAX,
    moveCharge: 0,
    memoryThresholds: null,
    memswThresholds: null,
    pageEvents: null,
    oomKillDisable: parent?.oomKillDisable ?? false,
    underOom: 0,
    oomListeners: [],
    pressureListeners: [],
    scanned: 0,
    reclaimed: 0,
  }
}

/** How readily memory of `m` is swapped out: on version 2 as the machine says. Kernel: mem_cgroup_swappiness. */
export const swappinessOf = (m: MemCgroup): number => m.v1?.swappiness ?? DEFAULT_SWAPPINESS

/** Whether children of `m` count in it. Without, their counters have no parent, and reclaim of `m` passes them by. */
export const countsChildren = (m: MemCgroup): boolean => m.v1?.useHierarchy ?? true
