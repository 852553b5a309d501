/**
 * What becomes of the user memory of a removed memcg: the toolkit of the proposal of April 2023, as switches
 * (charge-reclaim.md §13.2). Up to 7.0 it stays where it is, and keeps the memcg; from 7.1 on it goes to the parent.
 * Kernel: mm/memcontrol.c, memcg_reparent_lruvecs (7.1); everything else is a laboratory.
 */
import { schedule } from '../clock.ts'
import type { Features } from '../profiles/features.ts'
import { type Cpu, milliseconds } from '../units.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, isThere, type Orphan, rehome } from './folio.ts'
import { batchesOf } from './foliolist.ts'
import { isolate } from './foliosplit.ts'
import { moveFolioStats } from './foliostats.ts'
import { GFP_KERNEL, GFP_MAYFAIL } from './gfp.ts'
import { reparentCost } from './lruvec.ts'
import { residentPages } from './mapping.ts'
import type { MemCgroup } from './memcg.ts'
import { extentOf, insertExtent } from './pagemap.ts'
import { isHeld } from './pins.ts'
import { recharge } from './recharge.ts'
import { evict as dropCache } from './reclaim/evict.ts'
import { isolateSlots, type SwapBatch, slotsOf } from './swap.ts'
import { chargeSlots, swapRoom, unchargeSlots } from './swapcharge.ts'
import { bringBack } from './swapin.ts'
import { swapOut } from './swapout.ts'
import { chargeUserPagesTo } from './usercharge.ts'

type Policy = Features['zombiePinned']

/** Deferred: a worker takes up the memory of a removed memcg. */
export const RECHARGE = 'zombie-recharge'

/** Which switch decides about this memory. */
function policyOf({ features }: Engine, batch: FolioBatch): Policy {
  if (features.lruReparent) return 'parent'
  if (isHeld(batch)) return features.zombiePinned
  const isMapped = batch.mappers.length > 0
  if (batch.kind === 'file') return isMapped ? features.zombieFileMapped : features.zombieFileUnmapped
  return isMapped ? features.zombieSwapbackedMapped : features.zombieSwapbackedUnmapped
}

/** The memcg is out of use: what it leaves behind is dealt with now, or by a worker later. */
export function leaveMemory(e: Engine, m: MemCgroup, cpu: Cpu): void {
  const { zombieAsyncMs, lruReparent } = e.features
  if (m.pins.folios === 0 && m.pins.swap === 0) return
  if (zombieAsyncMs === 0 || lruReparent) disposeOf(e, m, cpu)
  else schedule(e.clock, milliseconds(zombieAsyncMs), RECHARGE, m.slot)
}

/** The worker. Its memcg may be gone by now, and another have its slot. */
export function disposeLater(e: Engine, slot: number): void {
  const m = e.memcgs[slot]
  if (m && !m.online) disposeOf(e, m, 0)
}

function disposeOf(e: Engine, m: MemCgroup, cpu: Cpu): void {
  const parent = nearestOnline(m)
  if (e.features.lruReparent) reparentCost(e, m, parent)
  const toMappers: FolioBatch[] = []
  for (const batch of batchesOf(e, m)) {
    const policy = policyOf(e, batch)
    batch.orphan = orphaned(e, batch, policy)
    if (policy === 'none' || policy === 'deferred-in-place') continue
    if (policy === 'evict') {
      evict(e, batch, parent, cpu)
      continue
    }
    giveToParent(e, batch, parent, cpu)
    if (policy === 'mapper') toMappers.push(batch)
  }
  SLOTS[e.features.zombieSwap](e, m, parent, cpu)
  for (const batch of toMappers) if (isThere(e, batch)) giveToMapper(e, batch, cpu)
}

function nearestOnline(m: MemCgroup): MemCgroup {
  let level = m.parent!
  while (!level.online) level = level.parent!
  return level
}

