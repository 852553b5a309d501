/**
 * Taking memory away from a memcg and what is below it. Retry, event and failure rules live with the callers; behind
 * this door are two back ends. Kernel: mm/vmscan.c, try_to_free_mem_cgroup_pages.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'
import { reclaimByLists } from './reclaim/classic.ts'
import { reclaimIdeally } from './reclaim/ideal.ts'
import { CLUSTER, newScan, type Reclaimer } from './reclaim/scan.ts'
import { vmpressure } from './vmpressure.ts'
import { STAT } from './vmstat.ts'

/** What one call reclaims at least. Kernel: SWAP_CLUSTER_MAX. */
export const RECLAIM_CLUSTER = CLUSTER

/** How a reclaim differs from that of a charge. */
export interface ReclaimHow {
  /** Anonymous memory may be swapped out. Default: yes. */
  readonly maySwap?: boolean
  /** Instead of that of the target: 0 to 200, or `max`. */
  readonly swappiness?: number | 'max'
  /** It may enter file systems, where names are shrunk. Default: yes. */
  readonly mayUseFs?: boolean
  /** Asked for by memory.reclaim. */
  readonly proactive?: boolean
  /** The machine runs short: work of kswapd. */
  readonly background?: boolean
}

/** Reclaims from `target` and below on behalf of something that runs on `cpu`; the pages freed. */
export function reclaim(e: Engine, target: MemCgroup, pages: Pages, cpu: Cpu, how: ReclaimHow = {}): Pages {
  const want = Math.max(pages, RECLAIM_CLUSTER)
  const freed = e.options.reclaim === 'ideal' ? ideally(e, target, want, cpu) : byLists(e, target, want, cpu, how)
  e.reclaimed += freed
  e.reclaimCalls++
  return freed
}

/** Whatever it looks at it can free. */
function ideally(e: Engine, target: MemCgroup, want: Pages, cpu: Cpu): Pages {
  const freed = reclaimIdeally(e, target, want, cpu)
  vmpressure(e, target, freed, freed)
  return freed
}

function byLists(e: Engine, target: MemCgroup, want: Pages, cpu: Cpu, how: ReclaimHow): Pages {
  const scan = newScan({
    target,
    want,
    cpu,
    by: reclaimerOf(e, how),
    maySwap: how.maySwap ?? true,
    swappiness: how.swappiness,
    mayUseFs: how.mayUseFs ?? true,
  })
  reclaimByLists(e, scan)
  return scan.reclaimed
}

/** memory.reclaim has counts of its own from 6.18 on. */
const reclaimerOf = ({ vmstats }: Engine, { proactive, background }: ReclaimHow): Reclaimer =>
  background ? 'kswapd' : proactive && vmstats.counted[STAT.pgscan_proactive] ? 'proactive' : 'direct'
