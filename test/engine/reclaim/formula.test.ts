// How much a shrinker is asked for: worked examples of charge-reclaim.md §7, §16.
import t from 'tap'
import { type Demand, planShrinking, type Supply } from '../../../src/engine/reclaim/formula.ts'
import type { Features } from '../../../src/profiles/features.ts'

type Formula = Features['shrinker']

const demand = (freeable: number, priority: number, deferred = 0): Demand => ({
  freeable,
  deferred,
  priority,
  scanned: 0,
  eligible: 0,
  seeks: 2,
  batch: 128,
})

/** One descent, as long as there is something to free. */
function descent(formula: Formula, freeable: number, last: number): Supply[] {
  const found: Supply[] = []
  let deferred = 0
  for (let priority = 12; priority >= last; priority--) {
    const supply = planShrinking(formula, demand(freeable, priority, deferred))
    deferred = supply.deferred
    found.push(supply)
  }
  return found
}

t.test('WE-33: a large list', t => {
  for (const formula of ['S1', 'S2'] as const) {
    t.same(planShrinking(formula, demand(1_000_000, 12)), { delta: 488, scan: 384, deferred: 104 }, formula)
    t.same(planShrinking(formula, demand(10_000, 12)), { delta: 4, scan: 0, deferred: 4 }, formula)
  }
  const repeat = (formula: Formula, times: number): Supply => {
    let supply = planShrinking(formula, demand(10_000, 12))
    for (let i = 1; i < times; i++) {
      t.equal(supply.scan, 0)
      supply = planShrinking(formula, demand(10_000, 12, supply.deferred))
    }
    return supply
  }
  t.same(repeat('S1', 32), { delta: 4, scan: 128, deferred: 0 })
  t.same(repeat('S2', 40), { delta: 4, scan: 0, deferred: 160 })
  t.end()
})

t.test('WE-34: a small list in one descent', t => {
  t.equal(planShrinking('S1m', demand(100, 12)).scan, 100)
  const s2 = descent('S2', 100, 1)
  t.same(
    s2.map(each => each.scan),
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128],
  )
  t.equal(s2.at(-1)!.deferred, 66)
  const s1 = descent('S1', 100, 1)
  t.equal(s1.at(-1)!.scan, 128, 'of 194')
  t.equal(s1.at(-1)!.deferred, 66)
  const many = descent('S2', 10_000, 7)
  t.same(
    many.map(each => each.deferred),
    [4, 12, 30, 68, 146, 174],
  )
  t.equal(many.at(-1)!.scan, 128, 'of 157')
  t.end()
})

t.test('WE-35: by pages scanned', t => {
  const s0 = planShrinking('S0', { ...demand(10_000, 12), scanned: 32, eligible: 4096 })
  t.same(s0, { delta: 156, scan: 128, deferred: 28 })
  t.end()
})
