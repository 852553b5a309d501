/**
 * Batches that go to the memcg and all its ancestors, so that a reader finds the sum of the subtree in one place. What
 * the CPUs hold when a memcg is freed is lost (5.2), added twice for some items (5.3), or added once (5.5 and later).
 * Kernel: mm/memcontrol.c __mod_memcg_state, memcg_flush_percpu_vmstats, 5.2 to 5.12 (slab-kmem.md §7.2 to 7.4).
 */
import type { Engine } from '../engine.ts'
import { forEachInSubtree, type MemCgroup } from '../memcg.ts'
import { addBatched, addTo, countedHere, type Publish } from './batch.ts'
import { STAT } from './items.ts'
import { type Mechanism, never, nothing } from './mechanism.ts'
import { cellOf, columnsOf, NO_ROW, sumOfBlocks } from './stats.ts'

const publishUpward: Publish = (e, m, column, value) => {
  for (let level: MemCgroup | null = m; level !== null; level = level.parent) addTo(e, level, 'shown', column, value)
}

/** The memcg's own numbers wait in the same batches (5.3 and later). */
const publishWithOwn: Publish = (e, m, column, value) => {
  addTo(e, m, 'own', column, value)
  publishUpward(e, m, column, value)
}

const add: Mechanism['add'] = (e, m, item, cpu, value, times, node) => {
  if (e.vmstats.vmstatLocal === 'batched') {
    addBatched(e, m, item, cpu, value, times, node, publishWithOwn)
    return
  }
  addBatched(e, m, item, cpu, value, times, node, publishUpward)
  const total = e.vmstats.columns[item]!
  const ofNode = e.vmstats.nodeColumns[item]! + node
  addTo(e, m, 'own', total, value * times)
  if (ofNode !== total) addTo(e, m, 'own', ofNode, value * times)
}

const ownReal = (e: Engine, m: MemCgroup, column: number): number =>
  e.vmstats.vmstatLocal === 'batched' ? countedHere(e, m, column) : cellOf(e, m, 'own', column)

/** Adds what the CPUs hold to `m` and its ancestors, and leaves it on the CPUs. */
function publishResidues(e: Engine, m: MemCgroup, first: number, end: number): void {
  if (m.stats.blocks === null) return
  for (let column = first; column < end; column++) {
    const residue = sumOfBlocks(e, m, column)
    if (residue !== 0) publishUpward(e, m, column, residue)
  }
}

const FLUSHED_AT_OFFLINE = {
  none: [],
  reclaimable: [STAT.slab_reclaimable],
  both: [STAT.slab_reclaimable, STAT.slab_unreclaimable],
} as const

/**
 * The residues of slab become visible at once, and once more when the memcg is freed. That only reclaimable slab is
 * concerned comes from a range of items whose end is left out. Kernel: commit bee07b33db78, 5.3.
 */
function atOffline(e: Engine, m: MemCgroup): void {
  for (const item of FLUSHED_AT_OFFLINE[e.features.slabFlushAtOffline]) {
    const { first, end } = columnsOf(e, item)
    publishResidues(e, m, first, end)
  }
}

function atFree(e: Engine, m: MemCgroup): void {
  const { width } = e.vmstats
  if (e.features.vmstatAtFree === 'flush') publishResidues(e, m, 0, width)
  if (m.stats.own === NO_ROW && m.stats.blocks === null && m.stats.below === NO_ROW) return
  // What was counted here and will be uncounted at the parent stays true there; the kernel has no number for it.
  for (let column = 0; column < width; column++) {
    const counted = ownReal(e, m, column) + cellOf(e, m, 'below', column)
    if (counted !== 0) addTo(e, m.parent!, 'below', column, counted)
  }
}

export const BATCHED_TREE: Mechanism = {
  add,
  shown: (e, m, column) => cellOf(e, m, 'shown', column),
  shownLocal: (e, m, column) => cellOf(e, m, 'own', column),
  real: (e, m, column) => {
    let sum = 0
    forEachInSubtree(e, m, each => {
      sum += ownReal(e, each, column) + cellOf(e, each, 'below', column)
    })
    return sum
  },
  readerFlushes: never,
  forReader: nothing,
  flush: nothing,
  atOffline,
  atRelease: nothing,
  atFree,
}
