/**
 * The list model of reclaim: how far down it goes, which memcgs it visits, when it is content. Kernel: mm/vmscan.c
 * do_try_to_free_pages, shrink_node, shrink_node_memcgs; mm/memcontrol.c mem_cgroup_iter.
 */
import type { NodeNumber } from '../../units.ts'
import type { Engine } from '../engine.ts'
import { memoryEvent } from '../events.ts'
import { agingOf, CURSOR, FIRST_PRIORITY, setAging } from '../lruvec.ts'
import { type MemCgroup, nextInSubtree } from '../memcg.ts'
import { effectiveProtection, standing } from '../protection.ts'
import { vmpressure, vmpressurePriority } from '../vmpressure.ts'
import { rememberActivations, targetBalance } from './balance.ts'
import type { Scan } from './scan.ts'
import { shrinkLists } from './shrink.ts'
import { shrinkNames } from './shrinker.ts'

/** Reclaims until enough is freed, or until every way was tried and nothing came. */
export function reclaimByLists(e: Engine, scan: Scan): void {
  do {
    descend(e, scan)
    rememberActivations(e, scan.target)
  } while (scan.reclaimed === 0 && hasAnotherWay(e, scan))
}

function descend(e: Engine, scan: Scan): void {
  for (scan.priority = FIRST_PRIORITY; scan.priority >= 0; scan.priority--) {
    vmpressurePriority(e, scan.target, scan.priority)
    for (const node of nodesFrom(e, scan)) {
      const { scanned, reclaimed } = scan
      shrinkNode(e, scan, node)
      vmpressure(e, scan.target, scan.scanned - scanned, scan.reclaimed - reclaimed)
    }
    if (scan.reclaimed >= scan.want) return
  }
}

/** Nearest first: that of the CPU, then round. */
function nodesFrom({ machine }: Engine, { cpu }: Scan): NodeNumber[] {
  const { nodes, cpus } = machine
  const first = Math.floor((cpu * nodes) / cpus)
  return Array.from({ length: nodes }, (_, i) => (first + i) % nodes)
}

/** What is tried next when nothing came: which of the ways there are, and in this order, the kernel decides. */
function hasAnotherWay({ features }: Engine, scan: Scan): boolean {
  const ways = features.reclaimSecondChance.split('-')
  if (ways.includes('walk') && !scan.fullWalk) {
    scan.fullWalk = true
    return true
  }
  if (ways.includes('deactivate') && scan.skippedDeactivate && !scan.forceDeactivate) {
    scan.forceDeactivate = true
    return true
  }
  if (scan.lowSkipped && !scan.lowReclaim) {
    scan.lowReclaim = true
    scan.forceDeactivate = false
    return true
  }
  return false
}

/**
 * Visits the memcgs from where the last visit ended up to the end of the tree, or from its start. A reclaim that is not
 * of the whole machine stops as soon as it has enough; from 5.5 until there was a cursor again it visits all, and each
 * gives as much as is wanted of it.
 */
function shrinkNode(e: Engine, scan: Scan, node: NodeNumber): void {
  const { target } = scan
  scan.balance = targetBalance(e, scan, node)
  const { reclaimCursor } = e.features
  const cursor = CURSOR + (reclaimCursor === 'per-priority' ? scan.priority : 0)
  const isPartial = target.parent !== null && !scan.fullWalk && reclaimCursor !== 'none'
  const last = isPartial ? e.memcgs[agingOf(e, target, node, cursor) - 1] : undefined
  let m: MemCgroup | null = (last && nextInSubtree(e, target, last)) ?? target
  while (m !== null) {
    if (isPartial) setAging(e, target, node, cursor, m.slot + 1)
    shrinkMemcg(e, scan, m, node)
    if (isPartial && scan.reclaimed >= scan.want) return
    m = nextInSubtree(e, target, m)
  }
  if (isPartial) setAging(e, target, node, cursor, 0)
}

function shrinkMemcg(e: Engine, scan: Scan, m: MemCgroup, node: NodeNumber): void {
  const protection = effectiveProtection(e, scan.target, m)
  const how = standing(e, scan.target, m, protection)
  if (how === 'min') return
  if (how === 'low') {
    if (!scan.lowReclaim) {
      scan.lowSkipped = true
      return
    }
    memoryEvent(e, m, 'low')
  }
  e.reclaimVisits.all++
  if (!m.online) e.reclaimVisits.zombies++
  const { scanned } = scan
  shrinkLists(e, scan, m, node, protection)
  shrinkNames(e, scan, m, node, scan.scanned - scanned)
}