function orphaned({ clock }: Engine, { orphan }: FolioBatch, policy: Policy): Orphan {
  const deferred = policy === 'deferred' || policy === 'deferred-in-place'
  return { since: orphan?.since ?? clock.now, deferred, used: orphan?.used ?? false }
}

/**
 * As the oldest of the list, behind what the parent has itself. No counter moves: the parent was charged from the start.
 * Statistics of version 2 that are flushed need not move either, for the parent's include them.
 */
function giveToParent(e: Engine, batch: FolioBatch, parent: MemCgroup, cpu: Cpu): void {
  const { memcg } = batch
  if (e.hierarchy === 'v1' || e.features.vmstat !== 'rstat') moveFolioStats(e, batch, memcg, parent, cpu)
  rehome(e, batch, parent, 'oldest')
}

/** Writes it to where it comes from, or to the swap device on the account of the parent; without room there it stays. */
function evict(e: Engine, batch: FolioBatch, parent: MemCgroup, cpu: Cpu): void {
  const { zombies } = e
  if (batch.kind === 'file') {
    if (batch.dirty || batch.writeback !== 0) zombies.evictedDirty += batch.pages
    else zombies.evictedClean += batch.pages
    if (batch.file !== null) insertExtent(batch.file.dropped, extentOf(batch.filePage, batch.pages))
    dropCache(e, batch, null, cpu)
    return
  }
  const pages = swapRoom(e, parent, batch.pages)
  if (pages === 0) return
  const out = isolate(e, batch, 0, pages, cpu)
  giveToParent(e, out, parent, cpu)
  swapOut(e, out, null, cpu)
  zombies.swappedOut += pages
}

/** What becomes of the swap slots that are recorded with a removed memcg. */
type SlotPolicy = (e: Engine, m: MemCgroup, parent: MemCgroup, cpu: Cpu) => void

const SLOTS: Readonly<Record<Features['zombieSwap'], SlotPolicy>> = {
  pin: () => {},
  reparent: (e, m, parent, cpu) => {
    for (const slots of slotsOf(e, m)) {
      slots.memcg = parent
      unchargeSlots(e, m, slots.pages, cpu)
      chargeSlots(e, parent, slots.pages, cpu)
    }
  },
  swapin: (e, m, parent, cpu) => {
    for (const slots of slotsOf(e, m)) readBack(e, slots, m, parent, cpu)
  },
}

/** Reads slots back on the account of the parent, as far as it has room, and does with the memory as with any other. */
function readBack(e: Engine, slots: SwapBatch, m: MemCgroup, parent: MemCgroup, cpu: Cpu): void {
  // A worker reads: that is no sign of a working set.
  slots.shadow = null
  for (let left = slots.pages; left > 0; ) {
    const charged = chargeUserPagesTo(e, parent, { mm: null, cpu, gfp: GFP_KERNEL | GFP_MAYFAIL }, left)
    if (charged === null) return
    left -= charged.pages
    const batch = bringBack(e, isolateSlots(e, slots, 0, charged.pages), charged.memcg, m, cpu)
    const policy = policyOf(e, batch)
    batch.orphan = orphaned(e, batch, policy)
    if (policy === 'mapper') giveToMapper(e, batch, cpu)
  }
}

/** Whoever maps it pays, if he is in use himself. */
function giveToMapper(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  const to = mapperOf(e, batch)
  if (to === undefined) return
  const { orphan } = batch
  batch.orphan = null
  recharge(e, batch, to, { mm: null, cpu })
  // What did not fit stays with the parent, and is as much left behind as before.
  if (isThere(e, batch) && batch.memcg !== to) batch.orphan = orphan
}

function mapperOf({ features }: Engine, batch: FolioBatch): MemCgroup | undefined {
  const mms = batch.mappers.map(({ vma }) => vma.mm)
  if (features.zombieMapper === 'first') mms.length = Math.min(mms.length, 1)
  if (features.zombieMapper === 'largest') mms.sort((one, other) => residentPages(other) - residentPages(one))
  return mms.find(({ memcg }) => memcg.online)?.memcg
}
