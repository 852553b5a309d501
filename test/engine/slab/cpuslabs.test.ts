// SLUB up to 6.18: which slab an object comes from and where a slab goes, worked out by hand (slab-kmem.md §3.3).
// The cache is that of helpers.ts: four objects to a slab; a node keeps 6 empty ones.
import t from 'tap'
import {
  allocObjects,
  flushCpu,
  type ObjectRun,
  shrinkCache,
  zeroPartialLimits,
} from '../../../src/engine/slab/slub.ts'
import { engineOf } from '../helpers.ts'
import { distinct, fours, freeIn, give, take, whereabouts } from './helpers.ts'

t.test('objects come from the slab of the CPU until it is full', t => {
  const e = engineOf('5.3', { cpus: 2 })
  const cache = fours(e)
  const mine = take(e, cache, 5, 0)
  const others = take(e, cache, 1, 1)
  const [a, b] = distinct(mine) as [number, number]
  t.same(mine, [a, a, a, a, b])
  t.equal(others.includes(b), false, 'another CPU has a slab of its own')
  t.same(whereabouts(e, cache, 0), { current: b, partial: [], node: [] }, 'a full slab is on no list')
  t.equal(cache.slabs, 3)
  t.equal(cache.pages, 12)
  t.end()
})

t.test('a slab that a CPU owns stays when it becomes empty', t => {
  const e = engineOf('5.3')
  const cache = fours(e)
  give(e, take(e, cache, 4))
  t.equal(cache.objects, 0)
  t.equal(cache.slabs, 1)
  t.end()
})

t.test('up to 5.15 the partial slabs of a CPU are counted in free objects, as many as were free when they came', t => {
  const e = engineOf('5.3')
  const cache = fours(e)
  t.equal(cache.cpuLimit, 2, 'objects of a page or more')
  const [a, b, c, d, own] = distinct(take(e, cache, 20)) as [number, number, number, number, number]
  give(e, [a, a, a]) // A was full: it comes with one free object, and counts one also when it has three.
  give(e, [b]) // Counted 1, not above 2: B is added.
  give(e, [c]) // Counted 2, not above 2: C is added.
  t.same(whereabouts(e, cache), { current: own, partial: [c, b, a], node: [] })
  give(e, [d]) // Counted 3: the node gets all, the newest first; then D is added.
  t.same(whereabouts(e, cache), { current: own, partial: [d], node: [c, b, a] })

  t.same(take(e, cache, 1), [d], 'the own slab is full: the partial one of the CPU is next')
  // From the node: C with 1 free object (1 is not more than 2/2), and B, with which 2 are available.
  t.same(take(e, cache, 1), [c])
  t.same(whereabouts(e, cache), { current: c, partial: [b], node: [a] })
  t.same(take(e, cache, 4), [b, a, a, a])
  t.same(whereabouts(e, cache), { current: a, partial: [], node: [] })
  t.equal(cache.slabs, 5)
  t.notOk([a, b, c, d, own].includes(take(e, cache, 1)[0]!), 'nothing is partial any more: a new slab')
  t.end()
})

t.test('from 6.1 on they are counted in slabs', t => {
  const e = engineOf('6.12')
  const cache = fours(e)
  t.equal(cache.cpuLimit, 3, '2 x 6 objects, four to a slab')
  const [a, b, c, d, own] = distinct(take(e, cache, 20)) as [number, number, number, number, number]
  give(e, [a, a, a])
  give(e, [b])
  give(e, [c])
  t.same(whereabouts(e, cache), { current: own, partial: [c, b, a], node: [] })
  give(e, [d]) // Three are there already: the node gets all, then D is added.
  t.same(whereabouts(e, cache), { current: own, partial: [d], node: [c, b, a] })

  t.same(take(e, cache, 1), [d])
  // From the node: C, and others until more than 3/2 were moved: B and A. The last one moved is used first.
  t.same(take(e, cache, 1), [c])
  t.same(whereabouts(e, cache), { current: c, partial: [a, b], node: [] })
  t.same(take(e, cache, 4), [a, a, a, b])
  t.end()
})

for (const kernel of ['5.3', '6.12'] as const)
  t.test(`${kernel}: a node keeps 6 partial slabs, and frees what becomes empty beyond`, t => {
    const e = engineOf(kernel)
    const cache = fours(e)
    const slabs = distinct(take(e, cache, 32))
    give(e, slabs.slice(0, 7))
    flushCpu(e, cache, 0)
    t.same(new Set(whereabouts(e, cache).node), new Set(slabs.slice(0, 7)))
    const [a, b, c] = slabs as [number, number, number]
    give(e, [a, a, a])
    t.equal(cache.slabs, 7, 'the node has 7')
    give(e, [b, b, b])
    t.equal(cache.slabs, 6, 'the node has 6')
    give(e, [c, c, c])
    t.equal(cache.slabs, 6, 'the node has 5: C stays, empty')
    t.equal(freeIn(e, c), 4)
    shrinkCache(e, cache, 0)
    t.equal(cache.slabs, 5, 'a shrink frees the empty ones, whatever a node would keep')
    t.end()
  })

t.test('E15, the slabs: a copy without partial limits gives each slab back at once', t => {
  const e = engineOf('5.3', { cpus: 8 })
  const cache = e.slab.caches[e.slab.byName.get('dentry')!]!
  const objects = take(e, cache, 63)
  t.equal(cache.slabs, 3)
  zeroPartialLimits(e.slab, cache)
  shrinkCache(e, cache, 0)
  const [first, ...others] = distinct(objects) as [number, number, number]
  give(e, Array<number>(20).fill(first), 3)
  t.equal(cache.slabs, 3)
  give(e, [first], 5)
  t.equal(cache.slabs, 2)
  for (const slab of others) give(e, Array<number>(21).fill(slab))
  t.equal(cache.slabs, 0)
  t.end()
})

t.test('a flush of one CPU leaves the slabs of the others', t => {
  const e = engineOf('5.3', { cpus: 2 })
  const cache = fours(e)
  const [mine] = take(e, cache, 1, 0)
  const [other] = take(e, cache, 1, 1)
  flushCpu(e, cache, 0)
  t.same(whereabouts(e, cache, 0), { current: -1, partial: [], node: [mine] })
  t.same(whereabouts(e, cache, 1), { current: other, partial: [], node: [mine] })
  t.end()
})

t.test('a CPU that is asked for memory of another node lets go of its slab', t => {
  const e = engineOf('6.12', { nodes: 2 })
  const cache = fours(e)
  const [near] = take(e, cache, 1)
  const runs: ObjectRun[] = []
  allocObjects(e, cache, 1, { memcg: null, mm: null, cpu: 0, node: 1, gfp: 0 }, null, runs)
  t.not(runs[0]!.slab, near)
  t.same(whereabouts(e, cache), { current: runs[0]!.slab, partial: [], node: [near] })
  t.end()
})
