// Limits that bite: worked examples of charge-reclaim.md §16.
import t from 'tap'
import { chargePages } from '../../src/engine/charge.ts'
import { charge, setHigh, usage } from '../../src/engine/counter.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { eventCount } from '../../src/engine/events.ts'
import { touchRegion } from '../../src/engine/fault.ts'
import { createFile } from '../../src/engine/file.ts'
import { GFP_KERNEL } from '../../src/engine/gfp.ts'
import { returnToUser } from '../../src/engine/high.ts'
import { reclaimOnRequest, writeHigh, writeMax } from '../../src/engine/limits.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { createVma, type Mm } from '../../src/engine/mm.ts'
import { accessFile } from '../../src/engine/pagecache.ts'
import { drainPageStocksBelow } from '../../src/engine/stock.ts'
import { EAGAIN, OK } from '../../src/errno.ts'
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

t.test(
  'WE-12 on 6.1: above high a task makes up for it when it returns, or at once if it owes more than a batch',
  t => {
    const scene = () => {
      const e = engineOf('6.1')
      const m = memcgBelow(e)
      const mm = bareMm(e, m)
      cleanCache(e, mm, 500)
      charge(e.counters, m.memory, 492)
      setHigh(e.counters, m.memory, 1000)
      return { e, m, mm }
    }
    const small = scene()
    t.equal(used(small.e, small.m), 992)
    chargePages(small.e, small.m, 32, GFP_KERNEL, 0, small.mm)
    t.equal(used(small.e, small.m), 1056, '32 of them in stock')
    t.equal(small.mm.overHigh, 64, 'not larger than a batch')
    returnToUser(small.e, small.mm, 0)
    t.equal(used(small.e, small.m), 992)
    t.equal(eventCount(small.e, small.m, 'high'), 1)

    const large = scene()
    chargePages(large.e, large.m, 65, GFP_KERNEL, 0, large.mm)
    t.equal(used(large.e, large.m), 992, 'reclaimed inside the charge')
    t.equal(eventCount(large.e, large.m, 'high'), 1)
    t.equal(large.mm.overHigh, 0)
    t.end()
  },
)

t.test('WE-13: writing memory.high reclaims what it can and never fails', t => {
  const e = engineOf('6.12')
  const m = memcgBelow(e)
  const mm = bareMm(e, m)
  cleanCache(e, mm, 5000)
  charge(e.counters, m.memory, 5000)
  writeHigh(e, m, 4000, WAITS)
  t.equal(used(e, m), 5000)
  t.equal(e.reclaimed, 5000)
  t.equal(eventCount(e, m, 'high'), 0)
  t.equal(eventCount(e, m, 'oom'), 0)
  t.end()
})

t.test('WE-14: writing memory.max reclaims, then kills; the usage may stay above it', t => {
  const scene = () => {
    const e = engineOf('6.12')
    const m = memcgBelow(e)
    const a = bareMm(e, m)
    const b = bareMm(e, m)
    cleanCache(e, a, 5000)
    anon(e, a, 3000)
    anon(e, b, 2500)
    t.equal(used(e, m), 10_500)
    return { e, m, a, b }
  }
  const { e, m, a, b } = scene()
  writeMax(e, m, 4000, WAITS)
  t.equal(used(e, m), 2500)
  t.ok(a.dying)
  t.notOk(b.dying)
  t.equal(eventCount(e, m, 'oom'), 1)
  t.equal(eventCount(e, m, 'oom_kill'), 1)
  t.equal(eventCount(e, m, 'max'), 0, 'the write itself counts no max')

  const spared = scene()
  for (const mm of [spared.a, spared.b]) mm.oomScoreAdj = -1000
  writeMax(spared.e, spared.m, 4000, WAITS)
  t.equal(used(spared.e, spared.m), 5500, 'nobody can be killed')
  t.equal(eventCount(spared.e, spared.m, 'oom'), 1)
  t.end()
})

t.test('WE-17: memory.reclaim takes a quarter of the rest at a time on 6.12, all of it on 6.1', t => {
  for (const [kernel, wanted, cache, result, freed] of [
    ['6.12', 2560, 10_000, OK, 2579],
    ['6.1', 2560, 10_000, OK, 2560],
    ['6.12', 2560, 1000, EAGAIN, 1000],
    ['6.12', 1, 10_000, OK, 32],
    ['6.12', 0, 0, OK, 0],
  ] as const) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    cleanCache(e, bareMm(e, m), cache)
    t.equal(reclaimOnRequest(e, m, wanted), result, `${wanted} of ${cache} on ${kernel}`)
    t.equal(e.reclaimed, freed)
  }
  t.end()
})
