/**
 * Giving back the pages of slabs that belong to the caches of one memcg: the old slab controller, up to 5.8. Taking
 * them is in memcgcache.ts. Kernel: mm/slab.h, memcg_uncharge_slab.
 */
import { schedule } from '../clock.ts'
import { type Cpu, milliseconds, type Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { unchargeKmem } from './kmemuncharge.ts'
import { afterUnpin, type MemCgroup } from './memcg.ts'
import type { KmemCache, SlabPages } from './slab/slub.ts'
import { modStat, STAT } from './vmstat.ts'

/** For whoever only frees. A slab of a cache of everybody was charged to nobody. */
export const UNCHARGED_PAGES: SlabPages = {
  take: () => true,
  give(e, cache, order, cpu) {
    const { owner } = cache
    if (owner === null) return
    const pages = 2 ** order
    countSlabPages(e, owner, cache, cpu, -pages)
    unchargeKmem(e, owner, cpu, pages)
    if (!holdsOwner(e)) {
      owner.pins.slabPages -= pages
      afterUnpin(e, owner)
    } else if (cache.killed && cache.slabs === 0) queueDestruction(e, cache)
  },
}

/** A cache holds one reference on its owner where its pages hold none. */
export const holdsOwner = (e: Engine): boolean => e.features.slabPin === 'no'

/** Slab pages in the statistics, where they are counted in pages. */
export function countSlabPages(e: Engine, m: MemCgroup, cache: KmemCache, cpu: Cpu, pages: Pages): void {
  if (e.features.slabStatUnit !== 'pages') return
  modStat(e, m, cache.reclaimable ? STAT.slab_reclaimable : STAT.slab_unreclaimable, cpu, pages)
}

export function queueDestruction(e: Engine, cache: KmemCache): void {
  schedule(e.clock, milliseconds(e.options.workMs), 'cache-destroy', cache.index)
}
