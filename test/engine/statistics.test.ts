// When memory.stat becomes true: slab-kmem.md §7.5 and its worked examples.
import t from 'tap'
import { takeDue } from '../../src/clock.ts'
import { flushForReader, modStat, periodicFlush, readStat, STAT } from '../../src/engine/vmstat.ts'
import { seconds } from '../../src/units.ts'
import { engineOf, memcgBelow } from './helpers.ts'

t.test('E27 on 6.12: a reader sees nothing before update 320', t => {
  const e = engineOf('6.12', { cpus: 4 })
  const m = memcgBelow(e)
  for (let update = 1; update < 320; update++) {
    modStat(e, m, STAT.anon, 0, 1)
    flushForReader(e, m)
    t.equal(readStat(e, m, STAT.anon), 0, `after update ${update}`)
  }
  modStat(e, m, STAT.anon, 0, 1)
  flushForReader(e, m)
  t.equal(readStat(e, m, STAT.anon), 320)
  t.end()
})

t.test('everything is true two seconds after the first update', t => {
  const e = engineOf('6.12', { cpus: 4 })
  const p = memcgBelow(e)
  const m = memcgBelow(e, p)
  modStat(e, m, STAT.anon, 3, 1)
  t.equal(takeDue(e.clock, e.clock.now + seconds(2) - 1), undefined)
  t.equal(takeDue(e.clock, e.clock.now + seconds(2))?.kind, 'rstat-flush')
  periodicFlush(e)
  for (const each of [m, p, e.root]) t.equal(readStat(e, each, STAT.anon), 1)
  t.equal(e.clock.queue.length, 0, 'there are no periodic items')
  t.end()
})
