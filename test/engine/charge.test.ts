import t from 'tap'
import { chargePages } from '../../src/engine/charge.ts'
import { charge, failcnt, setMax, usage } from '../../src/engine/counter.ts'
import { drainStocks } from '../../src/engine/drain.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { eventCount, localEventCount } from '../../src/engine/events.ts'
import { touchRegion } from '../../src/engine/fault.ts'
import { GFP_KERNEL, IN_RECLAIM, parseGfp } from '../../src/engine/gfp.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { createVma, exitMm } from '../../src/engine/mm.ts'
import { stocked } from '../../src/engine/stock.ts'
import { chargeUserPages } from '../../src/engine/usercharge.ts'
import { ENOMEM, OK } from '../../src/errno.ts'
import { KERNEL_IDS, type KernelId } from '../../src/profiles/features.ts'
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

/** A memcg at its limit of 1000 pages, with nothing to reclaim and nobody to kill. */
function full(kernel: KernelId): { e: Engine; m: MemCgroup } {
  const e = engineOf(kernel)
  const m = memcgBelow(e)
  setMax(e.counters, m.memory, 1000)
  charge(e.counters, m.memory, 1000)
  return { e, m }
}

t.test('WE-04: what each flag does at the limit', t => {
  const rows: readonly (readonly [string, readonly KernelId[], number, number, number])[] = [
    ['GFP_NOWAIT', KERNEL_IDS, ENOMEM, 2, 0],
    ['GFP_ATOMIC', ['4.3', '4.4', '4.19', '5.2', '5.3'], ENOMEM, 2, 0],
    ['GFP_ATOMIC', ['5.5', '5.8', '5.9', '5.15'], OK, 2, 0],
    ['GFP_ATOMIC', ['6.1', '6.12', '6.18', '7.1'], OK, 2, 1],
    ['GFP_KERNEL+NORETRY', KERNEL_IDS, ENOMEM, 3, 2],
    ['GFP_KERNEL+MAYFAIL', ['5.3', '5.5', '5.8'], ENOMEM, 8, 7],
    ['GFP_KERNEL+MAYFAIL', ['5.9', '5.15', '6.1', '6.12', '6.18', '7.1'], ENOMEM, 19, 18],
    ['GFP_NOWAIT+NOFAIL', ['6.1', '6.12', '6.18', '7.1'], OK, 2, 1],
  ]
  for (const [flags, kernels, result, failures, events] of rows) {
    for (const kernel of kernels) {
      const { e, m } = full(kernel)
      const name = `${flags} on ${kernel}`
      t.equal(single(e, m, 1, parseGfp(flags)), result, name)
      t.equal(failcnt(e.counters, m.memory), failures, `${name}: failcnt`)
      t.equal(eventCount(e, m, 'max'), events, `${name}: max`)
      t.equal(usage(e.counters, m.memory), result === OK ? 1001 : 1000, `${name}: usage`)
      t.equal(eventCount(e, m, 'oom'), 0, `${name}: oom`)
    }
  }
  t.end()
})

t.test(
  'a charge that may not fail passes the limit when the retries are used up, from 5.15 on after the OOM killer',
  t => {
    for (const [kernel, events, ooms] of [
      ['4.3', 7, 0],
      ['4.19', 7, 0],
      ['5.9', 18, 0],
      ['5.15', 18, 1],
      ['6.12', 18, 1],
    ] as const) {
      const { e, m } = full(kernel)
      t.equal(single(e, m, 1, parseGfp('GFP_KERNEL+NOFAIL')), OK, kernel)
      t.equal(usage(e.counters, m.memory), 1001, `${kernel}: usage`)
      t.equal(eventCount(e, m, 'max'), events, `${kernel}: max`)
      t.equal(eventCount(e, m, 'oom'), ooms, `${kernel}: oom`)
    }
    t.end()
  },
)

t.test('a charge that may fail is worth one kill on 4.19, and none later', t => {
  for (const [kernel, kills] of [
    ['4.19', 1],
    ['5.3', 0],
  ] as const) {
    const { e, m } = full(kernel)
    // Spared, the first victim leaves everything as it was: nothing of what is charged was its own.
    for (const _ of [1, 2]) bareMm(e, m)
    t.equal(single(e, m, 1, parseGfp('GFP_KERNEL+MAYFAIL')), ENOMEM, kernel)
    t.equal(eventCount(e, m, 'oom_kill'), kills, `${kernel}: oom_kill`)
  }
  t.end()
})

