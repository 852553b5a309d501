// When memory.stat becomes true, if ever: slab-kmem.md §7 and its worked examples. A step of an example is given to the
// statistics directly, as the controller would.
import t from 'tap'
import { takeDue } from '../../src/clock.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { freeMemcg, offlineMemcg, releaseMemcg } from '../../src/engine/offline.ts'
import {
  flushForReader,
  modStat,
  modStatTimes,
  periodicFlush,
  printedUnit,
  readLocalStat,
  readNodeStat,
  readStat,
  STAT,
  trueStat,
} from '../../src/engine/vmstat.ts'
import { seconds } from '../../src/units.ts'
import { engineOf, memcgBelow } from './helpers.ts'

const RECLAIMABLE = STAT.slab_reclaimable
const UNRECLAIMABLE = STAT.slab_unreclaimable

function removed(e: Engine, m: MemCgroup): void {
  offlineMemcg(e, m, 0)
  releaseMemcg(e, m)
  freeMemcg(e, m, 0)
}

/** Pages by CPU, one update each. */
function onCpus(e: Engine, m: MemCgroup, item: number, pages: readonly number[], sign = 1): void {
  for (const [cpu, n] of pages.entries()) modStatTimes(e, m, item, cpu, sign, n)
}

/** E11: 66 pages in four residues, none above a batch. */
const RESIDUES = [10, 20, 5, 31]

t.test('E11 on 5.3: what is flushed at offline is flushed again when the memcg is freed', t => {
  const e = engineOf('5.3', { cpus: 4 })
  const p = memcgBelow(e)
  const c = memcgBelow(e, p)
  for (const item of [RECLAIMABLE, UNRECLAIMABLE]) onCpus(e, c, item, RESIDUES)
  for (const each of [c, p, e.root]) t.equal(readStat(e, each, RECLAIMABLE), 0)
  offlineMemcg(e, c, 0)
  for (const each of [c, p, e.root]) t.equal(readStat(e, each, RECLAIMABLE), 66, 'flushed')
  t.equal(readStat(e, p, UNRECLAIMABLE), 0, 'the range of items ends before this one')
  t.equal(trueStat(e, p, RECLAIMABLE), 66)
  // From now on the objects belong to the parent: it is there that they are uncounted.
  for (const item of [RECLAIMABLE, UNRECLAIMABLE]) onCpus(e, p, item, RESIDUES, -1)
  t.equal(readStat(e, p, RECLAIMABLE), 66, 'no batch of the parent is full')
  releaseMemcg(e, c)
  freeMemcg(e, c, 0)
  for (const each of [p, e.root]) t.equal(readStat(e, each, RECLAIMABLE), 132, 'flushed twice')
  t.equal(readStat(e, p, UNRECLAIMABLE), 66, 'flushed once; the other 66 are still on the CPUs of the parent')
  for (const item of [RECLAIMABLE, UNRECLAIMABLE]) t.equal(trueStat(e, p, item), 0)
  t.end()
})

/** E11: so many rounds of a child that is filled, removed, and whose pages are freed while it is dying. */
function drift(e: Engine, p: MemCgroup, rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    const c = memcgBelow(e, p)
    for (const item of [RECLAIMABLE, UNRECLAIMABLE]) onCpus(e, c, item, RESIDUES)
    offlineMemcg(e, c, 0)
    for (const item of [RECLAIMABLE, UNRECLAIMABLE]) onCpus(e, p, item, RESIDUES, -1)
    releaseMemcg(e, c)
    freeMemcg(e, c, 0)
  }
}

t.test('E11 on 5.3: after 1000 rounds the parent is 66 000 pages wrong, and so is every ancestor', t => {
  const e = engineOf('5.3', { cpus: 4 })
  const p = memcgBelow(e)
  drift(e, p, 1000)
  for (const each of [p, e.root]) {
    t.equal(readStat(e, each, RECLAIMABLE), 66_033)
    // 33 pages are in batches of the parent (-1, -2, -17, -13).
    t.equal(readStat(e, each, RECLAIMABLE) - 33, 66_000)
    t.equal(trueStat(e, each, RECLAIMABLE), 0)
    t.equal(readStat(e, each, UNRECLAIMABLE), 33, 'no error beyond the same batches')
  }
  t.equal(66_000 * printedUnit(e, RECLAIMABLE), 270_336_000)
  removed(e, p)
  t.equal(readStat(e, e.root, RECLAIMABLE), 2 * -33 + 66_033, 'the parent loses its residues twice, too')
  t.end()
})

