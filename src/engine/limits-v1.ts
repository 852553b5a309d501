/**
 * What writing a limit of version 1, or memory.force_empty, does. Kernel: mm/memcontrol.c, mem_cgroup_resize_limit and
 * mem_cgroup_resize_memsw_limit (4.2), mem_cgroup_resize_max (4.19 and later), memcg_update_kmem_max,
 * memcg_update_tcp_max, mem_cgroup_force_empty. Works started by a write run on CPU 0 and pass no time.
 */
import { EBUSY, EINVAL, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import type { Pages } from '../units.ts'
import { type CounterId, maxOf, NO_COUNTER, setMax, usage } from './counter.ts'
import { drainStocks } from './drain.ts'
import type { Engine } from './engine.ts'
import { forEachInSubtree, type MemCgroup } from './memcg.ts'
import { recoverFromOom } from './oomwait.ts'
import { reclaim } from './reclaim.ts'

const WRITER_CPU = 0
/** Every round asks for one page; a reclaim takes 32 at least. */
const ROUND: Pages = 1

/** Stores a limit that the present usage is not above; EBUSY else. */
function setMaxIfMet(e: Engine, c: CounterId, pages: Pages): Ok | Errno {
  if (usage(e.counters, c) > pages) return EBUSY
  setMax(e.counters, c, pages)
  return OK
}

/**
 * memory.limit_in_bytes: reclaims until the usage is within the limit. EBUSY, and the old limit, if it does not get
 * there; EINVAL above the limit of memory and swap together.
 */
export function writeLimit(e: Engine, m: MemCgroup, pages: Pages): Ok | Errno {
  if (m.memsw !== NO_COUNTER && pages > maxOf(e.counters, m.memsw)) return EINVAL
  return lower(e, m, m.memory, pages)
}

/** memory.memsw.limit_in_bytes: the same, never below the limit of memory. */
export function writeMemswLimit(e: Engine, m: MemCgroup, pages: Pages): Ok | Errno {
  return pages < maxOf(e.counters, m.memory) ? EINVAL : lower(e, m, m.memsw, pages)
}

function lower(e: Engine, m: MemCgroup, c: CounterId, pages: Pages): Ok | Errno {
  const stored = drainsFirst(e) ? shrinkWhileItHelps(e, m, c, pages) : shrinkByTries(e, m, c, pages)
  if (!isErrno(stored)) recoverFromOom(e, m)
  return stored
}

/** Stocks are drained before anything is reclaimed since the same change (4.19). */
const drainsFirst = ({ features }: Engine): boolean => features.v1LimitWrite === 'until-no-progress'

function shrinkWhileItHelps(e: Engine, m: MemCgroup, c: CounterId, pages: Pages): Ok | Errno {
  if (!isErrno(setMaxIfMet(e, c, pages))) return OK
  drainStocks(e, m)
  while (isErrno(setMaxIfMet(e, c, pages))) if (reclaimFor(e, m, c) === 0) return EBUSY
  return OK
}

/** Every memcg of the subtree is worth so many rounds that do not lower the usage. */
function shrinkByTries(e: Engine, m: MemCgroup, c: CounterId, pages: Pages): Ok | Errno {
  let tries = 0
  forEachInSubtree(e, m, () => {
    tries += e.features.reclaimRetries
  })
  let least = usage(e.counters, c)
  while (isErrno(setMaxIfMet(e, c, pages))) {
    if (tries === 0) return EBUSY
    reclaimFor(e, m, c)
    const now = usage(e.counters, c)
    if (now >= least) tries--
    else least = now
  }
  return OK
}

/** One round. Swapping out does not lower memory and swap together. */
const reclaimFor = (e: Engine, m: MemCgroup, c: CounterId): Pages =>
  reclaim(e, m, ROUND, WRITER_CPU, { maySwap: c !== m.memsw })

/**
 * memory.force_empty: reclaims until nothing is charged or the retries are used up. Returns how many rounds freed
 * nothing: up to 6.0 each of them waits for writeback (feature force_empty_sleep).
 */
export function forceEmpty(e: Engine, m: MemCgroup): number {
  if (drainsFirst(e)) drainStocks(e, m)
  let idle = 0
  while (idle < e.features.reclaimRetries && usage(e.counters, m.memory) > 0)
    if (reclaim(e, m, ROUND, WRITER_CPU) === 0) idle++
  return idle
}

/** memory.kmem.limit_in_bytes: nothing is reclaimed for it, and from 5.16 on it means nothing. */
export const writeKmemLimit = (e: Engine, m: MemCgroup, pages: Pages): Ok | Errno =>
  e.features.kmemLimit === 'inert' ? OK : setMaxIfMet(e, m.kmem, pages)

/** Kernel memory of this memcg, and of those made below it from now on, is accounted. */
export function activateKmem(m: MemCgroup): void {
  m.kmemActive = true
}

/** memory.kmem.tcp.limit_in_bytes: sockets that are made from now on are accounted. */
export function writeTcpLimit(e: Engine, m: MemCgroup, pages: Pages): Ok | Errno {
  const stored = setMaxIfMet(e, m.tcpmem, pages)
  if (!isErrno(stored)) m.tcpActive = true
  return stored
}
