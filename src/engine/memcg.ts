/**
 * The memory state of a cgroup. Kernel: struct mem_cgroup, mm/memcontrol.c.
 *
 * A memcg lives from mkdir (or `+memory`) until its last reference is gone, which may be long after rmdir: charged
 * folios, swap slots and stocked pages pin it. What happens at the stages of its life is in offline.ts.
 */
import type { Pages } from '../units.ts'
import { type CounterId, PAGE_COUNTER_MAX } from './counter.ts'
import type { Engine } from './engine.ts'
import type { Mm } from './mm.ts'
import type { ObjCgroup } from './objstock.ts'
import { createMemcgStats, type MemcgStats } from './vmstat/stats.ts'

export const NO_MEMCG = -1

export interface MemCgroup {
  readonly slot: number
  readonly parent: MemCgroup | null
  /** Children by slot in order of creation, removed ones included until they are freed. */
  firstChild: number
  lastChild: number
  nextSibling: number
  prevSibling: number

  readonly memory: CounterId
  readonly swap: CounterId
  online: boolean
  /** References of charged folios: one each. */
  folioPins: number
  /** References of swap slots recorded with this memcg. */
  swapPins: number
  /** References of stock slots: one per CPU slot that caches pages of this memcg. */
  stockPins: number

  /** Where new kernel objects are charged; null on the root and once offline. */
  objcg: ObjCgroup | null
  /** Objcgs of removed descendants, which now pay here. */
  inherited: ObjCgroup[] | null
  /** Who pays for the per-CPU memory of this memcg itself: the parent's objcg at mkdir. */
  percpuPayer: ObjCgroup | null
  stats: MemcgStats
  /** Slot of the folio lists; -1 while no folio was ever listed here. */
  lists: number
  /** Slot of the event counts; -1 while nothing happened. */
  events: number
  /** Address spaces that belong here: among them the OOM killer chooses. */
  mms: Set<Mm> | null

  oomGroup: boolean
  zswapMax: Pages
  zswapWriteback: boolean
}

export function newMemcg(slot: number, parent: MemCgroup | null, memory: CounterId, swap: CounterId): MemCgroup {
  return {
    slot,
    parent,
    firstChild: NO_MEMCG,
    lastChild: NO_MEMCG,
    nextSibling: NO_MEMCG,
    prevSibling: NO_MEMCG,
    memory,
    swap,
    online: true,
    folioPins: 0,
    swapPins: 0,
    stockPins: 0,
    objcg: null,
    inherited: null,
    percpuPayer: null,
    stats: createMemcgStats(),
    lists: -1,
    events: -1,
    mms: null,
    oomGroup: false,
    zswapMax: PAGE_COUNTER_MAX,
    zswapWriteback: true,
  }
}

/** Still referenced by something that outlives the cgroup's directory. */
export const isPinned = (m: MemCgroup): boolean => m.folioPins + m.swapPins + m.stockPins > 0

/** Tells the tree when an offline memcg has lost its last reference. Call after taking one away. */
export function afterUnpin(e: Engine, m: MemCgroup): void {
  if (!m.online && !isPinned(m)) e.outbox.push({ kind: 'unpinned', memcg: m.slot })
}

/** Visits `m` and everything below it, parents first, removed memcgs included. */
export function forEachInSubtree(e: Engine, m: MemCgroup, visit: (m: MemCgroup) => void): void {
  visit(m)
  for (let child = m.firstChild; child !== NO_MEMCG; child = e.memcgs[child]!.nextSibling)
    forEachInSubtree(e, e.memcgs[child]!, visit)
}

/** Whether `m` is `ancestor` or below it. */
export function isWithin(m: MemCgroup, ancestor: MemCgroup): boolean {
  for (let level: MemCgroup | null = m; level !== null; level = level.parent) if (level === ancestor) return true
  return false
}
