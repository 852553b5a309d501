// The swap device: who gets slots, who is charged for them, who pays when memory comes back (charge-reclaim.md §5.9).
import t from 'tap'
import { setMax, usage } from '../../src/engine/counter.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { swapEventCount } from '../../src/engine/events.ts'
import { copyRegions, touchRegion } from '../../src/engine/fault.ts'
import { createFile } from '../../src/engine/file.ts'
import { GFP_KERNEL } from '../../src/engine/gfp.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { createVma, exitMm, type Mm, shrinkRegion, type Vma } from '../../src/engine/mm.ts'
import { freeMemcg, offlineMemcg } from '../../src/engine/offline.ts'
import { accessFile } from '../../src/engine/pagecache.ts'
import { drainPageStocksBelow } from '../../src/engine/stock.ts'
import { availableSwap, swapRoom } from '../../src/engine/swapcharge.ts'
import { swapOff } from '../../src/engine/swapin.ts'
import { swapOut } from '../../src/engine/swapout.ts'
import { STAT, trueStat } from '../../src/engine/vmstat.ts'
import type { KernelId } from '../../src/profiles/features.ts'
import { bareMm, engineOf, memcgBelow } from './helpers.ts'

const actorOf = (mm: Mm) => ({ mm, cpu: 0, node: 0, gfp: GFP_KERNEL })
const WRITE = { write: true, order: 0 }
const READ = { write: false, order: 0 }

function anon(e: Engine, mm: Mm, pages: number): Vma {
  const vma = createVma(mm, 'heap', pages, { file: null, filePage: 0, isPrivate: false })
  touchRegion(e, vma, 0, pages, WRITE, actorOf(mm))
  drainPageStocksBelow(e, e.root)
  return vma
}

/** Everything of these kinds that `m` has goes to the device. */
function swapOutAll(e: Engine, m: MemCgroup): void {
  for (const batch of [...e.folios.batches]) if (batch?.memcg === m && batch.kind !== 'file') swapOut(e, batch, null, 0)
}

/** User memory: without the per-CPU memory of children. */
const memory = (e: Engine, m: MemCgroup): number => usage(e.counters, m.memory) - usage(e.counters, m.kmem)
const swap = (e: Engine, m: MemCgroup): number => usage(e.counters, m.swap)

function machineWithSwap(kernel: KernelId = '6.12'): { e: Engine; p: MemCgroup; c: MemCgroup; d: MemCgroup } {
  const e = engineOf(kernel)
  e.swapTotal = 1000
  const p = memcgBelow(e)
  return { e, p, c: memcgBelow(e, p), d: memcgBelow(e, p) }
}

t.test('memory that is swapped out leaves memory.current for memory.swap.current, and comes back when touched', t => {
  const { e, c } = machineWithSwap()
  const mm = bareMm(e, c)
  const vma = anon(e, mm, 300)
  swapOutAll(e, c)
  t.equal(memory(e, c), 0)
  t.equal(swap(e, c), 300)
  t.equal(mm.rss.anon, 0)
  t.equal(mm.swapents, 300)
  t.equal(trueStat(e, c, STAT.anon), 0)
  t.equal(touchRegion(e, vma, 100, 150, READ, actorOf(mm)), 50)
  drainPageStocksBelow(e, e.root)
  t.equal(memory(e, c), 50)
  t.equal(swap(e, c), 250)
  t.equal(trueStat(e, c, STAT.pswpin), 50)
  shrinkRegion(e, vma, 120, 0)
  t.equal(swap(e, c), 130, 'the last 120 pages of the region were in swap')
  exitMm(e, mm, 0)
  t.equal(swap(e, c), 0)
  t.equal(e.swap.used, 0)
  t.equal(memory(e, c), 0)
  t.end()
})

