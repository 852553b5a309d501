/**
 * What became of the memory of removed memcgs since the boot, counted where it happens (charge-reclaim.md §13.4). What is
 * there now is measured in zombiemetrics.ts.
 */
import type { Nanoseconds, Pages } from '../units.ts'

export interface ZombieBook {
  /** Memcgs that were removed. */
  removals: number
  /** Those of them that something kept. */
  total: number
  /** Pages that had been evicted at a removal and were read back. */
  refaultMajor: Pages
  /** Pages that changed hands in a fault which found them in memory. */
  rechargeMinor: Pages
  /** Pages that changed hands in any way. */
  recharged: Pages
  /** Pages that found no room where they were to go, each time. */
  rechargeFailed: Pages
  /** OOM kills for want of that room. */
  rechargeOom: number
  /** Pages evicted at a removal: as they were, after writing them back, to the swap device. */
  evictedClean: Pages
  evictedDirty: Pages
  swappedOut: Pages
  /** What was found at the end of seconds in which something had changed, the oldest first. */
  readonly series: ZombieSample[]
}

/** Values by the names of METRICS, in their order, with their time. */
export interface ZombieSample {
  readonly at: Nanoseconds
  readonly values: readonly number[]
}

export const createZombieBook = (): ZombieBook => ({
  removals: 0,
  total: 0,
  refaultMajor: 0,
  rechargeMinor: 0,
  recharged: 0,
  rechargeFailed: 0,
  rechargeOom: 0,
  evictedClean: 0,
  evictedDirty: 0,
  swappedOut: 0,
  series: [],
})
