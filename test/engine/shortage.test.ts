// The machine itself runs short of memory (charge-reclaim.md §6.8).
import t from 'tap'
import { usage } from '../../src/engine/counter.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { createFile } from '../../src/engine/file.ts'
import { freePages } from '../../src/engine/freepages.ts'
import { accessFile } from '../../src/engine/pagecache.ts'
import { bareMm, engineOf, memcgBelow } from './helpers.ts'
import { actorOf, anon, cache, stat } from './reclaim/helpers.ts'

/** 16384 pages: reclaim begins below 256 free ones and ends above 512. */
const MEMORY = 64 * 2 ** 20
const small = (hierarchy: 'v1' | 'v2' = 'v2'): Engine =>
  engineOf('6.1', { memory: MEMORY }, { reclaim: 'classic' }, hierarchy)

t.test('below a 64th of all memory reclaim begins, and goes on until a 32nd is free', t => {
  const e = small()
  const m = memcgBelow(e)
  const file = createFile(e, 'ext4', 'large', 50_000, true)
  const mm = bareMm(e, m)
  let read = 0
  let least = Number.POSITIVE_INFINITY
  for (let page = 0; page < 50_000; page += 10) {
    read += accessFile(e, file, page, page + 10, actorOf(mm))
    least = Math.min(least, freePages(e))
  }
  t.equal(read, 50_000)
  t.ok(least >= 200 && least <= 256, `${least} pages were left at the least`)
  t.ok(stat(e, m, 'pgscan_kswapd') > 50_000 - 16_384)
  t.equal(stat(e, m, 'pgscan_direct'), 0)
  t.end()
})

t.test('a task of the root makes everybody give', t => {
  const e = small()
  const m = memcgBelow(e)
  cache(e, m, 10_000)
  const mm = bareMm(e, e.root)
  anon(e, mm, 12_000)
  t.equal(mm.rss.anon, 12_000)
  t.ok(usage(e.counters, m.memory) < 5000)
  t.end()
})

t.test('memory nobody can take is no reason to refuse: nobody is killed for the machine', t => {
  const e = small()
  const mm = bareMm(e, memcgBelow(e))
  anon(e, mm, 20_000)
  t.equal(mm.rss.anon, 20_000)
  t.ok(freePages(e) < 0)
  t.end()
})

t.test('who is above his soft limit gives first', t => {
  const e = small('v1')
  const [above, within] = [memcgBelow(e), memcgBelow(e)]
  for (const m of [above, within]) cache(e, m, 7000)
  above.v1!.softLimit = 1000
  cache(e, memcgBelow(e), 4000)
  t.ok(usage(e.counters, above.memory) < 5500)
  t.equal(usage(e.counters, within.memory), 7000)
  t.end()
})
