/**
 * Taking memory away from a memcg and what is below it. Retry, event and failure rules live with the callers; this is
 * the pluggable back end. Kernel: mm/vmscan.c, try_to_free_mem_cgroup_pages.
 *
 * `ideal` (charge-reclaim.md §4.3) frees exactly what is asked for, at least 32 pages, of clean file pages, oldest
 * first: no scanning, no ageing, no swap, no shrinkers, no protection. The list model arrives with its own step.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, freeBatch, isolate, type ListName, newerThan, oldest, removeFromFile } from './folio.ts'
import { isHeld } from './held.ts'
import { unmapBatch } from './mapping.ts'
import { forEachInSubtree, type MemCgroup } from './memcg.ts'
import { modStat, STAT } from './vmstat.ts'

/** What one call reclaims at least. Kernel: SWAP_CLUSTER_MAX. */
export const RECLAIM_CLUSTER: Pages = 32

/** Reclaims from `target` and below on behalf of something that runs on `cpu`; the pages freed. */
export function reclaim(e: Engine, target: MemCgroup, pages: Pages, cpu: Cpu): Pages {
  const want = Math.max(pages, RECLAIM_CLUSTER)
  let freed = 0
  forEachInSubtree(e, target, m => {
    if (freed < want && !m.online) e.zombies.reclaimVisits++
    if (freed < want) freed += reclaimFile(e, m, want - freed, cpu)
  })
  e.reclaimed += freed
  return freed
}

const FILE_LISTS: readonly ListName[] = ['inactive_file', 'active_file']

function reclaimFile(e: Engine, m: MemCgroup, want: Pages, cpu: Cpu): Pages {
  let freed = 0
  for (const list of FILE_LISTS) {
    for (let node = 0; node < e.machine.nodes; node++) {
      let batch = oldest(e, m, node, list)
      while (batch !== undefined && freed < want) {
        const next: FolioBatch | undefined = newerThan(e, batch)
        const taken = isHeld(batch) ? 0 : Math.min(batch.pages, want - freed)
        if (taken > 0) evict(e, isolate(e, batch, 0, taken, cpu), cpu)
        freed += taken
        batch = next
      }
    }
  }
  if (freed > 0) {
    modStat(e, m, STAT.pgscan_direct, cpu, freed)
    modStat(e, m, STAT.pgsteal_direct, cpu, freed)
  }
  return freed
}

function evict(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  unmapBatch(e, batch, cpu)
  removeFromFile(e, batch, cpu)
  freeBatch(e, batch, cpu)
}
