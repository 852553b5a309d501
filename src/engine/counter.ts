/**
 * Page counters: what a memcg and its ancestors hold, in pages. Kernel: mm/page_counter.c.
 *
 * A counter is a row of a pool, addressed by its slot; its parent's slot stands in the row. Nothing is derived from
 * a counter: what statistics and the allocator say are books of their own.
 */
import { allocRow, createPool, freeRow, type Pool } from '../pool.ts'
import type { Pages } from '../units.ts'

/** Slot of a counter; NO_COUNTER for none. */
export type CounterId = number
export const NO_COUNTER = -1

/** No limit: floor((2^63 - 1) / 4096) pages. Kernel: include/linux/page_counter.h PAGE_COUNTER_MAX. */
export const PAGE_COUNTER_MAX: Pages = 2251799813685247

const USAGE = 0
const MAX = 1
const MIN = 2
const LOW = 3
const HIGH = 4
const FAILCNT = 5
const WATERMARK = 6
const LOCAL_WATERMARK = 7
const PARENT = 8
const OWNER = 9
const MIN_USAGE = 10
const LOW_USAGE = 11
const CHILDREN_MIN_USAGE = 12
const CHILDREN_LOW_USAGE = 13
const STRIDE = 14

export interface Counters extends Pool {
  /** A child that uses more than it is protected for claims nothing of its parent's protection: up to 5.3. */
  readonly overuseClaimsNothing: boolean
}

export const createCounters = ({ overuseClaimsNothing } = { overuseClaimsNothing: false }): Counters => ({
  ...createPool(STRIDE, 64),
  overuseClaimsNothing,
})

/** A new counter below `parent`, owned by the memcg in slot `owner`. */
export function createCounter(counters: Counters, parent: CounterId, owner: number): CounterId {
  const c = allocRow(counters)
  const { data } = counters
  const at = c * STRIDE
  data[at + MAX] = PAGE_COUNTER_MAX
  data[at + HIGH] = PAGE_COUNTER_MAX
  data[at + PARENT] = parent
  data[at + OWNER] = owner
  return c
}

export const freeCounter = (counters: Counters, c: CounterId): void => freeRow(counters, c)

const get = (counters: Counters, c: CounterId, field: number): number => counters.data[c * STRIDE + field]!

export const usage = (counters: Counters, c: CounterId): Pages => get(counters, c, USAGE)
export const maxOf = (counters: Counters, c: CounterId): Pages => get(counters, c, MAX)
export const minOf = (counters: Counters, c: CounterId): Pages => get(counters, c, MIN)
export const lowOf = (counters: Counters, c: CounterId): Pages => get(counters, c, LOW)
export const highOf = (counters: Counters, c: CounterId): Pages => get(counters, c, HIGH)
export const failcnt = (counters: Counters, c: CounterId): number => get(counters, c, FAILCNT)
export const watermark = (counters: Counters, c: CounterId): Pages => get(counters, c, WATERMARK)
export const localWatermark = (counters: Counters, c: CounterId): Pages => get(counters, c, LOCAL_WATERMARK)
export const parentOf = (counters: Counters, c: CounterId): CounterId => get(counters, c, PARENT)
/** What its children use of their min or low, together. */
export const childrenMinUsage = (counters: Counters, c: CounterId): Pages => get(counters, c, CHILDREN_MIN_USAGE)
export const childrenLowUsage = (counters: Counters, c: CounterId): Pages => get(counters, c, CHILDREN_LOW_USAGE)
/** Slot of the memcg this counter belongs to. */
export const ownerOf = (counters: Counters, c: CounterId): number => get(counters, c, OWNER)

/** Stores the limit. Lowering it below the usage is the caller's affair (charge-reclaim.md §5.2, §5.3). */
export function setMax(counters: Counters, c: CounterId, pages: Pages): void {
  counters.data[c * STRIDE + MAX] = pages
}

export function setHigh(counters: Counters, c: CounterId, pages: Pages): void {
  counters.data[c * STRIDE + HIGH] = pages
}

export function setMin(counters: Counters, c: CounterId, pages: Pages): void {
  counters.data[c * STRIDE + MIN] = pages
  propagateProtected(counters, c)
}

export function setLow(counters: Counters, c: CounterId, pages: Pages): void {
  counters.data[c * STRIDE + LOW] = pages
  propagateProtected(counters, c)
}

