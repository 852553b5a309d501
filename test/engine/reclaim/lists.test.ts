// The list model of reclaim: worked examples of charge-reclaim.md §6, §16.
import t from 'tap'
import { setMax, usage } from '../../../src/engine/counter.ts'
import { touchRegion } from '../../../src/engine/fault.ts'
import { createFile } from '../../../src/engine/file.ts'
import { isPinned } from '../../../src/engine/memcg.ts'
import { createVma } from '../../../src/engine/mm.ts'
import { freeMemcg, offlineMemcg } from '../../../src/engine/offline.ts'
import { accessFile } from '../../../src/engine/pagecache.ts'
import { fractionsByCost, inactiveRatio, scanCounts } from '../../../src/engine/reclaim/balance.ts'
import { shrinkInactive } from '../../../src/engine/reclaim/shrink.ts'
import { reclaim } from '../../../src/engine/reclaim.ts'
import { drainPageStocksBelow } from '../../../src/engine/stock.ts'
import type { KernelId } from '../../../src/profiles/features.ts'
import { bareMm, memcgBelow } from '../helpers.ts'
import { actorOf, anon, cache, classicEngine, onList, scanOf, stat } from './helpers.ts'

t.test('WE-27: priorities: a small part of a list at first, then twice as much', t => {
  const freed = (kernel: KernelId, pages: number): number => {
    const e = classicEngine(kernel)
    const m = memcgBelow(e)
    cache(e, m, pages)
    const got = reclaim(e, m, 32, 0)
    t.equal(stat(e, m, 'pgscan_direct'), got)
    t.equal(stat(e, m, 'pgsteal_direct'), got)
    return got
  }
  for (const kernel of ['4.19', '5.8', '6.12'] as const) {
    t.equal(freed(kernel, 12800), 45, `${kernel}: 3, 6, 12, 24 at priorities 12 to 9`)
    t.equal(freed(kernel, 131072), 32)
    t.equal(freed(kernel, 4096), 58, '1, 1, 3, 7, 15, 31')
    t.equal(freed(kernel, 100), 40, 'nothing down to 7, then 1, 3, 6, 11, 19')
  }
  t.equal(freed('4.3', 100), 32, 'a second pass over small lists')
  t.end()
})

const parts = (costs: [number, number], swappiness: number): number[] => {
  const { anon, file, of } = fractionsByCost(...costs, swappiness)
  return [anon, file].map(part => Math.floor((1000 * part) / of))
}

t.test('WE-28: anonymous memory against page cache, by what reclaim of each cost', t => {
  t.same(parts([0, 0], 60), [300, 700])
  t.same(parts([1000, 0], 60), [175, 824])
  t.same(parts([0, 1000], 60), [461, 538])
  t.same(parts([0, 0], 100), [500, 500])
  const e = classicEngine('6.12')
  e.swapTotal = 10_000
  const m = memcgBelow(e)
  const mm = bareMm(e, m)
  anon(e, mm, 1000)
  cache(e, m, 1000)
  const none = { min: 0, low: 0 }
  const counts = (swappiness: number | 'max', priority = 0) => {
    const { inactive_anon, inactive_file } = scanCounts(e, scanOf(m, { swappiness, priority }), m, 0, none)
    return [inactive_anon, inactive_file]
  }
  t.same(counts(0), [0, 1000], 'file only')
  t.same(counts(60), [1000, 1000], 'at priority 0 all of both')
  t.same(counts('max'), [1000, 0], 'anonymous memory only')
  setMax(e.counters, m.swap, 0)
  t.same(counts(60), [0, 1000], 'WE-18: swap.max 0, and anonymous memory is not scanned at all')
  t.end()
})

t.test('WE-29: how many times as much may be active', t => {
  const gib = 2 ** 18
  t.same(
    [0.5, 1, 10, 100, 1024].map(size => inactiveRatio(size * gib)),
    [1, 3, 10, 31, 101],
  )
  t.end()
})

t.test('WE-30: page cache that is used once stays inactive; used twice it is active', t => {
  const e = classicEngine('6.1')
  const m = memcgBelow(e)
  const mm = bareMm(e, m)
  const file = cache(e, m, 100)
  t.equal(onList(e, m, 'inactive_file'), 100)
  t.equal(stat(e, m, 'pgactivate'), 0)
  accessFile(e, file, 0, 100, actorOf(mm))
  t.equal(onList(e, m, 'active_file'), 100)
  t.equal(stat(e, m, 'pgactivate'), 100)
  t.equal(e.folios.batches.filter(Boolean).length, 1, 'and is one batch')
  t.end()
})