t.test('E11 with slab_flush_at_offline=both: the bug as the thread describes it', t => {
  const e = engineOf('5.3', { cpus: 4 }, { slabFlushAtOffline: 'both' })
  const p = memcgBelow(e)
  drift(e, p, 1000)
  for (const item of [RECLAIMABLE, UNRECLAIMABLE]) t.equal(readStat(e, p, item), 66_033)
  t.end()
})

for (const [kernel, features] of [
  ['5.5', {}],
  ['5.3', { slabFlushAtOffline: 'none' }],
] as const)
  t.test(`E11 on ${kernel} ${Object.entries(features).join('=')}: late while dying, right in the end`, t => {
    const e = engineOf(kernel, { cpus: 4 }, features)
    const p = memcgBelow(e)
    const c = memcgBelow(e, p)
    onCpus(e, c, RECLAIMABLE, RESIDUES)
    offlineMemcg(e, c, 0)
    t.equal(readStat(e, p, RECLAIMABLE), 0, 'the ancestors miss it while it is dying')
    onCpus(e, p, RECLAIMABLE, RESIDUES, -1)
    releaseMemcg(e, c)
    freeMemcg(e, c, 0)
    t.equal(readStat(e, p, RECLAIMABLE), 66, 'and the parent holds as much in its batches')
    t.equal(trueStat(e, p, RECLAIMABLE), 0)
    drift(e, p, 999)
    for (const each of [p, e.root]) t.equal(readStat(e, each, RECLAIMABLE), 33)
    removed(e, p)
    t.equal(readStat(e, e.root, RECLAIMABLE), 0)
    t.end()
  })

t.test('E13 on 5.2: residues are lost', t => {
  const e = engineOf('5.2', { cpus: 4 })
  const p = memcgBelow(e)
  for (let round = 1; round <= 100; round++) {
    const c = memcgBelow(e, p)
    modStatTimes(e, c, RECLAIMABLE, 0, 1, 33)
    modStatTimes(e, c, RECLAIMABLE, 1, -1, 17)
    modStatTimes(e, c, RECLAIMABLE, 2, -1, 16)
    t.equal(readLocalStat(e, c, RECLAIMABLE), 0, 'its own numbers are right at once')
    removed(e, c)
    t.equal(readStat(e, p, RECLAIMABLE), 33 * round)
    t.equal(trueStat(e, p, RECLAIMABLE), 0)
  }
  t.end()
})

t.test('E14 on 5.5: a dying child hides at most a batch per CPU', t => {
  const e = engineOf('5.5', { cpus: 64 })
  const p = memcgBelow(e)
  const dying: MemCgroup[] = []
  for (const [children, bound] of [
    [1, 2048],
    [100, 204_800],
  ] as const) {
    while (dying.length < children) {
      const c = memcgBelow(e, p)
      onCpus(e, c, RECLAIMABLE, new Array<number>(64).fill(32))
      offlineMemcg(e, c, 0)
      dying.push(c)
    }
    t.equal(trueStat(e, p, RECLAIMABLE) - readStat(e, p, RECLAIMABLE), bound, `${children} dying`)
  }
  modStat(e, p, RECLAIMABLE, 0, 32)
  modStat(e, p, RECLAIMABLE, 0, 1)
  t.equal(readStat(e, p, RECLAIMABLE), 33, 'a batch is full when there is more than 32 in it')
  for (const c of dying) {
    releaseMemcg(e, c)
    freeMemcg(e, c, 0)
  }
  t.equal(readStat(e, p, RECLAIMABLE), 204_800 + 33)
  t.end()
})

t.test('E7 on 5.3: slab in pages', t => {
  const e = engineOf('5.3', { cpus: 8 })
  const m = memcgBelow(e)
  // 100 000 dentries, 21 to a page.
  modStatTimes(e, m, RECLAIMABLE, 0, 1, 4762)
  t.equal(readStat(e, m, RECLAIMABLE), 4752, '144 batches of 33')
  t.equal(trueStat(e, m, RECLAIMABLE) - readStat(e, m, RECLAIMABLE), 10)
  t.equal(readStat(e, m, RECLAIMABLE) * printedUnit(e, RECLAIMABLE), 19_464_192)
  t.end()
})

t.test('E8 on 5.9: slab in bytes, a batch of pages', t => {
  const e = engineOf('5.9', { cpus: 8 })
  const m = memcgBelow(e)
  modStatTimes(e, m, RECLAIMABLE, 0, 200, 655)
  t.equal(readStat(e, m, RECLAIMABLE), 0)
  modStat(e, m, RECLAIMABLE, 0, 200)
  t.equal(readStat(e, m, RECLAIMABLE), 131_200)
  modStatTimes(e, m, RECLAIMABLE, 0, 200, 100_000 - 656)
  t.equal(readStat(e, m, RECLAIMABLE) * printedUnit(e, RECLAIMABLE), 19_942_400)
  t.equal(trueStat(e, m, RECLAIMABLE) - readStat(e, m, RECLAIMABLE), 57_600)
  t.end()
})

