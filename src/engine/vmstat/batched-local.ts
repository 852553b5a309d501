/**
 * Batches of which the parents know nothing: every memcg counts for itself, and a reader adds up the subtree, dying
 * memcgs included. What a memcg has counted goes when it goes, so the ancestors are never left wrong.
 * Kernel: mm/memcontrol.c, 4.19 (profiles.md H1).
 */
import type { Engine } from '../engine.ts'
import { forEachInSubtree, type MemCgroup } from '../memcg.ts'
import { addBatched, addTo, countedHere, type Publish } from './batch.ts'
import { type Mechanism, never, nothing } from './mechanism.ts'
import { cellOf } from './stats.ts'

const publish: Publish = (e, m, column, value) => addTo(e, m, 'own', column, value)

const shownLocal = (e: Engine, m: MemCgroup, column: number): number => Math.max(0, cellOf(e, m, 'own', column))

export const BATCHED_LOCAL: Mechanism = {
  add: (e, m, item, cpu, value, times, node) => addBatched(e, m, item, cpu, value, times, node, publish),
  shown: (e, m, column) => {
    let sum = 0
    forEachInSubtree(e, m, each => {
      sum += shownLocal(e, each, column)
    })
    return sum
  },
  shownLocal,
  real: (e, m, column) => {
    let sum = 0
    forEachInSubtree(e, m, each => {
      sum += countedHere(e, each, column)
    })
    return sum
  },
  readerFlushes: never,
  forReader: nothing,
  flush: nothing,
  atOffline: nothing,
  atRelease: nothing,
  atFree: nothing,
}