t.test('a charge from inside reclaim passes the limit, from 4.19 on', t => {
  for (const [kernel, result] of [
    ['4.4', ENOMEM],
    ['4.19', OK],
    ['6.12', OK],
  ] as const) {
    const { e, m } = full(kernel)
    t.equal(single(e, m, 1, IN_RECLAIM), result, kernel)
    t.equal(eventCount(e, m, 'max'), result === OK && kernel === '6.12' ? 1 : 0)
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

t.test('WE-05: nobody is killed for 512 pages', t => {
  for (const [kernels, failures, ooms] of [
    [['4.19'], 7, 1],
    [['5.3', '5.5', '5.8'], 7, 0],
    [['5.9', '5.15', '6.1', '6.12', '6.18', '7.1'], 18, 0],
  ] as const) {
    for (const kernel of kernels) {
      const { e, m } = full(kernel)
      bareMm(e, m)
      t.equal(single(e, m, 512), ENOMEM, kernel)
      t.equal(failcnt(e.counters, m.memory), failures, `${kernel}: failcnt`)
      t.equal(eventCount(e, m, 'max'), failures, `${kernel}: max`)
      t.equal(eventCount(e, m, 'oom'), ooms, `${kernel}: oom`)
      t.equal(eventCount(e, m, 'oom_kill'), 0, `${kernel}: oom_kill`)
    }
  }
  t.end()
})

t.test('WE-06: events count at the memcg and, from 5.2 on version 2, at its ancestors', t => {
  for (const [kernel, hierarchy, localevents, below, above] of [
    ['4.19', 'v2', false, 7, 0],
    ['5.9', 'v2', false, 18, 18],
    ['5.9', 'v2', true, 18, 0],
    ['5.9', 'v1', false, 18, 0],
  ] as const) {
    const e = engineOf(kernel, {}, { memoryLocalevents: localevents }, hierarchy)
    const p = memcgBelow(e)
    const c = memcgBelow(e, p)
    setMax(e.counters, c.memory, 10)
    charge(e.counters, c.memory, 10)
    single(e, c, 1, parseGfp('GFP_KERNEL+MAYFAIL'))
    const name = `${kernel} ${hierarchy}${localevents ? ' memory_localevents' : ''}`
    t.equal(eventCount(e, c, 'max'), below, `${name}: C`)
    t.equal(localEventCount(e, c, 'max'), below, `${name}: C, local`)
    t.equal(eventCount(e, p, 'max'), above, `${name}: P`)
    t.equal(localEventCount(e, p, 'max'), 0, `${name}: P, local`)
  }
  t.end()
})

t.test('WE-07: a task that is being killed passes the limit, up to 5.9', t => {
  const dying = (kernel: KernelId) => {
    const { e, m } = full(kernel)
    const mm = bareMm(e, m)
    mm.dying = true
    return { e, m, mm, actor: { mm, cpu: 0, node: 0, gfp: GFP_KERNEL } }
  }
  const v43 = dying('4.3')
  t.strictSame(chargeUserPages(v43.e, v43.actor, 1), { memcg: v43.e.root, pages: 1 }, '4.3: the root pays')
  t.equal(usage(v43.e.counters, v43.m.memory), 1000)
  t.equal(chargePages(v43.e, v43.m, 1, GFP_KERNEL, 0, v43.mm), OK, '4.3: a kernel page stays with the cgroup')
  t.equal(usage(v43.e.counters, v43.m.memory), 1001)
  for (const kernel of ['4.4', '4.19', '5.3', '5.5', '5.8', '5.9'] as const) {
    const { e, m, actor } = dying(kernel)
    t.equal(chargeUserPages(e, actor, 1)?.memcg, m, kernel)
    t.equal(usage(e.counters, m.memory), 1001, kernel)
    t.equal(eventCount(e, m, 'max'), 0, kernel)
  }
  const v515 = dying('5.15')
  t.equal(chargeUserPages(v515.e, v515.actor, 1), null, '5.15: as any other')
  t.equal(usage(v515.e.counters, v515.m.memory), 1000)
  // A round of retries with the drain, then one without it: 18 + 17. Recorded: 35 to 36.
  t.equal(eventCount(v515.e, v515.m, 'max'), 35)
  t.end()
})

t.test("up to 4.3 pages of a dying task at the limit are the root's, and go with it", t => {
  const { e, m } = full('4.3')
  const mm = bareMm(e, m)
  mm.dying = true
  const vma = createVma(mm, 'heap', 10, { file: null, filePage: 0, isPrivate: false })
  const actor = { mm, cpu: 0, node: 0, gfp: GFP_KERNEL }
  t.equal(touchRegion(e, vma, 0, 10, { write: true, order: 0 }, actor), 10)
  t.equal(usage(e.counters, m.memory), 1000)
  exitMm(e, mm, 0)
  t.equal(usage(e.counters, m.memory), 1000)
  t.equal(m.pins.folios, 0)
  t.end()
})