t.test('bytes wait for a batch of the pages of the machine', t => {
  const e = engineOf('5.9', { pageSize: 65536 })
  const m = memcgBelow(e)
  // 32 pages of 64 KiB are 2 097 152 bytes: more than that takes 10 486 objects of 200 bytes.
  modStatTimes(e, m, RECLAIMABLE, 0, 200, 10_485)
  t.equal(readStat(e, m, RECLAIMABLE), 0)
  modStat(e, m, RECLAIMABLE, 0, 200)
  t.equal(readStat(e, m, RECLAIMABLE), 2_097_200)
  t.end()
})

t.test('E30 on 5.3: stacks wait in batches of kibibytes', t => {
  const e = engineOf('5.3')
  const m = memcgBelow(e)
  modStatTimes(e, m, STAT.kernel_stack, 0, 4, 4)
  t.equal(readStat(e, m, STAT.kernel_stack), 0, 'one stack')
  modStatTimes(e, m, STAT.kernel_stack, 0, 4, 4)
  t.equal(readStat(e, m, STAT.kernel_stack), 0, '32 KiB are not more than 32')
  modStat(e, m, STAT.kernel_stack, 0, 4)
  t.equal(readStat(e, m, STAT.kernel_stack) * printedUnit(e, STAT.kernel_stack), 36_864)
  t.end()
})

t.test('a memcg and its nodes have batches of their own', t => {
  const e = engineOf('5.5', { nodes: 2 })
  const p = memcgBelow(e)
  const m = memcgBelow(e, p)
  modStatTimes(e, m, STAT.anon, 0, 1, 20, 0)
  modStatTimes(e, m, STAT.anon, 0, 1, 20, 1)
  // The batch of the memcg was full at page 33; no node has more than 20.
  t.equal(readStat(e, p, STAT.anon), 33)
  t.same(
    [0, 1].map(node => readNodeStat(e, p, STAT.anon, node)),
    [0, 0],
  )
  t.equal(trueStat(e, p, STAT.anon), 40)
  modStatTimes(e, m, STAT.anon, 0, 1, 13, 1)
  t.equal(readNodeStat(e, p, STAT.anon, 1), 33)
  removed(e, m)
  t.equal(readStat(e, p, STAT.anon), 53)
  t.same(
    [0, 1].map(node => readNodeStat(e, p, STAT.anon, node)),
    [20, 33],
  )
  t.end()
})

t.test('own numbers wait like those of the subtree from 5.3 on', t => {
  const e = engineOf('5.3')
  const p = memcgBelow(e)
  const m = memcgBelow(e, p)
  modStatTimes(e, m, STAT.anon, 0, 1, 32)
  t.equal(readLocalStat(e, m, STAT.anon), 0)
  modStat(e, m, STAT.anon, 0, 1)
  t.equal(readLocalStat(e, m, STAT.anon), 33)
  t.equal(readLocalStat(e, p, STAT.anon), 0)
  t.equal(readStat(e, p, STAT.anon), 33)
  t.end()
})

t.test('4.2 and 4.3 add up the living subtree when they are asked', t => {
  for (const kernel of ['4.2', '4.3'] as const) {
    const e = engineOf(kernel, { cpus: 2 })
    const p = memcgBelow(e)
    const c = memcgBelow(e, p)
    modStat(e, p, STAT.anon, 0, 2)
    modStat(e, c, STAT.anon, 0, 5)
    modStat(e, c, STAT.anon, 1, -1)
    t.equal(readStat(e, p, STAT.anon), 6, 'at once')
    t.equal(readLocalStat(e, p, STAT.anon), 2)
    offlineMemcg(e, c, 0)
    t.equal(readStat(e, p, STAT.anon), 2, 'a dying memcg is not asked')
    t.equal(trueStat(e, p, STAT.anon), 6)
  }
  t.end()
})

t.test('vmstat=batched-local: a memcg takes along what it has counted', t => {
  const e = engineOf('5.2', {}, { vmstat: 'batched-local' })
  const p = memcgBelow(e)
  const c = memcgBelow(e, p)
  modStatTimes(e, c, STAT.anon, 0, 1, 40)
  for (const each of [c, p]) t.equal(readStat(e, each, STAT.anon), 33)
  t.equal(trueStat(e, p, STAT.anon), 40)
  offlineMemcg(e, c, 0)
  t.equal(readStat(e, p, STAT.anon), 33, 'dying memcgs are asked')
  releaseMemcg(e, c)
  freeMemcg(e, c, 0)
  t.equal(readStat(e, p, STAT.anon), 0)
  t.end()
})

