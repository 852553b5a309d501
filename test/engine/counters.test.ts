import t from 'tap'
import * as counter from '../../src/engine/counter.ts'

// slab-kmem.md §13, E1.
t.test('E1: a charge that fails higher up leaves the watermark of the lower level raised', t => {
  const counters = counter.createCounters()
  const root = counter.createCounter(counters, counter.NO_COUNTER, 0)
  const p = counter.createCounter(counters, root, 1)
  const c = counter.createCounter(counters, p, 2)
  counter.setMax(counters, p, 10)
  t.equal(counter.tryCharge(counters, c, 8), counter.NO_COUNTER)
  t.equal(counter.tryCharge(counters, c, 3), p, 'P refuses')
  t.equal(counter.usage(counters, c), 8)
  t.equal(counter.usage(counters, p), 8)
  t.equal(counter.watermark(counters, c), 11)
  t.equal(counter.watermark(counters, p), 8)
  t.equal(counter.failcnt(counters, p), 1)
  t.equal(counter.failcnt(counters, c), 0)
  t.equal(counter.tryCharge(counters, c, 2), counter.NO_COUNTER, 'usage equal to the limit is allowed')
  t.equal(counter.usage(counters, p), 10)
  t.end()
})
