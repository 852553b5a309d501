/**
 * What removed memcgs have left behind, in pages (charge-reclaim.md §13.4): measured when somebody asks, and once for each
 * second in which something changed. Nothing runs for it while nothing happens.
 */
import { type Nanoseconds, type Pages, seconds } from '../units.ts'
import type { Engine } from './engine.ts'
import type { FolioBatch } from './folio.ts'
import type { MemCgroup } from './memcg.ts'

/** Names in the order in which `.memcgfs/zombie_stat` prints them. */
export const METRICS = [
  'zombies_alive',
  'zombies_total',
  'zombie_pages',
  'misattributed_pages',
  'ownerless_pages',
  'parent_tax_pages',
  'root_stuck_pages',
  'refault_major',
  'recharge_minor',
  'recharged_pages',
  'recharge_failed',
  'recharge_oom',
  'evicted_clean',
  'evicted_dirty',
  'swapped_out',
  'deferred_pending',
  'reclaim_visits_zombie',
] as const
export type Metric = (typeof METRICS)[number]

export interface ZombieMetrics {
  readonly values: Readonly<Record<Metric, number>>
  /** By who pays: pages that came from removed descendants. */
  readonly tax: ReadonlyMap<MemCgroup, Pages>
  /** How long the oldest page has waited to be handed over; 0 if none waits. */
  readonly longestDeferred: Nanoseconds
}

/** Whose memory this is by rights: of the first online mapper, else of the last user if it is online. */
function rightfulOwner({ mappers, user }: FolioBatch): MemCgroup | undefined {
  const mapper = mappers.find(({ vma }) => vma.mm.memcg.online)
  return mapper?.vma.mm.memcg ?? (user.online ? user : undefined)
}

export function measureZombies(e: Engine): ZombieMetrics {
  const { zombies, memcgs } = e
  const sums = { zombie: 0, misattributed: 0, ownerless: 0, taxed: 0, stuck: 0, deferred: 0 }
  const tax = new Map<MemCgroup, Pages>()
  let longestDeferred = 0
  for (const batch of e.folios.batches) {
    if (batch === null) continue
    const { pages, memcg, mappers, orphan } = batch
    const owner = rightfulOwner(batch)
    if (owner !== undefined && owner !== memcg) sums.misattributed += pages
    if (!memcg.online) sums.zombie += pages
    if (orphan === null) continue
    const isMapped = mappers.some(({ vma }) => vma.mm.memcg.online)
    const isOwnerless = !isMapped && !orphan.used
    if (isOwnerless) sums.ownerless += pages
    if (isOwnerless && memcg === e.root) sums.stuck += pages
    if (orphan.deferred) {
      sums.deferred += pages
      longestDeferred = Math.max(longestDeferred, e.clock.now - orphan.since)
    }
    if (!memcg.online) continue
    sums.taxed += pages
    tax.set(memcg, (tax.get(memcg) ?? 0) + pages)
  }
  const values: Record<Metric, number> = {
    zombies_alive: memcgs.reduce((alive, m) => alive + Number(m !== null && !m.online), 0),
    zombies_total: zombies.total,
    zombie_pages: sums.zombie,
    misattributed_pages: sums.misattributed,
    ownerless_pages: sums.ownerless,
    parent_tax_pages: sums.taxed,
    root_stuck_pages: sums.stuck,
    refault_major: zombies.refaultMajor,
    recharge_minor: zombies.rechargeMinor,
    recharged_pages: zombies.recharged,
    recharge_failed: zombies.rechargeFailed,
    recharge_oom: zombies.rechargeOom,
    evicted_clean: zombies.evictedClean,
    evicted_dirty: zombies.evictedDirty,
    swapped_out: zombies.swappedOut,
    deferred_pending: sums.deferred,
    reclaim_visits_zombie: e.reclaimVisits.zombies,
  }
  return { values, tax, longestDeferred }
}

/** Seconds that are remembered: an hour of change. */
const SAMPLES = 3600

/** Time is about to go on to `time`: what is there now was there at the end of this second. */
export function sampleZombies(e: Engine, time: Nanoseconds): void {
  const { series, removals } = e.zombies
  const second = Math.floor(e.clock.now / seconds(1)) + 1
  if (removals === 0 || time < seconds(second)) return
  const { values } = measureZombies(e)
  const row = METRICS.map(name => values[name])
  const last = series.at(-1)
  if (last?.values.every((value, i) => value === row[i])) return
  series.push({ at: seconds(second), values: row })
  if (series.length > SAMPLES) series.shift()
}