for (const [kernel, fresh] of [
  ['5.15', 165],
  ['6.1', 325],
  ['6.12', 320],
] as const)
  t.test(`E27 on ${kernel}: a reader sees nothing before update ${fresh}`, t => {
    const e = engineOf(kernel, { cpus: 4 })
    const m = memcgBelow(e)
    // The per-CPU memory of the memcg itself was counted too: start from a flushed machine.
    periodicFlush(e)
    e.vmstats.gate.updates.fill(0)
    for (let update = 1; update < fresh; update++) {
      modStat(e, m, STAT.anon, 0, 1)
      flushForReader(e, m)
      if (readStat(e, m, STAT.anon) !== 0) t.fail(`seen after update ${update}`)
    }
    modStat(e, m, STAT.anon, 0, 1)
    flushForReader(e, m)
    t.equal(readStat(e, m, STAT.anon), fresh)
    t.end()
  })

t.test('the global gate opens for updates of anybody, that of a memcg for its own', t => {
  for (const [kernel, seen] of [
    ['6.1', 1],
    ['6.12', 0],
  ] as const) {
    const e = engineOf(kernel, { cpus: 4 })
    const quiet = memcgBelow(e)
    const busy = memcgBelow(e)
    modStat(e, quiet, STAT.anon, 0, 1)
    modStatTimes(e, busy, STAT.anon, 0, 1, 1000)
    flushForReader(e, quiet)
    t.equal(readStat(e, quiet, STAT.anon), seen, kernel)
  }
  t.end()
})

t.test('one update of many bytes opens a gate that counts units', t => {
  for (const [kernel, seen] of [
    // 20 800 bytes are 325 batches of 64 for one gate, and 5 pages for the other.
    ['6.1', 20_800],
    ['6.12', 0],
  ] as const) {
    const e = engineOf(kernel, { cpus: 4 })
    const m = memcgBelow(e)
    periodicFlush(e)
    modStat(e, m, STAT.slab_reclaimable, 0, 20_800)
    flushForReader(e, m)
    t.equal(readStat(e, m, STAT.slab_reclaimable), seen, kernel)
  }
  t.end()
})

t.test('everything is true two seconds after the first update', t => {
  for (const kernel of ['5.15', '6.1', '6.12', '6.18'] as const) {
    const e = engineOf(kernel, { cpus: 4 })
    const p = memcgBelow(e)
    const m = memcgBelow(e, p)
    periodicFlush(e)
    e.clock.queue.length = 0
    modStat(e, m, STAT.anon, 3, 1)
    t.equal(takeDue(e.clock, e.clock.now + seconds(2) - 1), undefined)
    t.equal(takeDue(e.clock, e.clock.now + seconds(2))?.kind, 'rstat-flush')
    periodicFlush(e)
    for (const each of [m, p, e.root]) t.equal(readStat(e, each, STAT.anon), 1)
    t.equal(e.clock.queue.length, 0, 'there are no periodic items')
  }
  t.end()
})

t.test('errata S2 on 6.1: own numbers are right at once, from 6.12 on they wait for the flush', t => {
  for (const [kernel, own] of [
    ['6.1', 1],
    ['6.12', 0],
  ] as const) {
    const e = engineOf(kernel, { cpus: 4 })
    const p = memcgBelow(e)
    const m = memcgBelow(e, p)
    modStat(e, m, STAT.anon, 0, 1)
    t.equal(readLocalStat(e, m, STAT.anon), own, kernel)
    t.equal(readStat(e, m, STAT.anon), 0)
    periodicFlush(e)
    t.equal(readLocalStat(e, m, STAT.anon), 1)
    t.equal(readLocalStat(e, p, STAT.anon), 0)
  }
  t.end()
})

t.test('a flushed kernel loses nothing with a memcg', t => {
  for (const kernel of ['5.15', '6.1', '6.12', '7.1'] as const) {
    const e = engineOf(kernel, { cpus: 4 })
    const p = memcgBelow(e)
    drift(e, p, 10)
    for (const item of [RECLAIMABLE, UNRECLAIMABLE]) {
      t.equal(trueStat(e, p, item), 0)
      periodicFlush(e)
      t.equal(readStat(e, p, item), 0)
    }
  }
  t.end()
})
