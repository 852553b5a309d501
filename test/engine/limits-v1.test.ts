// Limits of version 1: WE-15 and WE-16 of charge-reclaim.md §16, E28 of slab-kmem.md §13.
import t from 'tap'
import {
  charge,
  failcnt,
  maxOf,
  NO_COUNTER,
  PAGE_COUNTER_MAX,
  resetWatermark,
  setMax,
  uncharge,
  usage,
  watermark,
} from '../../src/engine/counter.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { createFile } from '../../src/engine/file.ts'
import { GFP_KERNEL } from '../../src/engine/gfp.ts'
import { writeLimit, writeMemswLimit } from '../../src/engine/limits-v1.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { chargeMemory, marginOf, tryChargeMemory } from '../../src/engine/memcounters.ts'
import { accessFile } from '../../src/engine/pagecache.ts'
import { reclaim } from '../../src/engine/reclaim.ts'
import { drainPageStocksBelow } from '../../src/engine/stock.ts'
import { EBUSY, EINVAL, OK } from '../../src/errno.ts'
import { TextBuffer } from '../../src/formats/text.ts'
import { bareMm, engineOf, memcgBelow } from './helpers.ts'

/** A memcg that uses 1000 pages, `clean` of which can be reclaimed. */
function full(e: Engine, clean: number): MemCgroup {
  const m = memcgBelow(e)
  if (clean > 0) {
    const file = createFile(e, 'ext4', 'cache', clean, true)
    accessFile(e, file, 0, clean, { mm: bareMm(e, m), cpu: 0, node: 0, gfp: GFP_KERNEL })
    drainPageStocksBelow(e, m)
  }
  charge(e.counters, m.memory, 1000 - usage(e.counters, m.memory))
  return m
}

t.test('WE-15: lowering the limit to 500 of 1000 pages', async t => {
  for (const kernel of ['4.2', '4.19', '6.1'] as const) {
    const e = engineOf(kernel)
    const m = full(e, 0)
    t.equal(writeLimit(e, m, 500), EBUSY, `${kernel}: nothing can be reclaimed`)
    t.equal(maxOf(e.counters, m.memory), PAGE_COUNTER_MAX, `${kernel}: the limit is as it was`)
  }
  for (const kernel of ['4.2', '4.19', '6.1'] as const) {
    const e = engineOf(kernel)
    const m = full(e, 600)
    t.equal(writeLimit(e, m, 500), OK)
    t.equal(usage(e.counters, m.memory), 488, `${kernel}: 16 calls of 32 pages`)
    t.equal(maxOf(e.counters, m.memory), 500)
  }
  // 1000 - 600 = 400 pages stay.
  const e = engineOf('6.1')
  const m = full(e, 600)
  t.equal(writeLimit(e, m, 399), EBUSY)
  t.equal(usage(e.counters, m.memory), 400)
  t.equal(writeLimit(e, m, 400), OK, 'a usage equal to the limit is within it')
})

t.test('WE-15: so many calls of reclaim that free nothing', async t => {
  for (const [kernel, descendants, calls] of [
    ['4.2', 0, 5],
    ['4.2', 2, 15],
    ['4.19', 0, 1],
    ['6.1', 2, 1],
  ] as const) {
    const e = engineOf(kernel, {}, { reclaim: 'classic' }, 'v1')
    const m = memcgBelow(e)
    m.v1!.useHierarchy = true
    for (let i = 0; i < descendants; i++) memcgBelow(e, m)
    charge(e.counters, m.memory, 1000 - usage(e.counters, m.memory))
    reclaim(e, m, 1, 0)
    const ofOneCall = e.reclaimVisits.all
    t.equal(writeLimit(e, m, 500), EBUSY)
    t.equal(e.reclaimVisits.all / ofOneCall - 1, calls, `${kernel}: ${descendants} descendants`)
  }
})

