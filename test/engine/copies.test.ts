// The old slab controller: a copy of each cache per memcg. Worked examples of slab-kmem.md §13.
import t from 'tap'
import { takeDue } from '../../src/clock.ts'
import { failcnt, setHigh, setMax, usage } from '../../src/engine/counter.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { eventCount } from '../../src/engine/events.ts'
import { createFile } from '../../src/engine/file.ts'
import { GFP_KERNEL } from '../../src/engine/gfp.ts'
import { returnToUser } from '../../src/engine/high.ts'
import { freeKernelObjects, type KernelObjects } from '../../src/engine/kmem.ts'
import { allocKernelObjects } from '../../src/engine/kmemalloc.ts'
import { isPinned, type MemCgroup } from '../../src/engine/memcg.ts'
import { createQueuedCopy, destroyKilled, shrinkDeactivated } from '../../src/engine/memcgcache.ts'
import type { Mm } from '../../src/engine/mm.ts'
import { freeMemcg, offlineMemcg } from '../../src/engine/offline.ts'
import { accessFile } from '../../src/engine/pagecache.ts'
import { findCache } from '../../src/engine/slab/slub.ts'
import { readStat, STAT } from '../../src/engine/vmstat.ts'
import { bareMm, engineOf, memcgBelow } from './helpers.ts'

function dentries(e: Engine, m: MemCgroup, count: number, cpu = 0, mm: Mm | null = null): KernelObjects {
  return allocKernelObjects(e, findCache(e.slab, 'dentry')!, count, { memcg: m, mm, cpu, node: 0, gfp: GFP_KERNEL })
}

/** Runs the deferred work of caches until none is left. */
function settle(e: Engine): void {
  for (let item = takeDue(e.clock, Number.POSITIVE_INFINITY); item; item = takeDue(e.clock, Number.POSITIVE_INFINITY)) {
    if (item.kind === 'cache-create') createQueuedCopy(e, item.a, item.b)
    else if (item.kind === 'cache-shrink') shrinkDeactivated(e, item.a)
    else if (item.kind === 'cache-destroy') destroyKilled(e, item.a)
  }
}

const kmem = (e: Engine, m: MemCgroup): number => usage(e.counters, m.kmem)

/** The copy of the dentry cache of a memcg. */
const copyOf = (e: Engine, m: MemCgroup) => e.slab.caches[m.caches!.copies.get(e.slab.byName.get('dentry')!)!]!

t.test('E6: objects taken before the copy exists stay in the root cache and are never accounted', t => {
  for (const cacheCreateBypass of [5, 'clock'] as const) {
    const e = engineOf('5.3', { cpus: 8 }, { cacheCreateBypass })
    const m = memcgBelow(e)
    const first = dentries(e, m, 5)
    t.equal(kmem(e, m), 0)
    if (cacheCreateBypass === 'clock') {
      t.equal(m.pins.cacheCreations, 1, 'the work refers to the memcg')
      settle(e)
      t.equal(m.pins.cacheCreations, 0)
    }
    dentries(e, m, 21)
    t.equal(kmem(e, m), 1)
    t.equal(findCache(e.slab, 'dentry')!.objects, 5)
    freeKernelObjects(e, first, 5, 0)
    t.equal(kmem(e, m), 1)
  }
  t.end()
})

t.test('E7: 100 000 dentries are 4762 slabs, charged by the page', t => {
  const e = engineOf('5.3', { cpus: 8 })
  const m = memcgBelow(e)
  dentries(e, m, 100_000)
  t.equal(copyOf(e, m).slabs, 4762)
  t.equal(kmem(e, m) * 4096, 19_505_152)
  t.end()
})

