/**
 * The reclaimer of the worked examples of charging (charge-reclaim.md §4.3): frees exactly what is asked for of clean
 * file pages, oldest first. No scanning, no ageing, no swap, no shrinkers, no protection.
 */
import type { Cpu, Pages } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { FolioBatch } from '../folio.ts'
import { type ListName, newerThan, oldest } from '../foliolist.ts'
import { isolate } from '../foliosplit.ts'
import { forEachInSubtree, type MemCgroup } from '../memcg.ts'
import { isHeld } from '../pins.ts'
import { modStat, STAT } from '../vmstat.ts'
import { evict } from './evict.ts'

export function reclaimIdeally(e: Engine, target: MemCgroup, want: Pages, cpu: Cpu): Pages {
  let freed = 0
  forEachInSubtree(e, target, m => {
    if (freed < want) freed += reclaimFile(e, m, want - freed, cpu)
  })
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
        const taken = isHeld(batch) || batch.kind !== 'file' ? 0 : Math.min(batch.pages, want - freed)
        if (taken > 0) evict(e, isolate(e, batch, 0, taken, cpu), null, cpu)
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
