/**
 * How much a shrinker is asked for. Kernel: mm/vmscan.c do_shrink_slab, shrink_slab (4.2), mm/shrinker.c (6.12).
 */
import type { Features } from '../../profiles/features.ts'

/** Objects to free are this many times as dear as a page. Kernel: DEFAULT_SEEKS. */
export const DEFAULT_SEEKS = 2

/** What a shrinker can be asked for. */
export interface Demand {
  /** Objects that could be freed. */
  readonly freeable: number
  /** Asked for before and not done. */
  readonly deferred: number
  readonly priority: number
  /** Of the lists of the memcg: what was scanned just now, and what there is. */
  readonly scanned: number
  readonly eligible: number
  readonly seeks: number
  /** Objects taken in one go. */
  readonly batch: number
}

export interface Supply {
  readonly delta: number
  /** Objects to look at, in goes of at most one batch. */
  readonly scan: number
  /** What is left for later. */
  readonly deferred: number
}

/** What a small part of much is spread over. */
const SMALL_PART = 4

/** How much is asked for, by generation of the formula. */
export function planShrinking(formula: Features['shrinker'], demand: Demand): Supply {
  const { freeable, deferred, priority, batch } = demand
  const delta = deltaOf(formula, demand)
  const decays = formula === 'S2'
  const total = decays
    ? Math.min(Math.floor(deferred / 2 ** priority) + delta, 2 * freeable)
    : limited(deferred + delta, delta, freeable)
  const scan = scannedOf(total, freeable, batch)
  const left = Math.max(0, deferred + delta - scan)
  return { delta, scan, deferred: decays ? Math.min(left, 2 * freeable) : left }
}

function deltaOf(formula: Features['shrinker'], demand: Demand): number {
  const { freeable, priority, scanned, eligible, seeks, batch } = demand
  if (formula === 'S0') return Math.floor((Math.floor((4 * (scanned || 32)) / seeks) * freeable) / (eligible + 1))
  const delta = seeks === 0 ? Math.floor(freeable / 2) : Math.floor((Math.floor(freeable / 2 ** priority) * 4) / seeks)
  return formula === 'S1m' ? Math.max(delta, Math.min(freeable, batch)) : delta
}

/** Much that was deferred is not done at once when little is asked for now. */
function limited(total: number, delta: number, freeable: number): number {
  const most = delta < freeable / SMALL_PART ? Math.min(total, Math.floor(freeable / 2)) : total
  return Math.min(most, 2 * freeable)
}

/** Goes of one batch, while there is a whole one left, or as much as there was to free in the first place. */
function scannedOf(total: number, freeable: number, batch: number): number {
  let left = total
  while (left > 0 && (left >= batch || left >= freeable)) left -= Math.min(batch, left)
  return total - left
}
