// Kernel objects charged by the byte: worked examples of slab-kmem.md §13.
import t from 'tap'
import { failcnt, setMax, usage } from '../../src/engine/counter.ts'
import { drainStocks } from '../../src/engine/drain.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { GFP_KERNEL } from '../../src/engine/gfp.ts'
import { freeKernelObjects } from '../../src/engine/kmem.ts'
import { allocKernelObjects } from '../../src/engine/kmemalloc.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { chargeBytes } from '../../src/engine/objcg.ts'
import { drainObjStock, type ObjCgroup, refillBytes } from '../../src/engine/objstock.ts'
import { findCache } from '../../src/engine/slab/slub.ts'
import { stocked } from '../../src/engine/stock.ts'
import { flushStats, readStat, STAT, trueStat } from '../../src/engine/vmstat.ts'
import { engineOf, memcgBelow } from './helpers.ts'

const dentries = (e: Engine, m: MemCgroup, count: number, cpu = 0) =>
  allocKernelObjects(e, findCache(e.slab, 'dentry')!, count, {
    memcg: m,
    mm: null,
    cpu,
    node: 0,
    gfp: GFP_KERNEL,
  })

const kernelPages = (e: Engine, m: MemCgroup): number => usage(e.counters, m.kmem)

t.test('E8: 100 000 dentries, charged 200 bytes each', t => {
  for (const [kernel, memory, stock] of [
    ['5.9', 4896, 13],
    ['6.1', 4928, 45],
    ['6.12', 4928, 45],
  ] as const) {
    const e = engineOf(kernel, { cpus: 8 })
    const m = memcgBelow(e)
    dentries(e, m, 1)
    t.equal(kernelPages(e, m), 1, kernel)
    t.equal(e.objStocks[0]!.bytes, 3896)
    dentries(e, m, 19)
    t.equal(e.objStocks[0]!.bytes, 96)
    dentries(e, m, 1)
    t.equal(kernelPages(e, m), 2)
    t.equal(e.objStocks[0]!.bytes, 3992)
    dentries(e, m, 100_000 - 21)
    t.equal(kernelPages(e, m), 4883, '20 000 000 bytes, rounded up')
    t.equal(e.objStocks[0]!.bytes, 768)
    t.equal(usage(e.counters, m.memory), memory)
    t.equal(stocked(e, m, 0), stock)
    if (kernel === '5.9') continue
    drainObjStock(e, 0)
    flushStats(e, m)
    t.equal(readStat(e, m, STAT.slab_reclaimable), 20_000_000)
  }
  t.end()
})

t.test('E9: freeing them leaves exactly one page in the byte stock, and what the page stock kept', t => {
  for (const [kernel, memory] of [
    ['5.9', 14],
    ['5.15', 12],
    ['6.1', 53],
  ] as const) {
    const e = engineOf(kernel, { cpus: 8 })
    const m = memcgBelow(e)
    freeKernelObjects(e, dentries(e, m, 100_000), 100_000, 0)
    t.equal(kernelPages(e, m), 1, kernel)
    t.equal(e.objStocks[0]!.bytes, 4096)
    t.equal(usage(e.counters, m.memory), memory)
    drainStocks(e, m)
    t.equal(kernelPages(e, m), 0)
    t.equal(usage(e.counters, m.memory), 0)
  }
  t.end()
})

t.test('E10: what one CPU leaves and another frees comes together in the objcg', t => {
  const e = engineOf('6.12', { cpus: 2 })
  const m = memcgBelow(e)
  const o: ObjCgroup = m.objcgs![0]!
  chargeBytes(e, o, 100, GFP_KERNEL, 0, null)
  t.equal(e.objStocks[0]!.bytes, 3996)
  drainObjStock(e, 0)
  t.equal(o.chargedBytes, 3996)
  refillBytes(e, o, 1, 100, true)
  t.equal(e.objStocks[1]!.bytes, 4096)
  t.equal(kernelPages(e, m), 1)
  drainObjStock(e, 1)
  t.equal(kernelPages(e, m), 0)
  t.equal(o.chargedBytes, 0)
  t.end()
})

t.test('E18: a task that wanders charges a page per CPU until the stocks are drained', t => {
  for (const [kernel, inStock, left] of [
    ['5.9', 0, 1592],
    ['6.12', 1592, 0],
  ] as const) {
    const e = engineOf(kernel, { cpus: 32 })
    const m = memcgBelow(e)
    const o = m.objcgs![0]!
    for (let cpu = 0; cpu < 32; cpu++) dentries(e, m, 1, cpu)
    t.equal(kernelPages(e, m), 32, kernel)
    for (const stock of e.objStocks) t.equal(stock.bytes, 3896)
    drainStocks(e, m)
    t.equal(kernelPages(e, m), 32)
    t.equal(o.chargedBytes, 124_672)
    dentries(e, m, 1)
    t.equal(kernelPages(e, m), 2, 'page 33 is charged, and 31 are given back')
    t.equal(e.objStocks[0]!.bytes, inStock)
    t.equal(o.chargedBytes, left)
  }
  t.end()
})

t.test('E19: at the limit of kernel memory', t => {
  for (const [kernel, objects, kmem, failures] of [
    ['5.9', 21, 1, 1],
    ['5.15', 20, 1, 1],
    ['6.1', 21, 2, 0],
  ] as const) {
    const e = engineOf(kernel, { cpus: 8 }, {}, 'v1')
    const m = memcgBelow(e)
    setMax(e.counters, m.kmem, 1)
    t.equal(dentries(e, m, 20).count, 20)
    const last = dentries(e, m, 1)
    t.equal(20 + last.count, objects, kernel)
    t.equal(kernelPages(e, m), kmem)
    t.equal(failcnt(e.counters, m.kmem), failures)
    if (kernel === '5.9') t.equal(last.runs[0]!.objcg, null, 'handed out, and nobody pays')
  }
  t.end()
})

t.test('E22: a child memcg is charged to its parent', t => {
  // 5.9: 2 x (1048 + 296) bytes per CPU on 8 CPUs. 6.1: (1064 + 688) bytes per CPU, and 8 bytes for each 4 of them.
  for (const [kernel, cpus, bytes] of [
    ['5.9', 8, 21_504],
    ['6.1', 8, 17_520],
    ['6.12', 4, 9120], // errata.md §2.21, recorded
  ] as const) {
    const e = engineOf(kernel, { cpus })
    const p = memcgBelow(e)
    for (let i = 0; i < 1000; i++) memcgBelow(e, p)
    t.equal(trueStat(e, p, STAT.percpu), 1000 * bytes, kernel)
  }
  t.end()
})
