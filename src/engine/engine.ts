/**
 * The memory model of one kernel: what mm/ does for cgroups. It knows memcgs, address spaces, files and objects; it
 * knows no cgroup directory, no process and no file system. What it has to tell the tree above it, it appends to
 * `outbox`, which is drained at the end of an operation: no rule ever sees a tree that changes under it.
 *
 * An Engine is plain data: typed arrays, ids and small objects without closures, so a copy made with
 * `structuredClone` is a second simulation that goes on independently.
 */
import type { Clock } from '../clock.ts'
import { createPool, type Pool } from '../pool.ts'
import type { Features } from '../profiles/features.ts'
import type { Pages } from '../units.ts'
import { type CounterId, type Counters, createCounter, createCounters, NO_COUNTER } from './counter.ts'
import { EVENT_COLUMNS } from './events.ts'
import { createFiles, type Files } from './file.ts'
import { createFolios, type FolioBatch, type Folios } from './folio.ts'
import { createAging } from './lruvec.ts'
import type { Machine, ModelOptions } from './machine.ts'
import { type MemCgroup, newMemcg } from './memcg.ts'
import { createMemcgV1, type ListenerId } from './memcg-v1.ts'
import type { Mm } from './mm.ts'
import { createDcache, type Dcache } from './names.ts'
import { createObjStocks, type ObjStock } from './objstock.ts'
import type { OomReport } from './oomreport.ts'
import { overuseClaimsNothing } from './protection.ts'
import { createPsi, type Psi } from './psi/group.ts'
import { createSlab, type Slab } from './slab/slub.ts'
import { createStocks, type Stocks } from './stock.ts'
import { createSwap, type Swap } from './swap.ts'
import { createVmStats, type VmStats } from './vmstat/stats.ts'
import { createWriteback, type Writeback } from './writeback.ts'
import { createZombieBook, type ZombieBook } from './zombiebook.ts'

/** What the engine tells the tree, in order. */
export type EngineMessage =
  /** A count in a file that can be watched has changed. */
  | { readonly kind: 'event'; readonly memcg: number; readonly file: string }
  /** The OOM killer is about to kill, and says why. */
  | { readonly kind: 'oom'; readonly report: OomReport }
  /** The OOM killer chose this address space, for an OOM in the memcg `oomAt`. */
  | { readonly kind: 'kill'; readonly mm: number; readonly oomAt: number }
  /** Threads of this address space that sleep until they are woken go on. */
  | { readonly kind: 'wake'; readonly mm: number }
  /** The process of this address space ends. */
  | { readonly kind: 'exit'; readonly mm: number }
  /** The last reference to an offline memcg is gone. */
  | { readonly kind: 'unpinned'; readonly memcg: number }
  /** A trigger on pressure has fired. */
  | { readonly kind: 'pressure'; readonly trigger: number }
  /** A listener of version 1 is told; after the last time it listens to nothing any more. */
  | { readonly kind: 'signal'; readonly listener: ListenerId; readonly isLast: boolean }

export interface Engine {
  readonly features: Features
  readonly machine: Machine
  readonly options: ModelOptions
  /** The version of the hierarchy the memory controller is attached to. */
  readonly hierarchy: 'v1' | 'v2'
  readonly clock: Clock
  readonly outbox: EngineMessage[]

  readonly counters: Counters
  /** By slot. A slot is reused after its memcg was freed. */
  readonly memcgs: (MemCgroup | null)[]
  readonly freeMemcgs: number[]
  readonly root: MemCgroup
  /** Memcg ids handed out, the root's not counted. */
  idsInUse: number
  readonly eventCounts: Pool
  readonly psi: Psi
  /** Thresholds that somebody has registered, in all memcgs. */
  thresholds: number

  readonly stocks: Stocks
  /** By CPU. */
  readonly objStocks: readonly ObjStock[]
  readonly vmstats: VmStats
  readonly slab: Slab
  readonly folios: Folios
  /** What reclaim remembers of memcgs (lruvec.ts). */
  readonly aging: Pool
  /** Memcgs reclaim has looked at since the boot, and how many of them were removed. */
  readonly reclaimVisits: { all: number; zombies: number }
  readonly files: Files
  readonly dcache: Dcache
  /** Buffers of devices, by name. */
  readonly deviceBuffers: Map<string, FolioBatch[]>
  /** What became of the memory of removed memcgs. */
  readonly zombies: ZombieBook
  /** By id, the living ones. */
  readonly mms: Map<number, Mm>
  /** Version 1: address spaces that wait for room (oomwait.ts). */
  readonly oomWaiters: Set<Mm>
  nextMm: number
  /** Pages of user memory charged to a memcg since the boot. */
  charged: Pages
  /** Pages taken back by reclaim since the boot. */
  reclaimed: Pages
  /** How often reclaim was asked to since the boot. */
  reclaimCalls: number
  /** Pages of kernel memory in use that are no slabs, whoever pays. */
  kernelPages: Pages
  /** Size of the swap device, 0 when off. */
  swapTotal: Pages
  readonly swap: Swap
  readonly writeback: Writeback
  /** Free pages of the machine when reclaim from everybody found nothing; null while there is hope. */
  hopelessAt: Pages | null
}

export interface EngineSetup {
  readonly features: Features
  readonly machine: Machine
  readonly options: ModelOptions
  readonly clock: Clock
  readonly swapTotal: Pages
  /** Default `v2`. */
  readonly hierarchy?: 'v1' | 'v2'
}

export function createEngine({ hierarchy = 'v2', ...setup }: EngineSetup): Engine {
  const { features, machine, options, clock, swapTotal } = setup
  const counters = createCounters({ overuseClaimsNothing: overuseClaimsNothing(features) })
  const rootCounter = (): CounterId => createCounter(counters, NO_COUNTER, 0)
  const rootCounters = {
    memory: rootCounter(),
    swap: rootCounter(),
    memsw: hierarchy === 'v1' && machine.swapAccounting ? rootCounter() : NO_COUNTER,
    kmem: rootCounter(),
    tcpmem: rootCounter(),
  }
  const root = newMemcg(0, null, rootCounters, hierarchy === 'v1' ? createMemcgV1({ features }, null) : null)
  return {
    features,
    machine,
    options,
    hierarchy,
    clock,
    outbox: [],
    counters,
    memcgs: [root],
    freeMemcgs: [],
    root,
    idsInUse: 0,
    eventCounts: createPool(EVENT_COLUMNS),
    psi: createPsi(),
    thresholds: 0,
    stocks: createStocks(machine.cpus, features.stockSlots),
    objStocks: createObjStocks(machine.cpus),
    vmstats: createVmStats(features, machine),
    slab: createSlab(machine, features, options),
    folios: createFolios(machine.nodes),
    aging: createAging(machine.nodes),
    reclaimVisits: { all: 0, zombies: 0 },
    files: createFiles(),
    dcache: createDcache(),
    deviceBuffers: new Map(),
    zombies: createZombieBook(),
    mms: new Map(),
    oomWaiters: new Set(),
    nextMm: 1,
    charged: 0,
    reclaimed: 0,
    reclaimCalls: 0,
    kernelPages: 0,
    swapTotal,
    swap: createSwap(),
    writeback: createWriteback(),
    hopelessAt: null,
  }
}