t.test('E12: the selftest of removed cgroups fails on 5.3, where slab is flushed twice', t => {
  for (const [kernel, shown] of [
    ['5.3', 27_200],
    ['5.5', 13_600],
  ] as const) {
    const e = engineOf(kernel, { cpus: 8 })
    const p = memcgBelow(e)
    for (let child = 0; child < 100; child++) {
      const c = memcgBelow(e, p)
      for (let cpu = 0; cpu < 8; cpu++) {
        for (const name of ['dentry', 'kmalloc-rcl-128'])
          allocKernelObjects(e, findCache(e.slab, name)!, 200, { memcg: c, mm: null, cpu, node: 0, gfp: GFP_KERNEL })
      }
      offlineMemcg(e, c, 0)
      settle(e)
      freeMemcg(e, c, 0)
    }
    t.equal(kmem(e, p), 13_600, '10 and 7 slabs per child and CPU')
    t.equal(readStat(e, p, STAT.slab_reclaimable), shown, kernel)
  }
  // Bound of the selftest: 4096 x 32 x 2 x 8 bytes.
  t.ok((27_200 - 13_600) * 4096 > 2_097_152)
  t.end()
})

t.test('E15: copies follow the parent in 5.3, and keep the memcg in 5.2', t => {
  for (const kernel of ['5.3', '5.2'] as const) {
    const e = engineOf(kernel, { cpus: 8 })
    const a = memcgBelow(e)
    const c = memcgBelow(e, a)
    const held = dentries(e, c, 63)
    t.equal(kmem(e, a), 3)
    offlineMemcg(e, c, 0)
    settle(e)
    t.equal(isPinned(c), kernel === '5.2', kernel)
    t.equal(a.pins.caches, kernel === '5.3' ? 1 : 0)
    t.equal(kmem(e, a) * 4096, 12_288)
    // The first run is the first slab, all 21 of it.
    t.equal(held.runs[0]!.count, 21)
    freeKernelObjects(e, held, 21, 0)
    t.equal(kmem(e, a) * 4096, 8192, 'the page is free at once')
    freeKernelObjects(e, held, 21, 0)
    t.equal(isPinned(c), kernel === '5.2')
    freeKernelObjects(e, held, 21, 0)
    settle(e)
    t.equal(kmem(e, a), 0)
    t.equal(a.pins.caches, 0)
    t.notOk(isPinned(c))
  }
  t.end()
})

t.test('E16: one survivor keeps two pages, and up to 5.2 the memcg', t => {
  for (const [kernel, pinned, charged] of [
    ['5.2', true, 2],
    ['5.3', false, 2],
    ['5.9', false, 1],
  ] as const) {
    const e = engineOf(kernel, { cpus: 32 })
    const p = memcgBelow(e)
    const c = memcgBelow(e, p)
    const own = kmem(e, p) // 5.9 charges the parent for the child's per-CPU memory.
    const held = dentries(e, c, 84)
    freeKernelObjects(e, held, 83, 0)
    offlineMemcg(e, c, 0)
    settle(e)
    t.equal(isPinned(c), pinned, kernel)
    if (kernel !== '5.9') t.equal(kmem(e, p), charged)
    else t.ok(kmem(e, p) - own <= charged, '200 bytes, rounded')
  }
  t.end()
})

t.test('E18 on 5.3: a task that wanders takes a slab on each CPU', t => {
  const e = engineOf('5.3', { cpus: 32 })
  const m = memcgBelow(e)
  for (let cpu = 0; cpu < 32; cpu++) dentries(e, m, 1, cpu)
  t.equal(copyOf(e, m).slabs, 32)
  t.equal(kmem(e, m), 64)
  t.end()
})

