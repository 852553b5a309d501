// The per-CPU stock of pages: slab-kmem.md §2.1 and its worked examples.
import t from 'tap'
import { chargePages } from '../../src/engine/charge.ts'
import { failcnt, setMax, uncharge, usage } from '../../src/engine/counter.ts'
import { eventCount } from '../../src/engine/events.ts'
import { GFP_KERNEL } from '../../src/engine/gfp.ts'
import { isPinned } from '../../src/engine/memcg.ts'
import { createMemcg, freeMemcg, offlineMemcg } from '../../src/engine/offline.ts'
import { refillStock, stocked } from '../../src/engine/stock.ts'
import { EBUSY, ENOMEM, ENOSPC, OK } from '../../src/errno.ts'
import { engineOf, memcgBelow } from './helpers.ts'

t.test('E2: a charge leaves the rest of its batch in the stock', t => {
  for (const [kernel, batch] of [
    ['5.3', 32],
    ['6.1', 64],
  ] as const) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    chargePages(e, m, 1, GFP_KERNEL, 0, null)
    t.equal(usage(e.counters, m.memory), batch)
    t.equal(stocked(e, m, 0), batch - 1)
    // Up to 5.8 every page holds a reference, stocked ones too; the page handed out makes the 32nd of E2.
    t.equal(m.pins.stock, kernel === '5.3' ? 31 : 1)
    for (let i = 0; i < batch - 1; i++) chargePages(e, m, 1, GFP_KERNEL, 0, null)
    t.equal(usage(e.counters, m.memory), batch)
    t.equal(stocked(e, m, 0), 0)
    chargePages(e, m, 1, GFP_KERNEL, 0, null)
    t.equal(usage(e.counters, m.memory), 2 * batch)
    t.equal(stocked(e, m, 0), batch - 1)
  }
  t.end()
})

t.test('E3: near the limit the exact amount is charged, and nothing is reclaimed', t => {
  const e = engineOf('5.3')
  const m = memcgBelow(e)
  setMax(e.counters, m.memory, 40)
  for (let i = 0; i < 32; i++) chargePages(e, m, 1, GFP_KERNEL, 0, null)
  t.equal(stocked(e, m, 0), 0)
  t.equal(chargePages(e, m, 1, GFP_KERNEL, 0, null), OK)
  t.equal(usage(e.counters, m.memory), 33)
  t.equal(stocked(e, m, 0), 0)
  t.equal(eventCount(e, m, 'max'), 0)
  t.equal(failcnt(e.counters, m.memory), 1)
  t.end()
})

t.test('a second memcg on the CPU drains the first, where there is one slot; seven memcgs fit from 6.18 on', t => {
  for (const [kernel, left] of [
    ['6.12', 0],
    ['6.18', 63],
  ] as const) {
    const e = engineOf(kernel)
    const [a, b] = [memcgBelow(e), memcgBelow(e)]
    for (const m of [a, b]) chargePages(e, m, 1, GFP_KERNEL, 0, null)
    t.equal(stocked(e, a, 0), left, kernel)
    t.equal(usage(e.counters, a.memory), 1 + left, kernel)
    t.equal(stocked(e, b, 0), 63)
  }
  t.end()
})

t.test('a refill above the batch empties the slot from 4.19 on, and is never stocked from 6.18 on', t => {
  for (const [kernel, inStock, held] of [
    ['4.4', 63, 64],
    ['6.12', 0, 1],
  ] as const) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    const batch = e.features.batchPages
    chargePages(e, m, 1, GFP_KERNEL, 0, null)
    chargePages(e, m, batch, GFP_KERNEL, 0, null)
    refillStock(e, m, 0, batch)
    t.equal(stocked(e, m, 0), kernel === '4.4' ? 2 * batch - 1 : inStock, kernel)
    t.equal(usage(e.counters, m.memory), kernel === '4.4' ? 2 * batch : held, kernel)
  }
  const e = engineOf('6.18')
  const m = memcgBelow(e)
  chargePages(e, m, 65, GFP_KERNEL, 0, null)
  refillStock(e, m, 0, 65)
  t.equal(stocked(e, m, 0), 0)
  t.equal(usage(e.counters, m.memory), 0)
  t.end()
})

t.test('E4: a stock pins a removed memcg until another one drains it; from 5.2 on going offline drains it', t => {
  for (const [kernel, pins] of [
    ['4.2', 31],
    ['5.3', 0],
  ] as const) {
    const e = engineOf(kernel)
    const m = memcgBelow(e)
    const other = memcgBelow(e)
    chargePages(e, m, 1, GFP_KERNEL, 0, null)
    uncharge(e.counters, m.memory, 1)
    t.equal(usage(e.counters, m.memory), 31)
    t.equal(m.pins.stock, 31)
    offlineMemcg(e, m, 0)
    t.equal(m.pins.stock, pins, kernel)
    chargePages(e, other, 1, GFP_KERNEL, 0, null)
    t.notOk(isPinned(m))
    t.same(
      e.outbox.filter(each => each.kind === 'unpinned'),
      pins > 0 ? [{ kind: 'unpinned', memcg: m.slot }] : [],
    )
  }
  t.end()
})

t.test('E23: when no memcg id is left mkdir fails with the errno of the kernel', t => {
  for (const [kernel, errno, freedAtOffline] of [
    ['4.2', ENOSPC, false],
    ['5.3', ENOMEM, true],
    ['6.12', EBUSY, true],
  ] as const) {
    const e = engineOf(kernel)
    e.idsInUse = e.features.idPool - 1
    const last = memcgBelow(e)
    t.equal(createMemcg(e, e.root, 0), errno, kernel)
    offlineMemcg(e, last, 0)
    if (!freedAtOffline) {
      t.equal(createMemcg(e, e.root, 0), errno, 'a removed memcg keeps its id until it is freed')
      freeMemcg(e, last, 0)
    }
    const next = memcgBelow(e)
    next.pins.swap = 1
    offlineMemcg(e, next, 0)
    t.equal(createMemcg(e, e.root, 0), errno, 'swapped memory keeps the id')
  }
  t.equal(engineOf('4.2').features.idPool, 65_534)
  t.equal(engineOf('5.3').features.idPool, 65_533)
  t.equal(engineOf('6.12').features.idPool, 65_534)
  t.end()
})