/** Starts the resettable watermark afresh at the present usage (6.12: a write to memory.peak). */
export function restartLocalWatermark(counters: Counters, c: CounterId): void {
  const { data } = counters
  data[c * STRIDE + LOCAL_WATERMARK] = data[c * STRIDE + USAGE]!
}

/** The largest usage so far is the present one. Kernel: page_counter_reset_watermark. */
export function resetWatermark(counters: Counters, c: CounterId): void {
  restartLocalWatermark(counters, c)
  counters.data[c * STRIDE + WATERMARK] = counters.data[c * STRIDE + USAGE]!
}

export function resetFailcnt(counters: Counters, c: CounterId): void {
  counters.data[c * STRIDE + FAILCNT] = 0
}

/** Room below the limit. */
export function margin(counters: Counters, c: CounterId): Pages {
  const room = maxOf(counters, c) - usage(counters, c)
  return room > 0 ? room : 0
}

/** What counts of a child's usage in its parent's sum. */
const claimOf = ({ overuseClaimsNothing }: Counters, usage: Pages, setting: Pages): Pages =>
  overuseClaimsNothing && usage > setting ? 0 : Math.min(usage, setting)

/**
 * Keeps the parent's sums of protected usage. Kernel: mm/page_counter.c propagate_protected_usage.
 */
function propagateProtected(counters: Counters, c: CounterId): void {
  const { data } = counters
  const at = c * STRIDE
  const parent = data[at + PARENT]!
  if (parent === NO_COUNTER) return
  const usageNow = data[at + USAGE]!
  const min = data[at + MIN]!
  const low = data[at + LOW]!
  if (min !== 0 || data[at + MIN_USAGE] !== 0) {
    const claimed = claimOf(counters, usageNow, min)
    data[parent * STRIDE + CHILDREN_MIN_USAGE]! += claimed - data[at + MIN_USAGE]!
    data[at + MIN_USAGE] = claimed
  }
  if (low !== 0 || data[at + LOW_USAGE] !== 0) {
    const claimed = claimOf(counters, usageNow, low)
    data[parent * STRIDE + CHILDREN_LOW_USAGE]! += claimed - data[at + LOW_USAGE]!
    data[at + LOW_USAGE] = claimed
  }
}

function raise(data: Float64Array, at: number): void {
  const now = data[at + USAGE]!
  if (now <= data[at + LOCAL_WATERMARK]!) return
  data[at + LOCAL_WATERMARK] = now
  if (now > data[at + WATERMARK]!) data[at + WATERMARK] = now
}

/**
 * Charges `pages` to the counter and its ancestors unless one of them would pass its limit; equal to the limit is
 * allowed. Returns NO_COUNTER on success, else the counter that refused, with nothing charged. The refusing level
 * counts one failure; levels below it keep the watermark they reached (slab-kmem.md §2).
 */
export function tryCharge(counters: Counters, c: CounterId, pages: Pages): CounterId {
  const { data } = counters
  for (let level = c; level !== NO_COUNTER; level = data[level * STRIDE + PARENT]!) {
    const at = level * STRIDE
    if (data[at + USAGE]! + pages > data[at + MAX]!) {
      data[at + FAILCNT]!++
      for (let below = c; below !== level; below = data[below * STRIDE + PARENT]!) {
        data[below * STRIDE + USAGE]! -= pages
        propagateProtected(counters, below)
      }
      return level
    }
    data[at + USAGE]! += pages
    propagateProtected(counters, level)
    raise(data, at)
  }
  return NO_COUNTER
}

/** Charges without looking at limits. */
export function charge(counters: Counters, c: CounterId, pages: Pages): void {
  const { data } = counters
  for (let level = c; level !== NO_COUNTER; level = data[level * STRIDE + PARENT]!) {
    data[level * STRIDE + USAGE]! += pages
    propagateProtected(counters, level)
    raise(data, level * STRIDE)
  }
}

export function uncharge(counters: Counters, c: CounterId, pages: Pages): void {
  const { data } = counters
  for (let level = c; level !== NO_COUNTER; level = data[level * STRIDE + PARENT]!) {
    data[level * STRIDE + USAGE]! -= pages
    if (data[level * STRIDE + USAGE]! < 0) throw new Error(`counter ${level} fell below zero`)
    propagateProtected(counters, level)
  }
}
