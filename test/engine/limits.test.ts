// Limits that bite: worked examples of charge-reclaim.md §16.
import t from 'tap'
import { takeDue } from '../../src/clock.ts'
import { chargePages } from '../../src/engine/charge.ts'
import { charge, highOf, maxOf, PAGE_COUNTER_MAX, setHigh, usage } from '../../src/engine/counter.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { eventCount, swapEventCount } from '../../src/engine/events.ts'
import { touchRegion } from '../../src/engine/fault.ts'
import { createFile } from '../../src/engine/file.ts'
import { GFP_ATOMIC, GFP_KERNEL, IN_INTERRUPT } from '../../src/engine/gfp.ts'
import { delayOf, HIGH_WORK, reclaimOverHigh, returnToUser } from '../../src/engine/high.ts'
import { reclaimOnRequest, writeHigh, writeMax } from '../../src/engine/limits.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { createVma, type Mm } from '../../src/engine/mm.ts'
import { accessFile } from '../../src/engine/pagecache.ts'
import { drainPageStocksBelow } from '../../src/engine/stock.ts'
import { EAGAIN, EBUSY, OK } from '../../src/errno.ts'
import type { KernelId } from '../../src/profiles/features.ts'
import { seconds } from '../../src/units.ts'
import { bareMm, engineOf, memcgBelow } from './helpers.ts'

const WAITS = { nonblock: false }

/** Clean page cache of so many pages, charged to the address space; nothing is left in the stock. */
function cleanCache(e: Engine, mm: Mm, pages: number): void {
  const file = createFile(e, 'ext4', `cache${e.files.byName.size}`, pages, true)
  accessFile(e, file, 0, pages, { mm, cpu: 0, node: 0, gfp: GFP_KERNEL })
  drainPageStocksBelow(e, mm.memcg)
}

function anon(e: Engine, mm: Mm, pages: number): void {
  const vma = createVma(mm, 'heap', pages, { file: null, filePage: 0, isPrivate: false })
  touchRegion(e, vma, 0, pages, { write: true, order: 0 }, { mm, cpu: 0, node: 0, gfp: GFP_KERNEL })
  drainPageStocksBelow(e, mm.memcg)
}

const used = (e: Engine, m: MemCgroup): number => usage(e.counters, m.memory)

t.test('WE-11: how long a task above memory.high sleeps', t => {
  const MIB = 256
  /** Ticks by timer frequency. */
  const rows = [
    [101, 6, 1, 0],
    [102, 25, 6, 2],
    [103, 57, 14, 5],
    [105, 159, 39, 15],
    [110, 639, 159, 63],
    [115, 1439, 359, 143],
    [117, 1849, 462, 184],
    [118, 2000, 500, 200],
    [120, 2000, 500, 200],
  ] as const
  const above = (mebibytes: number, hz: number, kernel: KernelId = '5.5') => {
    const e = engineOf(kernel, { hz })
    const m = memcgBelow(e)
    setHigh(e.counters, m.memory, 100 * MIB)
    charge(e.counters, m.memory, mebibytes * MIB)
    return { e, m }
  }
  for (const [mebibytes, ...ticks] of rows) {
    for (const [i, hz] of [1000, 250, 100].entries()) {
      const name = `${mebibytes} MiB, HZ ${hz}`
      const { e, m } = above(mebibytes, hz)
      t.equal(delayOf(e, m, 32), ticks[i], name)
      const mm = bareMm(e, m)
      mm.overHigh = 32
      returnToUser(e, mm, 0)
      const time = mebibytes === 101 ? null : { reason: 'high', time: (ticks[i]! * seconds(1)) / hz }
      t.strictSame(mm.sleep, time, `${name}: it ${time === null ? 'goes on' : 'sleeps'}`)
    }
  }
  const { e, m } = above(110, 1000, '6.12')
  t.equal(delayOf(e, m, 128), 1278, 'twice a batch')
  t.equal(delayOf(e, m, 16), 159, 'a quarter of one')
  t.end()
})

t.test('above memory.high: no sleep up to 5.3, one round from 5.5, retries from 5.9', t => {
  for (const [kernel, rounds, sleeps] of [
    ['4.4', 1, false],
    ['5.3', 1, false],
    ['5.5', 1, true],
    ['5.8', 1, true],
    // The first, and 16 that are empty as well.
    ['5.9', 17, true],
    ['6.12', 17, true],
  ] as const) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    setHigh(e.counters, m.memory, 1000)
    charge(e.counters, m.memory, 1500)
    const mm = bareMm(e, m)
    mm.overHigh = e.features.batchPages
    returnToUser(e, mm, 0)
    t.equal(eventCount(e, m, 'high'), rounds, `${kernel}: rounds`)
    t.equal(mm.sleep !== null, sleeps, `${kernel}: sleeps`)
  }
  t.end()
})

