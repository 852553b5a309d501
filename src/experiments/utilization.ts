/** How much of the slab memory of a machine holds objects, as /proc/slabinfo counts them and as it is. */
import type { Engine } from '../engine/engine.ts'
import { freeOnNodeLists } from '../engine/slab/slub.ts'
import type { Bytes, Pages } from '../units.ts'

export interface Utilization {
  readonly pages: Pages
  /** Share of the bytes in objects that slabinfo calls active: free ones on slabs that a CPU owns are among them. */
  readonly visible: number
  /** Share of the bytes in objects that somebody holds. */
  readonly exact: number
}

/** Over all caches but those whose name is left out. */
export function utilizationOf(e: Engine, leaveOut: (cache: string) => boolean = () => false): Utilization {
  let pages: Pages = 0
  let active: Bytes = 0
  let held: Bytes = 0
  for (const cache of e.slab.caches) {
    if (cache === null || leaveOut(cache.name)) continue
    pages += cache.pages
    active += (cache.capacity - freeOnNodeLists(e.slab, cache)) * cache.size
    held += cache.objects * cache.size
  }
  const bytes = pages * e.machine.pageSize
  return { pages, visible: active / bytes, exact: held / bytes }
}