t.test('WE-30: mapped pages that were used are kept once, and active the second time', t => {
  const e = classicEngine('6.1')
  const m = memcgBelow(e)
  const mm = bareMm(e, m)
  const file = createFile(e, 'ext4', 'mapped', 100, true)
  const vma = createVma(mm, 'm', 100, { file, filePage: 0, isPrivate: false })
  const touch = () => touchRegion(e, vma, 0, 100, { write: false, order: 0 }, actorOf(mm))
  touch()
  t.equal(shrinkInactive(e, scanOf(m), m, 0, 'inactive_file', 100), 0)
  t.equal(onList(e, m, 'inactive_file'), 100)
  touch()
  t.equal(shrinkInactive(e, scanOf(m), m, 0, 'inactive_file', 100), 0)
  t.equal(onList(e, m, 'active_file'), 100)
  t.end()
})

t.test('WE-31: what comes back soon belongs to the working set', t => {
  const e = classicEngine('6.12')
  const m = memcgBelow(e)
  const mm = bareMm(e, m)
  const active = cache(e, m, 2)
  accessFile(e, active, 0, 2, actorOf(mm))
  t.equal(onList(e, m, 'active_file'), 2)
  const file = createFile(e, 'ext4', 'p', 7, true)
  const read = (page: number): void => {
    accessFile(e, file, page, page + 1, actorOf(mm))
    drainPageStocksBelow(e, e.root)
    if (onList(e, m, 'inactive_file') > 4) shrinkInactive(e, scanOf(m), m, 0, 'inactive_file', 1)
  }
  for (let page = 0; page < 7; page++) read(page)
  t.equal(usage(e.counters, m.memory), 6)
  read(2)
  t.equal(stat(e, m, 'workingset_refault_file'), 1)
  t.equal(stat(e, m, 'workingset_activate_file'), 1)
  t.equal(onList(e, m, 'active_file'), 3)
  read(0)
  t.equal(stat(e, m, 'workingset_refault_file'), 2)
  t.equal(stat(e, m, 'workingset_activate_file'), 1, 'distance 4, room for 3')
  t.end()
})

t.test('WE-44: every removed cgroup is visited; with their lists moved up there is nothing to visit', t => {
  const visits = (kernel: KernelId): number => {
    const e = classicEngine(kernel)
    const p = memcgBelow(e)
    for (let i = 0; i < 1000; i++) {
      const zombie = memcgBelow(e, p)
      cache(e, zombie, 1)
      offlineMemcg(e, zombie, 0)
      if (!isPinned(zombie)) freeMemcg(e, zombie, 0)
    }
    const got = reclaim(e, p, 32, 0)
    t.ok(got >= 32, kernel)
    return e.reclaimVisits.zombies
  }
  t.equal(visits('6.12'), 32)
  // Without a place to go on from (5.5 to 6.8) a round visits all of them: recorded on 6.1, in memory/protect.
  t.equal(visits('5.15'), 1000)
  t.equal(visits('7.1'), 0)
  t.end()
})

t.test('a round of 5.8 to 6.1 visits every cgroup, whatever the first one gave', t => {
  const left = (kernel: KernelId): number[] => {
    const e = classicEngine(kernel)
    const p = memcgBelow(e)
    const both = [memcgBelow(e, p), memcgBelow(e, p)]
    for (const m of both) cache(e, m, 131072)
    // At the first priority each has 32 pages to be scanned: as many as are wanted.
    t.equal(reclaim(e, p, 32, 0), kernel === '6.1' ? 64 : 32, kernel)
    return both.map(m => 131072 - usage(e.counters, m.memory))
  }
  t.same(left('6.1'), [32, 32])
  t.same(left('6.12'), [32, 0])
  t.same(left('4.19'), [32, 0])
  t.end()
})

t.test('memory that was used through a mapping is swapped out last, and a limit makes room by swapping', t => {
  const e = classicEngine('6.1')
  e.swapTotal = 5000
  const m = memcgBelow(e)
  setMax(e.counters, m.memory, 1000)
  const mm = bareMm(e, m)
  anon(e, mm, 3000)
  t.equal(mm.rss.anon + mm.swapents, 3000)
  t.ok(usage(e.counters, m.memory) <= 1000)
  t.equal(usage(e.counters, m.swap), mm.swapents)
  t.ok(e.folios.batches.filter(Boolean).length < 20, 'in few batches')
  t.end()
})
