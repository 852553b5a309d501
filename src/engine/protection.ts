/**
 * What memory.min and memory.low protect, when `target` is reclaimed. Kernel: mm/page_counter.c effective_protection,
 * mm/memcontrol.c mem_cgroup_low (up to 4.17), mem_cgroup_protected; mm/vmscan.c get_scan_count.
 *
 * Protection is computed from the target down each time it is asked for: nothing of it is stored.
 */
import type { Features } from '../profiles/features.ts'
import type { Pages } from '../units.ts'
import { childrenLowUsage, childrenMinUsage, lowOf, minOf, usage } from './counter.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'

/** Protected pages of a memcg: never taken (`min`), taken only when there is nothing else (`low`). */
export interface Protection {
  readonly min: Pages
  readonly low: Pages
}

const NONE: Protection = { min: 0, low: 0 }

/** What one of the two settings of a memcg comes to, below the effective value of its parent. */
export interface Claim {
  readonly usage: Pages
  readonly parentUsage: Pages
  readonly setting: Pages
  /** Effective value of the parent. */
  readonly parent: Pages
  /** What the memcg and its siblings claim together, each at most what it uses. */
  readonly siblings: Pages
  /** Mount option memory_recursiveprot: what nobody claims is shared out by use. */
  readonly recursive: boolean
}

/** Up to 5.6: at most what the parent has, and of that a share by use. */
export function proportionalProtection({ usage, setting, parent, siblings }: Claim): Pages {
  const protectedUsage = Math.min(usage, setting)
  const most = Math.min(setting, parent)
  if (most === 0 || protectedUsage === 0 || siblings === 0) return most
  return Math.min(most, Math.floor((parent * protectedUsage) / siblings))
}

/** 5.7 and later: shares only where more is claimed than there is; unclaimed protection is shared where that is wanted. */
export function claimedProtection(claim: Claim): Pages {
  const { usage, parentUsage, setting, parent, siblings, recursive } = claim
  const claimed = Math.min(usage, setting)
  if (siblings > parent) return Math.floor((claimed * parent) / siblings)
  if (!recursive || parent <= siblings || parentUsage <= siblings || usage <= claimed) return claimed
  return claimed + Math.floor(((parent - siblings) * (usage - claimed)) / (parentUsage - siblings))
}

/** What is protected of `m` while `target`, which is `m` or above it, is reclaimed. */
export function effectiveProtection(e: Engine, target: MemCgroup, m: MemCgroup): Protection {
  const { counters, features } = e
  const { parent } = m
  const used = usage(counters, m.memory)
  if (m === target || parent === null || used === 0) return NONE
  const own = { min: minOf(counters, m.memory), low: lowOf(counters, m.memory) }
  if (parent === target) return own
  const above = effectiveProtection(e, target, parent)
  const share =
    features.protection === 'P1' || features.protection === 'P1+scan' ? proportionalProtection : claimedProtection
  const parentUsage = usage(counters, parent.memory)
  const recursive = features.recursiveProtOption && e.options.memoryRecursiveprot
  const claim = { usage: used, parentUsage, recursive }
  return {
    min: share({ ...claim, setting: own.min, parent: above.min, siblings: childrenMinUsage(counters, parent.memory) }),
    low: share({ ...claim, setting: own.low, parent: above.low, siblings: childrenLowUsage(counters, parent.memory) }),
  }
}

/**
 * Up to 4.17: protected as a whole or not at all. It is while it and everything above it, the target included, use less
 * than their memory.low.
 */
function isLow(e: Engine, target: MemCgroup, m: MemCgroup): boolean {
  for (let level = m; level.parent !== null; level = level.parent) {
    if (usage(e.counters, level.memory) >= lowOf(e.counters, level.memory)) return false
    if (level === target) break
  }
  return m.parent !== null
}

/**
 * Where a share of protection goes to those alone who stay within their settings: up to 5.3, as the selftest's split of
 * 33 and 17 MiB there shows; from 5.5 on it is that of min(usage, setting) (profiles.md D7).
 */
export const overuseClaimsNothing = ({ protection }: Features): boolean => ['P0', 'P1'].includes(protection)

/** How a memcg is protected: skipped always, skipped unless nothing else was found, or not. */
export function standing(e: Engine, target: MemCgroup, m: MemCgroup, { min, low }: Protection): 'min' | 'low' | 'none' {
  if (e.features.protection === 'P0') return isLow(e, target, m) ? 'low' : 'none'
  const used = usage(e.counters, m.memory)
  if (min > 0 && used <= min) return 'min'
  return low > 0 && used <= low ? 'low' : 'none'
}

/** The least that a list of a protected memcg is worth. Kernel: SWAP_CLUSTER_MAX. */
const LEAST_SCAN: Pages = 32

/** Scanning in proportion to what is not protected (5.4 and later): which part of a list of `size` pages counts. */
export function scaledSize(e: Engine, size: Pages, used: Pages, protectedPages: Pages): Pages {
  const { protection } = e.features
  const most = Math.max(used, protectedPages)
  // From 5.15 on one more, so that nobody divides by zero.
  const divisor = protection === 'P3' || protection === 'P4' ? most + 1 : most
  return Math.max(size - Math.floor((size * protectedPages) / divisor), LEAST_SCAN)
}

/** Whether scanning is in proportion, and whether protection that slowed it down calls for another try without it. */
export const scalesScan = ({ features }: Engine): boolean =>
  features.protection !== 'P0' && features.protection !== 'P1'
export const scalingSkips = ({ features }: Engine): boolean =>
  features.protection === 'P3' || features.protection === 'P4'
