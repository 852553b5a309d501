// Thresholds and pressure levels of version 1: WE-38 and WE-32 of charge-reclaim.md §16.
import t from 'tap'
import { charge, uncharge, usage } from '../../src/engine/counter.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { dismissListeners, notifyOom, removeListener } from '../../src/engine/listeners.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import type { PressureListener } from '../../src/engine/memcg-v1.ts'
import { addThreshold, checkThresholds, countPageEvents } from '../../src/engine/thresholds.ts'
import { pressureLevel, pressurePercent, vmpressure, vmpressurePriority } from '../../src/engine/vmpressure.ts'
import { engineOf, memcgBelow } from './helpers.ts'

const V1 = 'v1' as const
const MIB = 256

/** Listeners that were told since the last look, in order. */
const told = (e: Engine): number[] =>
  e.outbox.splice(0).flatMap(message => (message.kind === 'signal' ? [message.listener] : []))

/** Sets the usage, as charges would, and looks at the thresholds. */
function use(e: Engine, m: MemCgroup, pages: number): number[] {
  const now = usage(e.counters, m.memory)
  if (pages > now) charge(e.counters, m.memory, pages - now)
  else uncharge(e.counters, m.memory, now - pages)
  checkThresholds(e, m)
  return told(e)
}

t.test('WE-38: every crossing of 10, 20 and 30 MiB is told, in either direction', async t => {
  const e = engineOf('6.1', {}, {}, V1)
  const m = memcgBelow(e)
  use(e, m, 25 * MIB)
  // The listener is called by its MiB. They need not come in order.
  for (const mib of [20, 30, 10]) addThreshold(e, m, 'memory', mib * MIB, mib)
  t.same(told(e), [], 'what was reached before is no crossing')
  t.same(use(e, m, 35 * MIB), [30])
  t.same(use(e, m, 5 * MIB), [30, 20, 10])
  t.same(use(e, m, 20 * MIB), [10, 20], 'reached is crossed')
  t.same(use(e, m, 20 * MIB - 1), [20], 'one page below')
  t.same(use(e, m, 20 * MIB - 1), [], 'and once only')
  removeListener(e, m, 10)
  t.same(use(e, m, 35 * MIB), [20, 30])
  t.same(use(e, m, 0), [30, 20])
})

t.test('memory and swap together have thresholds of their own, and levels above are looked at', async t => {
  const e = engineOf('6.1', {}, {}, V1)
  const above = memcgBelow(e)
  const m = memcgBelow(e, above)
  // It pays for the per-CPU memory of `m` already.
  addThreshold(e, above, 'memory', usage(e.counters, above.memory) + 10, 1)
  addThreshold(e, m, 'memsw', 10, 2)
  charge(e.counters, m.memsw, 10)
  checkThresholds(e, m)
  t.same(told(e), [2], 'what is swapped counts in memsw alone')
  t.same(use(e, m, 10), [1])
})

t.test('thresholds are looked at after so many pages on one CPU', async t => {
  const e = engineOf('6.1', { cpus: 2 }, { thresholdCheck: 128 }, V1)
  const m = memcgBelow(e)
  addThreshold(e, m, 'memory', 10, 1)
  charge(e.counters, m.memory, 10)
  countPageEvents(e, m, 127, 0)
  countPageEvents(e, m, 127, 1)
  t.same(told(e), [])
  countPageEvents(e, m, 1, 0)
  t.same(told(e), [1])
})

t.test('WE-32: of 512 pages scanned so many were reclaimed', async t => {
  for (const [reclaimed, percent, level] of [
    [512, 0, 'low'],
    [256, 50, 'low'],
    [205, 59, 'low'],
    [204, 60, 'medium'],
    [26, 94, 'medium'],
    [25, 95, 'critical'],
    [0, 100, 'critical'],
  ] as const) {
    t.equal(pressurePercent(512, reclaimed), percent, `${reclaimed}`)
    t.equal(pressureLevel(512, reclaimed), level, `${reclaimed}`)
  }
})

const listen = (m: MemCgroup, ...listeners: PressureListener[]): void => void m.v1!.pressureListeners.push(...listeners)

t.test('a level is told once 512 pages were scanned, to whoever wants it or less', async t => {
  const e = engineOf('6.1', {}, {}, V1)
  const m = memcgBelow(e)
  listen(m, { listener: 1, level: 'low', mode: 'default' }, { listener: 2, level: 'medium', mode: 'default' })
  listen(m, { listener: 3, level: 'critical', mode: 'default' })
  vmpressure(e, m, 511, 511)
  t.same(told(e), [])
  vmpressure(e, m, 1, 1)
  t.same(told(e), [1])
  vmpressure(e, m, 512, 100)
  t.same(told(e), [1, 2])
  vmpressurePriority(e, m, 4)
  t.same(told(e), [])
  vmpressurePriority(e, m, 3)
  t.same(told(e), [1, 2, 3], 'at priority 3 it is critical at once')
})

t.test('pressure goes up: default hears what nobody below heard, hierarchy all, local its own', async t => {
  const e = engineOf('6.1', {}, {}, V1)
  const top = memcgBelow(e)
  const middle = memcgBelow(e, top)
  const leaf = memcgBelow(e, middle)
  listen(top, { listener: 1, level: 'low', mode: 'default' }, { listener: 2, level: 'low', mode: 'hierarchy' })
  listen(top, { listener: 3, level: 'low', mode: 'local' })
  vmpressure(e, leaf, 512, 512)
  t.same(told(e), [1, 2])
  listen(middle, { listener: 4, level: 'low', mode: 'default' })
  vmpressure(e, leaf, 512, 512)
  t.same(told(e), [4, 2])
  vmpressure(e, top, 512, 512)
  t.same(told(e), [1, 2, 3])
})

t.test('out of memory is told to listeners there and below; a removal to all, once', async t => {
  const e = engineOf('6.1', {}, {}, V1)
  const above = memcgBelow(e)
  const m = memcgBelow(e, above)
  above.v1!.oomListeners.push(1)
  m.v1!.oomListeners.push(2)
  notifyOom(e, above)
  t.same(told(e), [1, 2])
  notifyOom(e, m)
  t.same(told(e), [2])
  addThreshold(e, m, 'memory', 10, 3)
  listen(m, { listener: 4, level: 'low', mode: 'local' })
  dismissListeners(e, m)
  t.same(
    e.outbox.map(message => message.kind === 'signal' && [message.listener, message.isLast]),
    [
      [3, true],
      [2, true],
      [4, true],
    ],
  )
  t.equal(e.thresholds, 0)
})
