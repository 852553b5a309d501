/**
 * The stages of a memcg's life: made, taken out of use, released, freed. When each comes is decided by the tree
 * (tree/css.ts). Kernel: mm/memcontrol.c, mem_cgroup_css_alloc … css_free.
 */
import { assert } from '../assert.ts'
import { EBUSY, ENOMEM, ENOSPC, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { freeRow } from '../pool.ts'
import type { Bytes, Cpu } from '../units.ts'
import { type CounterId, createCounter, freeCounter, NO_COUNTER, setLow, setMin } from './counter.ts'
import { drainStocks } from './drain.ts'
import type { Engine } from './engine.ts'
import { GFP_KERNEL } from './gfp.ts'
import { dismissListeners } from './listeners.ts'
import { forgetAging } from './lruvec.ts'
import { isPinned, type MemCgroup, NO_MEMCG, newMemcg } from './memcg.ts'
import { countsChildren, createMemcgV1 } from './memcg-v1.ts'
import { destroyCaches, offlineCaches } from './memcgcache.ts'
import { chargePercpu, objcgFor, unchargePercpu } from './objcg.ts'
import { createObjcg, type ObjCgroup, reparentObjcgs } from './objstock.ts'
import { leaveMemory } from './orphans.ts'
import { reparentDeferred } from './reclaim/shrinker.ts'
import { forgetStock } from './stock.ts'
import { statsAtFree, statsAtOffline, statsAtRelease } from './vmstat.ts'

const ID_ERRNO = { ENOSPC, ENOMEM, EBUSY } as const

/**
 * A new memcg below `parent`, which counts in it unless the parent keeps its children out (version 1). Its own per-CPU memory is charged to the parent, so it can fail with ENOMEM; when no
 * memcg id is left it fails with the errno of the kernel.
 */
export function createMemcg(e: Engine, parent: MemCgroup, cpu: Cpu): MemCgroup | Errno {
  if (e.idsInUse >= e.features.idPool) return ID_ERRNO[e.features.idErrno]
  const payer = payerOfPercpu(e, parent)
  const charged = chargeOwnMemory(e, payer, cpu)
  if (isErrno(charged)) return charged
  const slot = e.freeMemcgs.pop() ?? e.memcgs.length
  const below = (counter: CounterId): CounterId =>
    counter === NO_COUNTER ? NO_COUNTER : createCounter(e.counters, countsChildren(parent) ? counter : NO_COUNTER, slot)
  const { memory, swap, memsw, kmem, tcpmem } = parent
  const counters = {
    memory: below(memory),
    swap: below(swap),
    memsw: below(memsw),
    kmem: below(kmem),
    tcpmem: below(tcpmem),
  }
  const above = countsChildren(parent) ? parent : e.root
  const m = newMemcg(slot, above, counters, parent.v1 && createMemcgV1(e, parent.v1))
  m.percpuPayer = payer
  m.kmemActive = above.kmemActive || isKmemOnline(e)
  if (e.features.slabController === 'objcg')
    m.objcgs = Array.from({ length: e.features.objcgPerNode ? e.machine.nodes : 1 }, () => createObjcg(m))
  e.memcgs[slot] = m
  e.idsInUse++
  linkChild(e, above, m)
  return m
}

/** Whether kernel memory of every new memcg is accounted. On version 1 it may have to be asked for (kmem_online_v1). */
const isKmemOnline = ({ features, hierarchy }: Engine): boolean =>
  hierarchy === 'v2' ? features.kmemOnV2 : features.kmemOnlineV1 === 'always'

/** Who pays for the per-CPU memory of a child of `m`; nobody does up to 5.8. */
const payerOfPercpu = (e: Engine, m: MemCgroup): ObjCgroup | null =>
  e.features.percpuCharge === 'none' ? null : objcgFor(m, 0)

/** The per-CPU allocations of one memcg, in bytes per CPU: its statistics, and those of each node. */
export function ownAllocations(e: Engine): Bytes[] {
  const { fixed, perNode } = e.features.memcgPercpuBytes
  return [fixed, ...new Array<Bytes>(e.machine.nodes).fill(perNode)]
}

function chargeOwnMemory(e: Engine, payer: ObjCgroup | null, cpu: Cpu): Ok | Errno {
  if (payer === null) return OK
  const sizes = ownAllocations(e)
  for (const [i, size] of sizes.entries()) {
    const charged = chargePercpu(e, payer, size, GFP_KERNEL, cpu)
    if (!isErrno(charged)) continue
    for (const done of sizes.slice(0, i)) unchargePercpu(e, payer, done, cpu)
    return charged
  }
  return OK
}

/**
 * Out of use: protection gone, kernel memory handed to the parent, stocks empty, id free (unless swap slots still
 * name it). Kernel: mem_cgroup_css_offline, in the order of 6.12.
 */
export function offlineMemcg(e: Engine, m: MemCgroup, cpu: Cpu): void {
  assert(m.online && m.parent !== null, 'a memcg goes offline once, and the root never')
  dismissListeners(e, m)
  setMin(e.counters, m.memory, 0)
  setLow(e.counters, m.memory, 0)
  if (m.objcgs !== null) reparentObjcgs(e, m, m.parent, cpu)
  offlineCaches(e, m, m.parent, cpu)
  leaveMemory(e, m, cpu)
  if (e.features.shrinkerDeferred === 'per-memcg') reparentDeferred(e, m, m.parent)
  statsAtOffline(e, m)
  if (e.features.stockDrainOnOffline) drainStocks(e, m)
  m.online = false
  e.zombies.removals++
  if (isPinned(m)) e.zombies.total++
  if (e.features.idFreedAt === 'offline' && m.pins.swap === 0) e.idsInUse--
}

/** About to disappear: what it counted goes to its ancestors. Kernel: css_release_work_fn, 4.16 and later. */
export function releaseMemcg(e: Engine, m: MemCgroup): void {
  statsAtRelease(e, m)
}

/** Gives everything back. Only now the parent stops paying for its per-CPU memory: zombies tax their parents. */
export function freeMemcg(e: Engine, m: MemCgroup, cpu: Cpu): void {
  assert(!m.online && !isPinned(m) && m.firstChild === NO_MEMCG, 'only an offline leaf without references is freed')
  unlinkChild(e, m)
  if (m.percpuPayer !== null) for (const size of ownAllocations(e)) unchargePercpu(e, m.percpuPayer, size, cpu)
  statsAtFree(e, m)
  if (m.lists !== -1) freeRow(e.folios.lists, m.lists)
  forgetAging(e, m)
  if (m.events !== -1) freeRow(e.eventCounts, m.events)
  for (const counter of [m.memory, m.swap, m.memsw, m.kmem, m.tcpmem])
    if (counter !== NO_COUNTER) freeCounter(e.counters, counter)
  forgetStock(e, m)
  destroyCaches(e, m)
  if (e.features.idFreedAt === 'css-free') e.idsInUse--
  e.memcgs[m.slot] = null
  e.freeMemcgs.push(m.slot)
}

function linkChild(e: Engine, parent: MemCgroup, m: MemCgroup): void {
  m.prevSibling = parent.lastChild
  if (parent.lastChild === NO_MEMCG) parent.firstChild = m.slot
  else e.memcgs[parent.lastChild]!.nextSibling = m.slot
  parent.lastChild = m.slot
}

function unlinkChild(e: Engine, m: MemCgroup): void {
  const parent = m.parent!
  if (m.prevSibling === NO_MEMCG) parent.firstChild = m.nextSibling
  else e.memcgs[m.prevSibling]!.nextSibling = m.nextSibling
  if (m.nextSibling === NO_MEMCG) parent.lastChild = m.prevSibling
  else e.memcgs[m.nextSibling]!.prevSibling = m.prevSibling
}
