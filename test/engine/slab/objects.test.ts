// Free objects near CPUs: sheaves of 7.1, arrays of SLAB (slab-kmem.md §3.3), worked out by hand. The cache is that of
// helpers.ts: four objects to a slab.
import t from 'tap'
import { nextDue, takeDue } from '../../../src/clock.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { TRIM } from '../../../src/engine/slab/arrays.ts'
import { activeObjects } from '../../../src/engine/slab/report.ts'
import { flushCpu, shrinkCache, trimIdle } from '../../../src/engine/slab/slub.ts'
import { seconds } from '../../../src/units.ts'
import { engineOf } from '../helpers.ts'
import { distinct, fours, freeIn, give, rowsOn, take } from './helpers.ts'

t.test('7.1: a CPU keeps up to two sheaves of free objects, which pin their slabs', t => {
  const e = engineOf('7.1')
  const cache = fours(e)
  t.equal(cache.cpuLimit, 4)
  const objects = take(e, cache, 12)
  const [a, b, c] = distinct(objects) as [number, number, number]
  t.same(objects, [a, a, a, a, b, b, b, b, c, c, c, c])
  give(e, [a, a, a, a, b, b, b, b])
  t.equal(cache.stacks[0]!.held, 8)
  t.equal(cache.slabs, 3)
  t.equal(activeObjects(e, cache), 12, 'objects in sheaves count as active')
  give(e, [c]) // Both sheaves are full: the older four objects, those of A, go back to their slab.
  t.equal(cache.stacks[0]!.held, 5)
  t.same(rowsOn(e, cache.nodes[0]!.partial), [a], 'the node keeps the empty slab')
  t.equal(activeObjects(e, cache), 8)
  t.equal(cache.objects, 3)
  t.same(take(e, cache, 6), [c, b, b, b, b, a], 'the newest first; then a sheaf is filled from the node')
  t.end()
})

t.test('7.1: a sheaf is filled from partial slabs and new ones', t => {
  const e = engineOf('7.1', { cpus: 2 })
  const cache = fours(e)
  const [a, b] = distinct(take(e, cache, 8)) as [number, number]
  give(e, [a, a, b], 1)
  flushCpu(e, cache, 1)
  t.same(rowsOn(e, cache.nodes[0]!.partial), [a, b])
  const objects = take(e, cache, 4)
  const c = objects[3]!
  t.same(objects, [a, a, b, c])
  t.equal(freeIn(e, c), 3, 'one object of the new slab was needed')
  t.same(rowsOn(e, cache.nodes[0]!.partial), [c])
  t.end()
})

/** Runs what is due up to `time`; how many trimmings that were. */
function trimUntil(e: Engine, time: number): number {
  let trimmings = 0
  for (let item = takeDue(e.clock, time); item !== undefined; item = takeDue(e.clock, time)) {
    if (item.kind !== TRIM) continue
    trimIdle(e, item.a)
    trimmings++
  }
  return trimmings
}

t.test('SLAB: the array of a CPU holds 24 objects of a page and moves 12 at once', t => {
  const e = engineOf('4.2', { allocator: 'slab' })
  const cache = fours(e)
  t.equal(cache.cpuLimit, 24)
  take(e, cache, 1)
  t.equal(cache.slabs, 1, 'a refill makes one slab when there is nothing')
  t.equal(cache.stacks[0]!.held, 3, 'and takes what is in it')
  const slabs = distinct([...take(e, cache, 24)])
  t.equal(cache.slabs, 7)
  t.equal(cache.stacks[0]!.held, 3)
  // 21 objects fill the array. For the 22nd the oldest 12 leave: 3 of the last slab, then 4 + 4 of the first two
  // freed, and 1 of the third; one CPU shares with nobody.
  const [, b, c, d] = slabs as [number, number, number, number]
  const last = slabs.at(-1)!
  const freed = slabs
    .slice(1, 7)
    .flatMap(slab => Array<number>(4).fill(slab))
    .slice(0, 22)
  give(e, freed)
  t.equal(cache.stacks[0]!.held, 24 - 12 + 1)
  t.same(rowsOn(e, cache.nodes[0]!.empty), [b, c])
  t.same([freeIn(e, last), freeIn(e, d)], [3, 1])
  t.equal(cache.nodes[0]!.free, 12)
  t.equal(activeObjects(e, cache), 16, '28 objects but the 12 in slabs')
  t.equal(cache.objects, 3)
  shrinkCache(e, cache, 0)
  t.equal(cache.slabs, 1 + 1, 'the first slab, and the last with its object')
  t.end()
})

t.test('SLAB: what leaves a full array goes to the one that the CPUs share, and comes back from there', t => {
  const e = engineOf('4.2', { allocator: 'slab', cpus: 2 })
  const cache = fours(e)
  const objects = take(e, cache, 40)
  give(e, objects.slice(0, 25))
  t.equal(cache.stacks[0]!.held, 13)
  t.equal(cache.nodes[0]!.shared.held, 12)
  t.same(cache.nodes[0]!.free, 0)
  const slabs = cache.slabs
  take(e, cache, 12, 1)
  t.equal(cache.slabs, slabs, 'the other CPU needs no new slab')
  t.equal(cache.nodes[0]!.shared.held, 0)
  t.end()
})

t.test(
  'SLAB: idle arrays are trimmed every 2 s, those of nodes and empty slabs every 4 s, until nothing is left',
  t => {
    const e = engineOf('4.2', { allocator: 'slab' })
    const cache = fours(e)
    const start = e.clock.now
    give(e, take(e, cache, 24))
    t.equal(cache.stacks[0]!.held, 24)
    t.equal(nextDue(e.clock), start + seconds(2))
    trimUntil(e, start + seconds(2))
    t.equal(cache.stacks[0]!.held, 24, 'it was in use')
    trimUntil(e, start + seconds(4))
    t.equal(cache.stacks[0]!.held, 19, 'a fifth of 24, rounded up: (24 + 4) / 5')
    trimUntil(e, start + seconds(6))
    t.equal(cache.stacks[0]!.held, 14)
    const trimmings = trimUntil(e, start + seconds(60))
    t.equal(cache.slabs, 0)
    t.ok(trimmings < 20)
    t.equal(nextDue(e.clock), Number.POSITIVE_INFINITY, 'an idle kernel has nothing to do')
    t.end()
  },
)