t.test('above memory.swap.high a task sleeps as above memory.high, and memory.swap.events counts it', t => {
  const e = engineOf('5.9')
  const m = memcgBelow(e)
  setHigh(e.counters, m.swap, 1000)
  charge(e.counters, m.swap, 1500)
  const mm = bareMm(e, m)
  chargePages(e, m, 32, GFP_KERNEL, 0, mm)
  t.equal(mm.overHigh, 32)
  returnToUser(e, mm, 0)
  t.equal(mm.sleep?.reason, 'high')
  t.equal(eventCount(e, m, 'high'), 0)
  t.equal(swapEventCount(e, m, 'high'), 17, 'once for each look')
  t.end()
})

t.test('WE-12: above high a task makes up for it when it returns, or at once if it owes more than a batch', t => {
  const scene = (kernel: KernelId) => {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    const mm = bareMm(e, m)
    cleanCache(e, mm, 500)
    charge(e.counters, m.memory, 492)
    setHigh(e.counters, m.memory, 1000)
    t.equal(used(e, m), 992)
    return { e, m, mm }
  }
  for (const [kernel, usageThen, owed] of [
    ['4.19', 1024, 32],
    ['6.1', 1056, 64],
  ] as const) {
    const { e, m, mm } = scene(kernel)
    chargePages(e, m, 32, GFP_KERNEL, 0, mm)
    t.equal(used(e, m), usageThen, kernel)
    t.equal(mm.overHigh, owed, `${kernel}: not larger than a batch`)
    returnToUser(e, mm, 0)
    t.equal(used(e, m), 992, kernel)
    t.equal(eventCount(e, m, 'high'), 1, kernel)
  }
  const large = scene('6.1')
  chargePages(large.e, large.m, 65, GFP_KERNEL, 0, large.mm)
  t.equal(used(large.e, large.m), 992, 'reclaimed inside the charge')
  t.equal(eventCount(large.e, large.m, 'high'), 1)
  t.equal(large.mm.overHigh, 0)
  t.end()
})

t.test('in interrupt context memory.high makes work for later, from 4.19 on', t => {
  for (const [kernel, owed, freed] of [
    ['4.4', 32, 0],
    ['4.19', 0, 32],
    ['6.12', 0, 64],
  ] as const) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    const mm = bareMm(e, m)
    cleanCache(e, mm, 500)
    setHigh(e.counters, m.memory, 100)
    for (const _ of [1, 2]) chargePages(e, m, e.features.batchPages, GFP_ATOMIC | IN_INTERRUPT, 0, mm)
    t.equal(mm.overHigh, 2 * owed, `${kernel}: what the interrupted task owes`)
    const work = takeDue(e.clock, Number.POSITIVE_INFINITY)
    t.equal(work?.kind, owed === 0 ? HIGH_WORK : undefined)
    if (work !== undefined) reclaimOverHigh(e, work.a, 0)
    t.equal(e.reclaimed, freed, `${kernel}: what the work frees, queued once`)
    t.notOk(e.clock.queue.some(item => item.kind === HIGH_WORK))
  }
  t.end()
})

t.test('WE-13: writing memory.high reclaims what it can and never fails', t => {
  for (const [kernel, calls] of [
    ['5.3', 1],
    ['5.8', 7],
    ['5.9', 18],
    ['6.12', 18],
    ['7.1', 18],
  ] as const) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    const mm = bareMm(e, m)
    cleanCache(e, mm, 5000)
    charge(e.counters, m.memory, 5000)
    writeHigh(e, m, 4000, WAITS)
    t.equal(used(e, m), 5000, `${kernel}: usage`)
    t.equal(e.reclaimed, 5000, `${kernel}: reclaimed`)
    t.equal(e.reclaimCalls, calls, `${kernel}: calls of reclaim`)
    t.equal(highOf(e.counters, m.memory), 4000, `${kernel}: stored`)
    t.equal(eventCount(e, m, 'high'), 0, kernel)
    t.equal(eventCount(e, m, 'oom'), 0, kernel)
  }
  t.end()
})

t.test('from 5.8 on a write of memory.high drains the stocks first', t => {
  for (const [kernel, left] of [
    ['5.3', 992],
    ['5.8', 961],
  ] as const) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    const file = createFile(e, 'ext4', 'f', 32, true)
    accessFile(e, file, 0, 32, { mm: bareMm(e, m), cpu: 0, node: 0, gfp: GFP_KERNEL })
    charge(e.counters, m.memory, 960)
    chargePages(e, m, 1, GFP_KERNEL, 0, null)
    t.equal(used(e, m), 32 + 960 + 32, `${kernel}: 31 of them in stock`)
    writeHigh(e, m, 992, WAITS)
    // 5.3 reclaims 32 of cache for them; 5.8 gives the 31 back and is 1 above, for which it reclaims 32.
    t.equal(used(e, m), left, kernel)
  }
  t.end()
})

