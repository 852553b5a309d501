/**
 * Kernel memory charged by the byte: objects and per-CPU memory. Kernel: mm/memcontrol.c (obj_cgroup_charge,
 * memcg_slab_post_alloc_hook), mm/percpu.c (pcpu_memcg_pre_alloc_hook), 5.9 and later.
 */
import { type Errno, isErrno, OK, type Ok } from '../errno.ts'
import type { Bytes, Cpu, NodeNumber } from '../units.ts'
import type { Engine } from './engine.ts'
import type { Gfp } from './gfp.ts'
import { OWNER_POINTER } from './kmem.ts'
import { chargeKmem } from './kmemcharge.ts'
import type { MemCgroup } from './memcg.ts'
import type { Mm } from './mm.ts'
import { consumeBytes, modSlabBytes, type ObjCgroup, putObjcg, refillBytes } from './objstock.ts'
import type { KmemCache } from './slab/slub.ts'
import { modStat, STAT } from './vmstat.ts'

/**
 * The objcg that pays for kernel memory on `node` of a task in `m`: of the nearest memcg that has one (during offline
 * that is an ancestor); null at the root, and where kernel memory is not accounted.
 */
export function objcgFor(m: MemCgroup, node: NodeNumber): ObjCgroup | null {
  if (!m.kmemActive) return null
  for (let level: MemCgroup | null = m; level !== null; level = level.parent)
    if (level.objcgs !== null) return level.objcgs[node % level.objcgs.length]!
  return null
}

/** Charges bytes to an objcg: from the stock of the CPU, or whole pages of which the rest goes there. */
export function chargeBytes(e: Engine, o: ObjCgroup, bytes: Bytes, gfp: Gfp, cpu: Cpu, mm: Mm | null): Ok | Errno {
  if (consumeBytes(e, o, cpu, bytes)) return OK
  const { pageSize } = e.machine
  const pages = Math.ceil(bytes / pageSize)
  const charged = chargeKmem(e, o.memcg, pages, gfp, cpu, mm)
  if (isErrno(charged)) return charged
  const rest = pages * pageSize - bytes
  if (rest > 0) refillBytes(e, o, cpu, rest, false)
  return OK
}

export const unchargeBytes = (e: Engine, o: ObjCgroup, bytes: Bytes, cpu: Cpu): void =>
  refillBytes(e, o, cpu, bytes, true)

/** Who takes kernel memory, and how. */
export interface KernelActor {
  /** Who pays, where kernel memory is accounted to it; null for nobody. */
  readonly memcg: MemCgroup | null
  readonly mm: Mm | null
  readonly cpu: Cpu
  readonly node: NodeNumber
  readonly gfp: Gfp
}

/** Charges objects of a cache one after the other, up to `count`; how many before the first that was refused. */
export function chargeObjects(e: Engine, o: ObjCgroup, cache: KmemCache, count: number, actor: KernelActor): number {
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
