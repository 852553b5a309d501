// Limits of version 1: WE-15 of charge-reclaim.md §16, E28 of slab-kmem.md §13.
import t from 'tap'
import { charge, maxOf, PAGE_COUNTER_MAX, resetWatermark, usage, watermark } from '../../src/engine/counter.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { createFile } from '../../src/engine/file.ts'
import { GFP_KERNEL } from '../../src/engine/gfp.ts'
import { writeLimit } from '../../src/engine/limits-v1.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { accessFile } from '../../src/engine/pagecache.ts'
import { drainPageStocksBelow } from '../../src/engine/stock.ts'
import { EBUSY, OK } from '../../src/errno.ts'
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
