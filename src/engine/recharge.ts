/**
 * Moving the charge of user memory from one memcg to another (charge-reclaim.md §13.2): statistics and list move with it,
 * the counters of what both have in common do not change. No kernel does it but version 1 at a migration; the RFC of
 * July 2023 proposed it for the memory of removed cgroups.
 */
import { isErrno } from '../errno.ts'
import type { Cpu, Pages } from '../units.ts'
import { chargePages } from './charge.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, foliosIn, isThere, rehome } from './folio.ts'
import { batchesOf } from './foliolist.ts'
import { isolate } from './foliosplit.ts'
import { moveFolioStats } from './foliostats.ts'
import { GFP_KERNEL } from './gfp.ts'
import { isWithin, type MemCgroup } from './memcg.ts'
import { chargeMemory, marginOf, unchargeMemory } from './memcounters.ts'
import type { Mm } from './mm.ts'
import { hold, MOVING, unhold } from './pins.ts'
import { reclaim } from './reclaim.ts'

/** On whose behalf a charge moves: a task that uses the memory, or nobody (`mm` null). */
export interface Mover {
  readonly mm: Mm | null
  readonly cpu: Cpu
}

/** Room below the limits of `to` and of what is above it, up to the first memcg that it shares with `from`. */
function roomFor(e: Engine, from: MemCgroup, to: MemCgroup): Pages {
  let room = Number.POSITIVE_INFINITY
  for (let level = to; level.parent !== null && !isWithin(from, level); level = level.parent)
    room = Math.min(room, marginOf(e, level))
  return room
}

/** Moves the charge of a whole batch, whatever the limits. */
function moveCharge(e: Engine, batch: FolioBatch, to: MemCgroup, cpu: Cpu): void {
  const { memcg: from, pages } = batch
  unchargeMemory(e, from, pages)
  chargeMemory(e, to, pages)
  moveFolioStats(e, batch, from, to, cpu)
  rehome(e, batch, to, 'newest')
}

/**
 * Moves what fits below the limits, from the start of the batch. It is held until all of the batch has been dealt with,
 * as folios are that a worker has taken off their list: they are not reclaimed to make room for the next ones.
 */
function moveWhatFits(e: Engine, batch: FolioBatch, to: MemCgroup, cpu: Cpu): Pages {
  const each = batch.pages / foliosIn(batch)
  const pages = Math.floor(Math.min(batch.pages, roomFor(e, batch.memcg, to)) / each) * each
  if (pages === 0) return 0
  const part = isolate(e, batch, 0, pages, cpu)
  hold(part, MOVING)
  moveCharge(e, part, to, cpu)
  return pages
}

/**
 * Charges one folio by the whole algorithm, with reclaim and the OOM killer, while it is on no list of `to` that could be
 * reclaimed for it. Its pages, 0 if it was refused.
 */
function moveOneByForce(e: Engine, batch: FolioBatch, to: MemCgroup, { mm, cpu }: Mover): Pages {
  const folio = isolate(e, batch, 0, batch.pages / foliosIn(batch), cpu)
  const { memcg: from, pages } = folio
  const kills = killsPending(e)
  hold(folio, MOVING)
  unchargeMemory(e, from, pages)
  const refused = isErrno(chargePages(e, to, pages, GFP_KERNEL, cpu, mm))
  if (refused) chargeMemory(e, from, pages)
  else {
    if (to.parent === null) chargeMemory(e, to, pages)
    moveFolioStats(e, folio, from, to, cpu)
    rehome(e, folio, to, 'newest')
  }
  if (refused) unhold(e, folio, MOVING, cpu)
  if (killsPending(e) > kills) e.zombies.rechargeOom++
  return refused ? 0 : pages
}

const killsPending = ({ outbox }: Engine): number => outbox.filter(({ kind }) => kind === 'kill').length

/**
 * Hands the charge of a batch to another memcg, as far as its limits and zombie_over_limit allow, from its start; how
 * many pages moved. Pages that were refused stay where they are, and count as failed.
 */
export function recharge(e: Engine, batch: FolioBatch, to: MemCgroup, mover: Mover): Pages {
  const { zombies } = e
  const wanted = batch.pages
  let moved = moveWhatFits(e, batch, to, mover.cpu)
  if (moved < wanted) moved += OVER_LIMIT[e.features.zombieOverLimit](e, batch, to, mover)
  for (const each of batchesOf(e, to)) unhold(e, each, MOVING, mover.cpu)
  zombies.recharged += moved
  return moved
}

/** Moves what it can of a batch that did not fit; how many pages. */
type OverLimit = (e: Engine, batch: FolioBatch, to: MemCgroup, mover: Mover) => Pages

const skip: OverLimit = (e, batch) => {
  e.zombies.rechargeFailed += batch.pages
  return 0
}

const OVER_LIMIT: Readonly<Record<Engine['features']['zombieOverLimit'], OverLimit>> = {
  skip,
  reclaim: (e, batch, to, mover) => {
    const { pages } = batch
    reclaim(e, to, pages, mover.cpu)
    const moved = moveWhatFits(e, batch, to, mover.cpu)
    return moved === pages ? moved : moved + skip(e, batch, to, mover)
  },
  oom: moveWithOom,
  force: (e, batch, to, { cpu }) => {
    hold(batch, MOVING)
    moveCharge(e, batch, to, cpu)
    return batch.pages
  },
}

/** Until all has moved, a charge is refused, or nobody maps any more what somebody mapped: its task was killed for it. */
function moveWithOom(e: Engine, batch: FolioBatch, to: MemCgroup, mover: Mover): Pages {
  const { memcg: from } = batch
  const isMapped = batch.mappers.length > 0
  const isClaimed = (): boolean => isThere(e, batch) && batch.memcg === from && batch.mappers.length > 0 === isMapped
  let moved = 0
  while (isClaimed()) {
    const folio = moveOneByForce(e, batch, to, mover)
    if (folio === 0) return moved + skip(e, batch, to, mover)
    moved += folio
    if (isClaimed()) moved += moveWhatFits(e, batch, to, mover.cpu)
  }
  return moved
}
