/**
 * What writing a limit of version 1 does. Kernel: mm/memcontrol.c, mem_cgroup_resize_limit (4.2), mem_cgroup_resize_max
 * (4.19 and later), memcg_update_kmem_max, memcg_update_tcp_max. Works started by a write run on CPU 0 and pass no time.
 */
import { EBUSY, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import type { Pages } from '../units.ts'
import { type CounterId, setMax, usage } from './counter.ts'
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

/** memory.limit_in_bytes: reclaims until the usage is within the limit. EBUSY, and the old limit, if it does not get there. */
export function writeLimit(e: Engine, m: MemCgroup, pages: Pages): Ok | Errno {
  const isProgress = e.features.v1LimitWrite === 'until-no-progress'
  const stored = isProgress ? shrinkWhileItHelps(e, m, pages) : shrinkByTries(e, m, pages)
  if (!isErrno(stored)) recoverFromOom(e, m)
  return stored
}

function shrinkWhileItHelps(e: Engine, m: MemCgroup, pages: Pages): Ok | Errno {
  if (!isErrno(setMaxIfMet(e, m.memory, pages))) return OK
  drainStocks(e, m)
  while (isErrno(setMaxIfMet(e, m.memory, pages))) if (reclaim(e, m, ROUND, WRITER_CPU) === 0) return EBUSY
  return OK
}

/** Every memcg of the subtree is worth so many rounds that do not lower the usage. */
function shrinkByTries(e: Engine, m: MemCgroup, pages: Pages): Ok | Errno {
  let tries = 0
  forEachInSubtree(e, m, () => {
    tries += e.features.reclaimRetries
  })
  let least = usage(e.counters, m.memory)
  while (isErrno(setMaxIfMet(e, m.memory, pages))) {
    if (tries === 0) return EBUSY
    reclaim(e, m, ROUND, WRITER_CPU)
    const now = usage(e.counters, m.memory)
    if (now >= least) tries--
    else least = now
  }
  return OK
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