t.test('a child shares the slots of its parent; a write to what comes back makes a copy', t => {
  const { e, c } = machineWithSwap()
  const mm = bareMm(e, c)
  anon(e, mm, 40)
  swapOutAll(e, c)
  const child = bareMm(e, c)
  t.ok(copyRegions(e, mm, child, actorOf(child)))
  t.equal(swap(e, c), 40, 'no slot twice')
  t.equal(child.swapents, 40)
  touchRegion(e, child.vmas.get('heap')!, 0, 40, WRITE, actorOf(child))
  drainPageStocksBelow(e, e.root)
  t.equal(memory(e, c), 80)
  t.equal(swap(e, c), 0)
  t.equal(mm.rss.anon, 40, 'without a swap cache it is back for all who share it')
  t.end()
})

t.test('WE-18: swap.max refuses with max and fail, a full device with fail alone', t => {
  const { e, c } = machineWithSwap()
  anon(e, bareMm(e, c), 100)
  swapOutAll(e, c)
  setMax(e.counters, c.swap, 100)
  t.equal(availableSwap(e, c), 0, 'anonymous memory is not scanned')
  t.equal(swapRoom(e, c, 1), 0)
  t.equal(swapEventCount(e, c, 'max'), 1)
  t.equal(swapEventCount(e, c, 'fail'), 1)
  setMax(e.counters, c.swap, 2000)
  e.swapTotal = 100
  t.equal(swapRoom(e, c, 1), 0)
  t.equal(swapEventCount(e, c, 'max'), 1)
  t.equal(swapEventCount(e, c, 'fail'), 2)
  t.end()
})

/** A page of shared memory that a task of C brought in, and a task of D. */
function sharedPage(kernel: KernelId) {
  const scene = machineWithSwap(kernel)
  const { e, c, d } = scene
  const mm = bareMm(e, c)
  const file = createFile(e, 'tmpfs', 'shared', 1, true)
  accessFile(e, file, 0, 1, actorOf(mm))
  exitMm(e, mm, 0)
  const touch = (): void => {
    accessFile(e, file, 0, 1, actorOf(bareMm(e, d)))
    drainPageStocksBelow(e, e.root)
  }
  return { ...scene, touch }
}

t.test('WE-19a: what was swapped out of a cgroup that is gone is charged to who faults it in', t => {
  const { e, p, c, d, touch } = sharedPage('6.12')
  swapOutAll(e, c)
  offlineMemcg(e, c, 0)
  t.equal(c.pins.swap, 1, 'the slot pins it')
  const ids = e.idsInUse
  touch()
  t.equal(memory(e, d), 1)
  t.equal(memory(e, p), 1)
  t.equal(c.pins.swap, 0)
  t.equal(e.idsInUse, ids - 1, 'its id is free now')
  freeMemcg(e, c, 0)
  t.end()
})

t.test('WE-19b, WE-19c: what is swapped out of a removed cgroup is recorded for its parent, which pays', t => {
  for (const kernel of ['6.12', '7.1'] as const) {
    const { e, p, c, d, touch } = sharedPage(kernel)
    offlineMemcg(e, c, 0)
    swapOutAll(e, kernel === '7.1' ? p : c)
    t.equal(swap(e, p), 1, kernel)
    t.equal(p.pins.swap, 1)
    t.equal(c.pins.swap, 0)
    touch()
    t.equal(memory(e, d), 0)
    t.equal(memory(e, p), 1)
  }
  t.end()
})

t.test('swapoff brings everything back, or refuses and goes on', t => {
  const { e, c } = machineWithSwap()
  anon(e, bareMm(e, c), 60)
  swapOutAll(e, c)
  setMax(e.counters, c.memory, 10)
  t.notOk(swapOff(e, 0))
  t.equal(e.swapTotal, 1000)
  setMax(e.counters, c.memory, 1000)
  t.ok(swapOff(e, 0))
  drainPageStocksBelow(e, e.root)
  t.equal(memory(e, c), 60)
  t.equal(e.swapTotal, 0)
  t.equal(e.swap.used, 0)
  t.end()
})
