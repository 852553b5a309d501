// What memory.min and memory.low protect: worked examples of charge-reclaim.md §8, §16.
import t from 'tap'
import { charge, setLow, setMin, usage } from '../../../src/engine/counter.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { eventCount } from '../../../src/engine/events.ts'
import type { MemCgroup } from '../../../src/engine/memcg.ts'
import {
  type Claim,
  claimedProtection,
  effectiveProtection,
  proportionalProtection,
  scaledSize,
} from '../../../src/engine/protection.ts'
import { reclaim } from '../../../src/engine/reclaim.ts'
import type { KernelId } from '../../../src/profiles/features.ts'
import { memcgBelow } from '../helpers.ts'
import { cache, classicEngine, stat } from './helpers.ts'

/** A memcg with that much in use, without a page behind it. */
function using(e: Engine, parent: MemCgroup, pages: number): MemCgroup {
  const m = memcgBelow(e, parent)
  charge(e.counters, m.memory, pages)
  return m
}

const MIB = 256

t.test('WE-21: the tree of the kernel selftest at the start', t => {
  for (const kernel of ['5.8', '5.15', '6.12'] as const)
    for (const memoryRecursiveprot of [false, true]) {
      const e = classicEngine(kernel, {}, { memoryRecursiveprot })
      const a = memcgBelow(e)
      const b = memcgBelow(e, a)
      setMin(e.counters, b.memory, 50 * MIB)
      const children = [75, 25, 0, 500].map((claim, i) => {
        const m = using(e, b, i < 3 ? 50 * MIB : 0)
        setMin(e.counters, m.memory, claim * MIB)
        return m
      })
      t.same(
        children.map(m => effectiveProtection(e, a, m).min),
        [8533, 4266, 0, 0],
        kernel,
      )
    }
  t.end()
})

const claim = (usage: number, setting: number, of: Partial<Claim>): Claim => ({
  usage,
  setting,
  parent: 0,
  parentUsage: 0,
  siblings: 0,
  recursive: false,
  ...of,
})

t.test('WE-22: with less claimed than there is everybody keeps his claim, and recursively a share of the rest', t => {
  const of = { parent: 25600, parentUsage: 30720, siblings: 7680 + 5120 }
  const both = (recursive: boolean): number[] =>
    [7680, 5120].map(setting => claimedProtection(claim(15360, setting, { ...of, recursive })))
  t.same(both(false), [7680, 5120])
  t.same(both(true), [13165, 12434])
  t.same(
    [7680, 5120].map(setting => proportionalProtection(claim(15360, setting, of))),
    [7680, 5120],
  )
  t.end()
})

t.test('WE-23: without claims, recursively, protection is shared by use; over-commit by used claims', t => {
  const shared = (parent: number, usages: number[], recursive: boolean): number[] => {
    const parentUsage = usages.reduce((sum, each) => sum + each, 0)
    return usages.map(each => claimedProtection(claim(each, 0, { parent, parentUsage, recursive })))
  }
  t.same(shared(25600, [15360, 7680, 2560], true), [15360, 7680, 2560])
  t.same(shared(12800, [19200, 6400], true), [9600, 3200])
  t.same(shared(12800, [19200, 6400], false), [0, 0])
  t.same(
    [25600, 6400].map(each => claimedProtection(claim(each, 25600, { parent: 12800, siblings: 25600 + 6400 }))),
    [10240, 2560],
  )
  t.end()
})

t.test(
  'WE-25: memory.low on 4.3 holds only below a target that is low itself; on 4.19 until nothing else is found',
  t => {
    const scene = (kernel: KernelId) => {
      const e = classicEngine(kernel, {}, { kmemOnV2: false })
      const a = memcgBelow(e)
      const c = memcgBelow(e, a)
      cache(e, c, 10240)
      setLow(e.counters, c.memory, 12800)
      return { e, a, c }
    }
    const old = scene('4.3')
    t.ok(reclaim(old.e, old.a, 32, 0) > 0)
    t.equal(stat(old.e, old.c, 'pgscan_direct'), 34, 'found in the first descent: 2, 4, 9, 19')
    t.equal(eventCount(old.e, old.c, 'low'), 0)

    const later = scene('4.19')
    const d = memcgBelow(later.e, later.a)
    cache(later.e, d, 1000)
    t.ok(reclaim(later.e, later.a, 32, 0) > 0)
    t.equal(usage(later.e.counters, later.c.memory), 10240, 'the sibling gives')
    t.equal(eventCount(later.e, later.c, 'low'), 0)
    const alone = scene('4.19')
    t.ok(reclaim(alone.e, alone.a, 32, 0) > 0)
    t.ok(usage(alone.e.counters, alone.c.memory) < 10240)
    t.ok(eventCount(alone.e, alone.c, 'low') >= 1)
    t.end()
  },
)

t.test('WE-26: protected memory is scanned in proportion to the rest', t => {
  const scans = (kernel: KernelId, protectedPages: number): number[] => {
    const size = scaledSize(classicEngine(kernel), 12800, 12800, protectedPages)
    return Array.from({ length: 13 }, (_, i) => Math.floor(size / 2 ** (12 - i)))
  }
  t.same(scans('6.12', 0), [3, 6, 12, 25, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12800])
  t.same(scans('6.12', 6400), [1, 3, 6, 12, 25, 50, 100, 200, 400, 800, 1600, 3200, 6401])
  t.same(scans('6.12', 12800), [0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32])
  t.equal(scans('5.8', 6400).at(-1), 6400)
  t.equal(scans('5.8', 12800).at(-1), 32)
  t.end()
})

t.test('min is never taken, whatever else there is', t => {
  const e = classicEngine('6.12')
  const a = memcgBelow(e)
  const c = memcgBelow(e, a)
  cache(e, c, 500)
  setMin(e.counters, c.memory, 500)
  t.equal(reclaim(e, a, 32, 0), 0)
  t.equal(usage(e.counters, c.memory), 500)
  t.ok(reclaim(e, c, 32, 0) > 0, 'not for a reclaim of itself')
  t.end()
})
