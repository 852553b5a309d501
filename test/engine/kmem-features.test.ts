// Kernel memory by kernel, one feature at a time: those that no worked example shows.
import t from 'tap'
import { failcnt, setMax } from '../../src/engine/counter.ts'
import { lookupNames } from '../../src/engine/dcache.ts'
import { drainStocks } from '../../src/engine/drain.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { GFP_KERNEL } from '../../src/engine/gfp.ts'
import { allocKernelPages } from '../../src/engine/kmemalloc.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { STAT, trueStat } from '../../src/engine/vmstat.ts'
import { engineOf, memcgBelow } from './helpers.ts'

const actorIn = (memcg: MemCgroup) => ({ memcg, mm: null, cpu: 0, node: 0, gfp: GFP_KERNEL })

/** Bytes charged for one negative name of that length. */
function bytesOfName(e: Engine, length: number): number {
  const m = memcgBelow(e)
  const what = { fs: 'ext4', count: 1, negative: true, length, prefix: undefined, directory: 0 } as const
  lookupNames(e, what, actorIn(m))
  drainStocks(e, m)
  return trueStat(e, m, STAT.slab_reclaimable)
}

t.test('a name that does not fit into the dentry is an object of its own', t => {
  // A dentry is 192 + 8 bytes; a name of n bytes takes 17 + n, here a kmalloc of 64, and 8 more for its owner.
  const e = engineOf('6.12')
  t.equal(bytesOfName(e, 31), 200)
  t.equal(bytesOfName(e, 32), 200 + 64 + 8)
  const wide = engineOf('6.12', {}, { dnameInline: 39 })
  t.equal(bytesOfName(wide, 39), 200)
  t.equal(bytesOfName(wide, 40), 200 + 64 + 8)
  t.end()
})

t.test('on 7.1 a memcg has an owner of objects on each node', t => {
  for (const [kernel, owners] of [
    ['6.18', 1],
    ['7.1', 2],
  ] as const)
    t.equal(memcgBelow(engineOf(kernel, { nodes: 2 })).objcgs!.length, owners, kernel)
  t.end()
})

t.test('kernel memory of version 1 is charged once it is asked for, and always from 4.19 on', t => {
  for (const [kernel, isCharged] of [
    ['4.3', false],
    ['5.2', true],
  ] as const)
    t.equal(memcgBelow(engineOf(kernel, {}, {}, 'v1')).kmemActive, isCharged, kernel)
  t.end()
})

t.test('the counter of kernel memory is asked before that of all memory up to 4.4, and after it later', t => {
  for (const [kernel, kmem, memory] of [
    ['4.3', 1, false],
    ['5.2', 0, true],
  ] as const) {
    const e = engineOf(kernel, {}, {}, 'v1')
    const m = memcgBelow(e)
    m.kmemActive = true
    setMax(e.counters, m.kmem, 0)
    setMax(e.counters, m.memory, 0)
    t.equal(allocKernelPages(e, 0, 1, { ...actorIn(m), gfp: 0 }).blocks, 0)
    t.equal(failcnt(e.counters, m.kmem), kmem, `${kernel}: refused by kmem`)
    t.equal(failcnt(e.counters, m.memory) > 0, memory, `${kernel}: refused by memory`)
  }
  t.end()
})
