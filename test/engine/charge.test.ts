import t from 'tap'
import { chargePages } from '../../src/engine/charge.ts'
import { charge, failcnt, setMax, usage } from '../../src/engine/counter.ts'
import { drainStocks } from '../../src/engine/drain.ts'
import { eventCount, localEventCount } from '../../src/engine/events.ts'
import { touchRegion } from '../../src/engine/fault.ts'
import { GFP_KERNEL, parseGfp } from '../../src/engine/gfp.ts'
import { createVma } from '../../src/engine/mm.ts'
import { stocked } from '../../src/engine/stock.ts'
import { ENOMEM, OK } from '../../src/errno.ts'
import { bareMm, engineOf, memcgBelow } from './helpers.ts'

const single = (e: ReturnType<typeof engineOf>, m: ReturnType<typeof memcgBelow>, n = 1, gfp = GFP_KERNEL) =>
  chargePages(e, m, n, gfp, 0, null)

t.test('WE-01: memory.current includes the stock', t => {
  for (const [kernel, batch] of [
    ['5.9', 32],
    ['6.12', 64],
  ] as const) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    single(e, m)
    t.equal(usage(e.counters, m.memory), batch, `${kernel}: after one charge`)
    for (let i = 1; i < batch; i++) single(e, m)
    t.equal(usage(e.counters, m.memory), batch, `${kernel}: after ${batch}`)
    single(e, m)
    t.equal(usage(e.counters, m.memory), 2 * batch, `${kernel}: after one more`)
  }
  t.end()
})

t.test('WE-02: close to the limit a charge takes exactly what it needs', t => {
  const e = engineOf('5.9')
  const m = memcgBelow(e)
  setMax(e.counters, m.memory, 40)
  for (let i = 0; i < 32; i++) single(e, m)
  t.equal(usage(e.counters, m.memory), 32)
  t.equal(failcnt(e.counters, m.memory), 0)
  for (let i = 32; i < 40; i++) t.equal(single(e, m), OK)
  t.equal(usage(e.counters, m.memory), 40)
  t.equal(failcnt(e.counters, m.memory), 8)
  t.equal(eventCount(e, m, 'max'), 0)
  t.end()
})

t.test('WE-03: the level that refused is the one that is blamed', t => {
  const e = engineOf('5.15')
  const p = memcgBelow(e)
  const c = memcgBelow(e, p)
  // P pays for the per-CPU memory of C: what it left in the stocks would get in the way.
  drainStocks(e, p)
  const own = usage(e.counters, p.memory)
  setMax(e.counters, p.memory, own + 100)
  charge(e.counters, c.memory, 96)
  t.equal(single(e, c), OK)
  t.equal(failcnt(e.counters, p.memory), 1)
  t.equal(failcnt(e.counters, c.memory), 0)
  t.equal(usage(e.counters, p.memory), own + 97)
  t.equal(usage(e.counters, c.memory), 97)
  charge(e.counters, c.memory, 3)
  t.equal(single(e, c), ENOMEM)
  t.equal(failcnt(e.counters, p.memory), 1 + 19)
  t.equal(localEventCount(e, p, 'max'), 18)
  t.equal(eventCount(e, c, 'max'), 0)
  t.end()
})

t.test('WE-04: what each flag does at the limit', t => {
  const rows = [
    ['GFP_NOWAIT', '6.12', ENOMEM, 2, 0],
    ['GFP_ATOMIC', '5.3', ENOMEM, 2, 0],
    ['GFP_ATOMIC', '5.15', OK, 2, 0],
    ['GFP_ATOMIC', '6.12', OK, 2, 1],
    ['GFP_KERNEL+NORETRY', '6.12', ENOMEM, 3, 2],
    ['GFP_KERNEL+MAYFAIL', '5.8', ENOMEM, 8, 7],
    ['GFP_KERNEL+MAYFAIL', '6.12', ENOMEM, 19, 18],
    ['GFP_NOWAIT+NOFAIL', '6.12', OK, 2, 1],
  ] as const
  for (const [flags, kernel, result, failures, events] of rows) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    setMax(e.counters, m.memory, 1000)
    charge(e.counters, m.memory, 1000)
    t.equal(single(e, m, 1, parseGfp(flags)), result, `${flags} on ${kernel}`)
    t.equal(failcnt(e.counters, m.memory), failures, `${flags} on ${kernel}: failcnt`)
    t.equal(eventCount(e, m, 'max'), events, `${flags} on ${kernel}: max`)
    t.equal(usage(e.counters, m.memory), result === OK ? 1001 : 1000)
    t.equal(eventCount(e, m, 'oom'), 0)
  }
  t.end()
})

t.test('WE-05: a kill makes room, and is counted where it happens', t => {
  for (const [kernel, failures, events] of [
    ['5.8', 8, 7],
    ['6.12', 19, 18],
  ] as const) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    const mm = bareMm(e, m)
    const vma = createVma(mm, 'heap', 600, { file: null, filePage: 0, isPrivate: false })
    touchRegion(e, vma, 0, 600, { write: true, order: 0 }, { mm, cpu: 0, node: 0, gfp: GFP_KERNEL })
    charge(e.counters, m.memory, 1000 - usage(e.counters, m.memory) + stocked(e, m, 0))
    setMax(e.counters, m.memory, usage(e.counters, m.memory))
    while (stocked(e, m, 0) > 0) single(e, m)
    const full = usage(e.counters, m.memory)
    t.equal(single(e, m), OK, kernel)
    t.equal(failcnt(e.counters, m.memory), failures, `${kernel}: failcnt`)
    t.equal(eventCount(e, m, 'max'), events, `${kernel}: max`)
    t.equal(eventCount(e, m, 'oom'), 1)
    t.equal(eventCount(e, m, 'oom_kill'), 1)
    t.equal(usage(e.counters, m.memory), full - 600 + 1, 'the victim is gone, and the retry takes one page')
  }
  t.end()
})

t.test('WE-05: nobody is killed for an order above 3', t => {
  const e = engineOf()
  const m = memcgBelow(e)
  bareMm(e, m)
  setMax(e.counters, m.memory, 1000)
  charge(e.counters, m.memory, 1000)
  t.equal(single(e, m, 512), ENOMEM)
  t.equal(failcnt(e.counters, m.memory), 18)
  t.equal(eventCount(e, m, 'max'), 18)
  t.equal(eventCount(e, m, 'oom'), 0)
  t.end()
})

t.test('WE-06: events count at the memcg and, from 5.2, at its ancestors', t => {
  const e = engineOf()
  const p = memcgBelow(e)
  const c = memcgBelow(e, p)
  setMax(e.counters, c.memory, 10)
  charge(e.counters, c.memory, 10)
  t.equal(single(e, c, 1, parseGfp('GFP_KERNEL+MAYFAIL')), ENOMEM)
  t.equal(eventCount(e, c, 'max'), 18)
  t.equal(localEventCount(e, c, 'max'), 18)
  t.equal(eventCount(e, p, 'max'), 18)
  t.equal(localEventCount(e, p, 'max'), 0)
  t.end()
})