t.test('through a description that does not wait limits are only stored, from 6.18 on', t => {
  for (const [kernel, left] of [
    ['6.12', 4000],
    ['6.18', 5000],
  ] as const) {
    for (const write of [writeHigh, writeMax]) {
      const e = engineOf(kernel)
      const m = memcgBelow(e)
      cleanCache(e, bareMm(e, m), 5000)
      write(e, m, 4000, { nonblock: true })
      t.equal(used(e, m), left, `${kernel}: ${write.name}`)
    }
  }
  t.end()
})

t.test('writing memory.max below the usage gives stocked pages back first, from 4.4 on', t => {
  for (const [drains, left] of [
    [true, 1],
    [false, 32],
  ] as const) {
    const e = engineOf('4.4', {}, { stockDrainOnLimitWrite: drains })
    const m = memcgBelow(e)
    chargePages(e, m, 1, GFP_KERNEL, 0, null)
    writeMax(e, m, 16, WAITS)
    t.equal(used(e, m), left)
    t.equal(eventCount(e, m, 'oom'), drains ? 0 : 1)
  }
  t.end()
})

t.test('WE-14: writing memory.max reclaims, then kills; the usage may stay above it', t => {
  const scene = (kernel: KernelId) => {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    const a = bareMm(e, m)
    const b = bareMm(e, m)
    cleanCache(e, a, 5000)
    anon(e, a, 3000)
    anon(e, b, 2500)
    t.equal(used(e, m), 10_500)
    return { e, m, a, b }
  }
  for (const [kernel, calls] of [
    ['5.3', 1 + 5],
    ['6.1', 1 + 16],
    ['6.12', 1 + 16],
  ] as const) {
    const { e, m, a, b } = scene(kernel)
    t.equal(writeMax(e, m, 4000, WAITS), OK, kernel)
    t.equal(e.reclaimCalls, calls, `${kernel}: calls of reclaim`)
    t.equal(used(e, m), 2500, `${kernel}: usage`)
    t.ok(a.dying, kernel)
    t.notOk(b.dying, kernel)
    t.equal(eventCount(e, m, 'oom'), 1, kernel)
    t.equal(eventCount(e, m, 'oom_kill'), 1, kernel)
    t.equal(eventCount(e, m, 'max'), 0, `${kernel}: the write itself counts no max`)

    const spared = scene(kernel)
    for (const mm of [spared.a, spared.b]) mm.oomScoreAdj = -1000
    t.equal(writeMax(spared.e, spared.m, 4000, WAITS), OK, kernel)
    t.equal(used(spared.e, spared.m), 5500, `${kernel}: nobody can be killed`)
    t.equal(eventCount(spared.e, spared.m, 'oom'), 1, kernel)
  }
  t.end()
})

t.test('up to 4.3 memory.max is lowered as a limit of version 1: EBUSY, and the old limit', t => {
  const e = engineOf('4.3')
  const m = memcgBelow(e)
  bareMm(e, m)
  charge(e.counters, m.memory, 1000)
  t.equal(writeMax(e, m, 500, WAITS), EBUSY)
  t.equal(maxOf(e.counters, m.memory), PAGE_COUNTER_MAX)
  t.equal(eventCount(e, m, 'oom'), 0)
  t.equal(writeMax(e, m, 1000, WAITS), OK)
  t.end()
})

t.test('WE-17: memory.reclaim takes a quarter of the rest at a time on 6.12, all of it on 6.1', t => {
  for (const [kernel, wanted, cache, result, freed, calls] of [
    ['6.1', 2560, 10_000, OK, 2560, 1],
    ['6.12', 2560, 10_000, OK, 2579, 15],
    ['6.1', 2560, 1000, EAGAIN, 1000, 18],
    ['6.12', 2560, 1000, EAGAIN, 1000, 19],
    ['6.1', 1, 10_000, OK, 32, 1],
    ['6.12', 1, 10_000, OK, 32, 1],
    ['6.12', 0, 0, OK, 0, 0],
  ] as const) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    cleanCache(e, bareMm(e, m), cache)
    const name = `${wanted} of ${cache} on ${kernel}`
    t.equal(reclaimOnRequest(e, m, wanted), result, name)
    t.equal(e.reclaimed, freed, `${name}: freed`)
    t.equal(e.reclaimCalls, calls, `${name}: calls of reclaim`)
  }
  t.end()
})
