/**
 * Kernel memory that is charged to cgroups: objects by the byte, page blocks, per-CPU memory.
 * Kernel: mm/memcontrol.c (obj_cgroup_charge, __memcg_slab_post_alloc_hook, __memcg_kmem_charge_page), 6.12 order:
 * the object is taken first and given back if its charge fails.
 */
import { type Errno, isErrno, OK, type Ok } from '../errno.ts'
import type { Bytes, Cpu, NodeNumber, Pages } from '../units.ts'
import { chargePages } from './charge.ts'
import type { Engine } from './engine.ts'
import type { Gfp } from './gfp.ts'
import { type KernelObjects, type KernelPages, OWNER_POINTER } from './kmem.ts'
import type { MemCgroup } from './memcg.ts'
import type { Mm } from './mm.ts'
import { consumeBytes, modSlabBytes, type ObjCgroup, putObjcg, refillBytes } from './objstock.ts'
import { allocObjects, type KmemCache } from './slab/slub.ts'
import { modStat, STAT } from './vmstat.ts'

/** The objcg that pays for kernel memory of a task in `m`: of the nearest memcg that has one; null at the root. */
function objcgFor(m: MemCgroup): ObjCgroup | null {
  for (let level: MemCgroup | null = m; level !== null; level = level.parent)
    if (level.objcg !== null) return level.objcg
  return null
}

/** Charges bytes to an objcg: from the stock of the CPU, or whole pages of which the rest goes there. */
export function chargeBytes(e: Engine, o: ObjCgroup, bytes: Bytes, gfp: Gfp, cpu: Cpu, mm: Mm | null): Ok | Errno {
  if (consumeBytes(e, o, cpu, bytes)) return OK
  const { pageSize } = e.machine
  const pages = Math.ceil(bytes / pageSize)
  const charged = chargeObjcgPages(e, o, pages, gfp, cpu, mm)
  if (isErrno(charged)) return charged
  const rest = pages * pageSize - bytes
  if (rest > 0) refillBytes(e, o, cpu, rest, false)
  return OK
}

export const unchargeBytes = (e: Engine, o: ObjCgroup, bytes: Bytes, cpu: Cpu): void =>
  refillBytes(e, o, cpu, bytes, true)

function chargeObjcgPages(e: Engine, o: ObjCgroup, pages: Pages, gfp: Gfp, cpu: Cpu, mm: Mm | null): Ok | Errno {
  const charged = chargePages(e, o.memcg, pages, gfp, cpu, mm)
  if (isErrno(charged)) return charged
  modStat(e, o.memcg, STAT.kernel, cpu, pages)
  return OK
}

/** In whose name kernel memory is taken. */
export interface KernelActor {
  /** Who pays, where kernel memory is accounted to it; null for nobody. */
  readonly memcg: MemCgroup | null
  readonly mm: Mm | null
  readonly cpu: Cpu
  readonly node: NodeNumber
  readonly gfp: Gfp
}

const payingObjcg = ({ memcg }: KernelActor): ObjCgroup | null => (memcg === null ? null : objcgFor(memcg))

/** Allocates up to `count` objects one after the other; stops at the first whose charge is refused. */
export function allocKernelObjects(e: Engine, cache: KmemCache, count: number, actor: KernelActor): KernelObjects {
  const { node } = actor
  const objcg = payingObjcg(actor)
  const objects: KernelObjects = { cache: cache.index, node, count: 0, runs: [] }
  const granted = objcg === null ? count : chargeObjects(e, objcg, cache, count, actor)
  allocObjects(e, cache, granted, actor, objcg, objects.runs)
  objects.count = granted
  return objects
}

function chargeObjects(e: Engine, o: ObjCgroup, cache: KmemCache, count: number, actor: KernelActor): number {
  const { gfp, cpu, mm, node } = actor
  const bytes = cache.size + OWNER_POINTER
  const stock = e.objStocks[cpu]!
  let done = 0
  while (done < count) {
    let now = stock.objcg === o ? Math.min(count - done, Math.floor(stock.bytes / bytes)) : 0
    if (now > 0) stock.bytes -= now * bytes
    else {
      if (isErrno(chargeBytes(e, o, bytes, gfp, cpu, mm))) break
      now = 1
    }
    o.refs += now
    modSlabBytes(e, o, cpu, cache.reclaimable, bytes, now, node)
    done += now
  }
  return done
}

/** Allocates up to `blocks` blocks of 2^order pages. */
export function allocKernelPages(e: Engine, order: number, blocks: number, actor: KernelActor): KernelPages {
  const { gfp, cpu, mm } = actor
  const objcg = payingObjcg(actor)
  const pages: KernelPages = { objcg, order, blocks: 0 }
  while (pages.blocks < blocks) {
    if (objcg !== null) {
      if (isErrno(chargeObjcgPages(e, objcg, 2 ** order, gfp, cpu, mm))) break
      objcg.refs++
    }
    pages.blocks++
    e.kernelPages += 2 ** order
  }
  return pages
}

/** What an accounted per-CPU allocation of `size` bytes per CPU is charged. Kernel: pcpu_obj_full_size. */
export function percpuBytes(e: Engine, size: Bytes): Bytes {
  const vector = e.features.percpuCharge === 'size+vector' ? (size / 4) * OWNER_POINTER : 0
  return size * e.machine.cpus + vector
}

/** Charges one per-CPU allocation of `size` bytes per CPU. */
export function chargePercpu(e: Engine, o: ObjCgroup, size: Bytes, gfp: Gfp, cpu: Cpu): Ok | Errno {
  const bytes = percpuBytes(e, size)
  const charged = chargeBytes(e, o, bytes, gfp, cpu, null)
  if (isErrno(charged)) return charged
  o.refs++
  modStat(e, o.memcg, STAT.percpu, cpu, bytes)
  return OK
}

export function unchargePercpu(e: Engine, o: ObjCgroup, size: Bytes, cpu: Cpu): void {
  const bytes = percpuBytes(e, size)
  modStat(e, o.memcg, STAT.percpu, cpu, -bytes)
  unchargeBytes(e, o, bytes, cpu)
  putObjcg(e, o, cpu)
}