t.test('WE-16: a limit of memory is never above that of memory and swap together', async t => {
  for (const kernel of ['4.2', '4.19', '6.1'] as const) {
    const e = engineOf(kernel, {}, {}, 'v1')
    const m = memcgBelow(e)
    const mib = (count: number): number => count * 256
    t.equal(writeMemswLimit(e, m, mib(100)), EINVAL, `${kernel}: not below a memory limit that is none`)
    t.equal(writeLimit(e, m, mib(100)), OK)
    t.equal(writeMemswLimit(e, m, mib(100)), OK)
    t.equal(writeLimit(e, m, mib(200)), EINVAL)
    t.equal(writeMemswLimit(e, m, mib(50)), EINVAL)
    t.equal(writeMemswLimit(e, m, mib(200)), OK)
    t.equal(writeLimit(e, m, mib(200)), OK)
    t.equal(writeLimit(e, m, mib(300)), EINVAL)
    t.equal(maxOf(e.counters, m.memory), mib(200))
  }
})

t.test('the order comes before a usage that is too high', async t => {
  const e = engineOf('6.1', {}, {}, 'v1')
  const m = memcgBelow(e)
  chargeMemory(e, m, 1000)
  t.equal(writeMemswLimit(e, m, 500), EINVAL)
  t.equal(writeLimit(e, m, 1000), OK)
  t.equal(writeMemswLimit(e, m, 1000), OK)
  t.equal(writeMemswLimit(e, m, 500), EINVAL)
  uncharge(e.counters, m.memory, 600)
  t.equal(writeLimit(e, m, 400), OK, '600 pages were swapped out')
  t.equal(writeMemswLimit(e, m, 500), EBUSY, 'which count in both together')
})

t.test('a charge takes from both counters or from none', async t => {
  const e = engineOf('6.1', {}, {}, 'v1')
  const m = memcgBelow(e)
  setMax(e.counters, m.memsw, 10)
  t.equal(tryChargeMemory(e, m, 11), m.memsw)
  setMax(e.counters, m.memory, 5)
  t.equal(tryChargeMemory(e, m, 6), m.memory)
  t.same([usage(e.counters, m.memory), usage(e.counters, m.memsw)], [0, 0])
  t.equal(tryChargeMemory(e, m, 5), NO_COUNTER)
  t.same([usage(e.counters, m.memory), usage(e.counters, m.memsw)], [5, 5])
  // errata.md §2.25: with equal limits memory and swap together refuse first, and alone.
  setMax(e.counters, m.memsw, 5)
  t.equal(tryChargeMemory(e, m, 1), m.memsw)
  t.equal(failcnt(e.counters, m.memory), 1)
})

t.test('memsw_over_margin: memory and swap over their limit leave the room of memory, or none', async t => {
  for (const [choice, room] of [
    ['ignore', 90],
    ['zero', 0],
  ] as const) {
    const e = engineOf('4.19', {}, { memswOverMargin: choice }, 'v1')
    const m = memcgBelow(e)
    chargeMemory(e, m, 10)
    setMax(e.counters, m.memory, 100)
    setMax(e.counters, m.memsw, 9)
    t.equal(marginOf(e, m), room, choice)
    setMax(e.counters, m.memsw, 30)
    t.equal(marginOf(e, m), 20, 'below it the smaller room counts')
  }
})

t.test('E28: sizes are multiples of the page size, 64 KiB as well as 4', async t => {
  const e = engineOf('5.5', { pageSize: 65536 })
  const m = memcgBelow(e)
  charge(e.counters, m.kmem, 242)
  const shown = new TextBuffer().bytesOf(usage(e.counters, m.kmem), e.machine.pageSize)
  t.equal(shown.toString(), '15859712')
  const none = new TextBuffer().limitOf(maxOf(e.counters, m.kmem), e.machine.pageSize)
  // 2^63 - 65536: the last multiple of 64 KiB below 2^63.
  t.equal(none.toString(), '9223372036854710272')
  t.equal(new TextBuffer().limitOf(PAGE_COUNTER_MAX, 4096).toString(), '9223372036854771712')
})

t.test('the largest usage starts afresh at the present one', async t => {
  const e = engineOf('6.1')
  const m = full(e, 0)
  charge(e.counters, m.memory, 5)
  resetWatermark(e.counters, m.memory)
  t.equal(watermark(e.counters, m.memory), 1005)
  charge(e.counters, m.memory, 2)
  t.equal(watermark(e.counters, m.memory), 1007)
})