t.test('E20: kernel memory and memory.high', t => {
  // Page cache stands for the reclaimable dentries of the example: each page reclaimed frees a page. 63 whole batches.
  const cached = 2016
  const run = (kernel: '4.2' | '4.3' | '4.4', cpus: number, choice: Partial<Engine['features']> = {}) => {
    const e = engineOf(kernel, { cpus }, { kmemOnV2: true, ...choice })
    const m = memcgBelow(e)
    const mm = bareMm(e, m)
    const actor = { mm, cpu: 0, node: 0, gfp: GFP_KERNEL }
    const file = createFile(e, 'ext4', 'f', cached, false)
    accessFile(e, file, 0, cached, actor)
    const used = usage(e.counters, m.memory)
    setHigh(e.counters, m.memory, used + 1000)
    let peak = 0
    // 1000 slabs in one call.
    for (let slabs = 0; slabs < 1000; slabs++) {
      dentries(e, m, cpus === 32 ? 42 : 21, 0, mm)
      peak = Math.max(peak, usage(e.counters, m.memory) - used)
    }
    return { e, m, mm, used, peak, kmem: kmem(e, m) }
  }
  const v43 = run('4.3', 32)
  t.equal(v43.kmem, 2000)
  t.equal(v43.peak, 2016)
  t.equal(eventCount(v43.e, v43.m, 'high'), 0)
  const wait = run('4.3', 32, { slabChargeGfp: 'caller' })
  t.equal(wait.kmem, 2000)
  t.ok(wait.peak <= 1032)
  t.ok(eventCount(wait.e, wait.m, 'high') > 0)
  t.ok(run('4.2', 32).peak <= 1032, '4.2 with SLUB waits')
  t.equal(run('4.2', 32, { slabFirstTry: 'no-wait' }).peak, 2016, '4.2 with SLAB on NUMA does not')
  const v44 = run('4.4', 32)
  t.equal(v44.peak, 2016)
  t.ok(v44.mm.overHigh > 0)
  returnToUser(v44.e, v44.mm, 0)
  t.ok(usage(v44.e.counters, v44.m.memory) - v44.used <= 1032)
  t.end()
})

t.test('E21: at the limit the first attempt is refused without reclaim, and a smaller slab is made with it', t => {
  const e = engineOf('5.3', { cpus: 32 })
  const m = memcgBelow(e)
  const actor = { mm: bareMm(e, m), cpu: 0, node: 0, gfp: GFP_KERNEL }
  accessFile(e, createFile(e, 'ext4', 'f', 320, false), 0, 320, actor)
  setMax(e.counters, m.memory, usage(e.counters, m.memory))
  t.equal(dentries(e, m, 1).count, 1)
  t.equal(kmem(e, m), 1)
  t.equal(copyOf(e, m).orderFallbacks, 1)
  t.equal(copyOf(e, m).capacity, 21)
  t.ok(e.reclaimed > 0)
  t.ok(failcnt(e.counters, m.memory) > 0)
  t.end()
})

t.test('E21 on 5.9: the slab keeps its order, and the charge of the object reclaims', t => {
  const e = engineOf('5.9', { cpus: 32 })
  const m = memcgBelow(e)
  const actor = { mm: bareMm(e, m), cpu: 0, node: 0, gfp: GFP_KERNEL }
  accessFile(e, createFile(e, 'ext4', 'f', 320, false), 0, 320, actor)
  setMax(e.counters, m.memory, usage(e.counters, m.memory))
  t.equal(dentries(e, m, 1).count, 1)
  const cache = findCache(e.slab, 'dentry')!
  t.equal(cache.orderFallbacks, 0)
  t.equal(cache.capacity, 42)
  t.ok(e.reclaimed > 0)
  t.end()
})

t.test('two sets: accounted objects of all cgroups come from one second set, made once for the host', t => {
  const e = engineOf(
    '5.5',
    { cpus: 8 },
    {
      cacheCreateBypass: 1,
      slabController: 'objcg',
      cacheCreate: 'async-once',
      slabChargeGfp: 'caller',
      slabReparent: 'objcg',
      objChargeFail: 'unaccounted',
    },
  )
  const [a, b] = [memcgBelow(e), memcgBelow(e)]
  dentries(e, a, 10)
  dentries(e, b, 10)
  t.equal(findCache(e.slab, 'dentry')!.objects, 1, 'the first one, unaccounted')
  const set = e.slab.caches[e.root.caches!.copies.get(e.slab.byName.get('dentry')!)!]!
  t.equal(set.objects, 19)
  t.equal(set.slabs, 1)
  t.equal(kmem(e, a), 1)
  t.equal(kmem(e, b), 1)
  t.end()
})
