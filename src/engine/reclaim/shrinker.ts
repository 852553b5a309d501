/**
 * Shrinking what is no page: names and their inodes, the shrinker of every file system. Kernel: mm/shrinker.c,
 * fs/super.c super_cache_scan, mm/list_lru.c.
 *
 * A name is on the list of the memcg that pays for it; those of a removed memcg are on that of its parent. A name with
 * its inode is two objects, freed together. Their memory comes back later, so no reclaim ever counts it.
 */
import type { NodeNumber, Pages } from '../../units.ts'
import type { Engine } from '../engine.ts'
import { addAging, agingOf, DEFERRED, LRU, setAging, sizesOf } from '../lruvec.ts'
import type { MemCgroup } from '../memcg.ts'
import { countFreeable, indexNames, scanNames } from '../names.ts'
import { DEFAULT_SEEKS, planShrinking } from './formula.ts'
import type { Scan } from './scan.ts'

/** Asks the shrinker for its part of the names of `m`, after `scanned` pages of its lists were looked at. */
export function shrinkNames(e: Engine, scan: Scan, m: MemCgroup, node: NodeNumber, scanned: Pages): void {
  if (!scan.mayUseFs || e.dcache.families.size === 0) return
  if (e.features.shrinker === 'S0' && m.parent !== null && !m.kmemActive) return
  scan.names ??= indexNames(e)
  const list = scan.names.get(m) ?? []
  const freeable = countFreeable(list, node)
  if (freeable === 0) return
  const keeper = e.features.shrinkerDeferred === 'shared' ? e.root : m
  const sizes = sizesOf(e, m, node)
  const { scan: objects, deferred } = planShrinking(e.features.shrinker, {
    freeable,
    deferred: agingOf(e, keeper, node, DEFERRED),
    priority: scan.priority,
    scanned,
    eligible: LRU.reduce((sum, list) => sum + sizes[list], 0),
    seeks: DEFAULT_SEEKS,
    batch: e.options.sbShrinkBatch,
  })
  setAging(e, keeper, node, DEFERRED, deferred)
  if (objects > 0) scanNames(e, list, node, objects)
}

/** A memcg is removed: what it had put off its parent does. Kernel: reparent_shrinker_deferred. */
export function reparentDeferred(e: Engine, m: MemCgroup, parent: MemCgroup): void {
  for (let node = 0; node < e.machine.nodes; node++) {
    const deferred = agingOf(e, m, node, DEFERRED)
    if (deferred === 0) continue
    setAging(e, m, node, DEFERRED, 0)
    addAging(e, parent, node, DEFERRED, deferred)
  }
}
