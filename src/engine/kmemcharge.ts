/**
 * Charging kernel memory to a memcg in whole pages: on its memory, and on the counter of kernel memory.
 * Kernel: mm/memcontrol.c, memcg_charge_kmem (4.2), __memcg_kmem_charge (5.x), obj_cgroup_charge_pages (5.13 and later).
 */
import { ENOMEM, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import type { Cpu, Pages } from '../units.ts'
import { chargePages } from './charge.ts'
import { charge, NO_COUNTER, tryCharge, uncharge } from './counter.ts'
import type { Engine } from './engine.ts'
import { GFP_NOFAIL, type Gfp } from './gfp.ts'
import type { MemCgroup } from './memcg.ts'
import { unchargeMemory } from './memcounters.ts'
import type { Mm } from './mm.ts'
import { modStat, STAT } from './vmstat.ts'

/** Charges both counters or none. Charges to the root always succeed and move no counter. */
export function chargeKmem(e: Engine, m: MemCgroup, pages: Pages, gfp: Gfp, cpu: Cpu, mm: Mm | null): Ok | Errno {
  if (m.parent === null) return OK
  const charged =
    e.features.kmemChargeOrder === 'kmem-first'
      ? chargeKmemFirst(e, m, pages, gfp, cpu, mm)
      : chargeMemoryFirst(e, m, pages, gfp, cpu, mm)
  if (!isErrno(charged)) modStat(e, m, STAT.kernel, cpu, pages)
  return charged
}

function chargeKmemFirst(e: Engine, m: MemCgroup, pages: Pages, gfp: Gfp, cpu: Cpu, mm: Mm | null): Ok | Errno {
  if (!takeKmem(e, m, pages, gfp)) return ENOMEM
  const charged = chargePages(e, m, pages, gfp, cpu, mm)
  if (isErrno(charged)) uncharge(e.counters, m.kmem, pages)
  return charged
}

function chargeMemoryFirst(e: Engine, m: MemCgroup, pages: Pages, gfp: Gfp, cpu: Cpu, mm: Mm | null): Ok | Errno {
  const charged = chargePages(e, m, pages, gfp, cpu, mm)
  if (isErrno(charged) || takeKmem(e, m, pages, gfp)) return charged
  unchargeMemory(e, m, pages)
  return ENOMEM
}

function takeKmem(e: Engine, m: MemCgroup, pages: Pages, gfp: Gfp): boolean {
  if (e.features.kmemLimit !== 'inert' && tryCharge(e.counters, m.kmem, pages) === NO_COUNTER) return true
  if (e.features.kmemLimit !== 'inert' && (gfp & GFP_NOFAIL) === 0) return false
  charge(e.counters, m.kmem, pages)
  return true
}
