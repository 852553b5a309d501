/**
 * The memory state of a cgroup. Kernel: struct mem_cgroup, mm/memcontrol.c.
 *
 * A memcg lives from mkdir (or `+memory`) until its last reference is gone, which may be long after rmdir: charged
 * folios, swap slots and stocked pages pin it. What happens at the stages of its life is in offline.ts.
 */
import type { Pages } from '../units.ts'
import { type CounterId, PAGE_COUNTER_MAX } from './counter.ts'
import type { Engine } from './engine.ts'
import type { MemcgV1 } from './memcg-v1.ts'
import type { Mm } from './mm.ts'
import type { ObjCgroup } from './objstock.ts'
import type { SlabDebug } from './slabdebug.ts'
import { createMemcgStats, type MemcgStats } from './vmstat/stats.ts'

export const NO_MEMCG = -1

/** The copies of caches a memcg has to do with (memcgcache.ts). */
export interface MemcgCaches {
  /** Where its tasks take objects, by root cache. Empty once offline. */
  readonly copies: Map<number, number>
  /** Objects that went by without a copy, by root cache, while none exists. */
  readonly bypassed: Map<number, number>
  /** Caches it owns: its copies, and from 5.3 on those of removed descendants. */
  readonly owned: Set<number>
}

export interface MemCgroup {
  readonly slot: number
  /** The memcg it counts in. On version 1 that is the root where the cgroup above keeps its children out (use_hierarchy). */
  readonly parent: MemCgroup | null
  /** Children by slot in order of creation, removed ones included until they are freed. */
  firstChild: number
  lastChild: number
  nextSibling: number
  prevSibling: number

  readonly memory: CounterId
  readonly swap: CounterId
  /** Memory and swap together: version 1 with swap accounting, else NO_COUNTER. */
  readonly memsw: CounterId
  /** Kernel memory in whole pages. Files of version 1 show and limit it; on version 2 it is only a book. */
  readonly kmem: CounterId
  /** Buffers of TCP sockets, charged on version 1 only. */
  readonly tcpmem: CounterId
  /** Kernel memory of tasks here is accounted. */
  kmemActive: boolean
  /** Its copies of caches, in the old slab controller; null while it has none. */
  caches: MemcgCaches | null
  /** TCP buffers of sockets that are made here are accounted: version 1, once a limit was set. */
  tcpActive: boolean
  /** What it has on version 1 only; null on version 2. */
  readonly v1: MemcgV1 | null
  online: boolean
  readonly pins: Pins

  /** Where new kernel objects are charged, by node or one for all; null on the root, where nothing is, and once offline. */
  objcgs: readonly ObjCgroup[] | null
  /** Objcgs of removed descendants, which now pay here. */
  inherited: ObjCgroup[] | null
  /** Who pays for the per-CPU memory of this memcg itself: the parent's objcg at mkdir. */
  percpuPayer: ObjCgroup | null
  stats: MemcgStats
  /** Slot of the folio lists; -1 while no folio was ever listed here. */
  lists: number
  /** Slot of what reclaim remembers (lruvec.ts); -1 while reclaim never came here. */
  aging: number
  /** Slot of the event counts; -1 while nothing happened. */
  events: number
  /** Address spaces that belong here: among them the OOM killer chooses. */
  mms: Set<Mm> | null

  /** Reclaim for its memory.high is queued: it was charged in interrupt context. */
  highWork: boolean
  /** What the laboratory counts; null while there was nothing to count. */
  slabDebug: SlabDebug | null

  oomGroup: boolean
  zswapMax: Pages
  zswapWriteback: boolean
}

/** References on a memcg besides those of its directory and its children: what keeps it when it is removed. */
export interface Pins {
  /** Charged folios: one each. */
  folios: number
  /** Pages of the slabs of its caches: up to 5.2. */
  slabPages: number
  /** Stacks, page tables and other pages of kernel memory that point to the memcg itself: up to 5.12. */
  kernelPages: number
  /** Caches it owns: 5.3 to 5.8. */
  caches: number
  /** Copies of caches that are still to be made. */
  cacheCreations: number
  /** Stocked pages up to 5.8, later stock slots. */
  stock: number
  /** Swap slots recorded with it. */
  swap: number
  /** TCP sockets that were made in it. */
  sockets: number
}

export const PIN_KINDS = [
  'folios',
  'slabPages',
  'kernelPages',
  'caches',
  'cacheCreations',
  'stock',
  'swap',
  'sockets',
] as const

/** Slots of the counters of a memcg. */
export type MemcgCounters = Pick<MemCgroup, 'memory' | 'swap' | 'memsw' | 'kmem' | 'tcpmem'>

export function newMemcg(
  slot: number,
  parent: MemCgroup | null,
  counters: MemcgCounters,
  v1: MemcgV1 | null,
): MemCgroup {
  return {
    slot,
    parent,
    firstChild: NO_MEMCG,
    lastChild: NO_MEMCG,
    nextSibling: NO_MEMCG,
    prevSibling: NO_MEMCG,
    ...counters,
    kmemActive: false,
    caches: null,
    tcpActive: false,
    v1,
    online: true,
    pins: { folios: 0, slabPages: 0, kernelPages: 0, caches: 0, cacheCreations: 0, stock: 0, swap: 0, sockets: 0 },
    objcgs: null,
    inherited: null,
    percpuPayer: null,
    stats: createMemcgStats(),
    lists: -1,
    aging: -1,
    events: -1,
    mms: null,
    highWork: false,
    slabDebug: null,
    oomGroup: false,
    zswapMax: PAGE_COUNTER_MAX,
    zswapWriteback: true,
  }
}

/** Still referenced by something that outlives the cgroup's directory. */
export const isPinned = (m: MemCgroup): boolean => PIN_KINDS.some(kind => m.pins[kind] > 0)

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

/** The memcg that comes after `m` in that order; null after the last one below `top`. */
export function nextInSubtree(e: Engine, top: MemCgroup, m: MemCgroup): MemCgroup | null {
  if (m.firstChild !== NO_MEMCG) return e.memcgs[m.firstChild]!
  for (let level = m; level !== top; level = level.parent!)
    if (level.nextSibling !== NO_MEMCG) return e.memcgs[level.nextSibling]!
  return null
}

/** Whether `m` is `ancestor` or below it. */
export function isWithin(m: MemCgroup, ancestor: MemCgroup): boolean {
  for (let level: MemCgroup | null = m; level !== null; level = level.parent) if (level === ancestor) return true
  return false
}
