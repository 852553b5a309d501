// Each feature of reclaim makes a difference that can be seen, on kernels that are otherwise the same.
import t from 'tap'
import { setLow, usage } from '../../../src/engine/counter.ts'
import { lookupNames } from '../../../src/engine/dcache.ts'
import { touchRegion } from '../../../src/engine/fault.ts'
import { GFP_KERNEL } from '../../../src/engine/gfp.ts'
import { AGE, agingOf, CURSOR, DEFERRED, ROTATED, SCANNED, setAging } from '../../../src/engine/lruvec.ts'
import { accessFile } from '../../../src/engine/pagecache.ts'
import { effectiveProtection } from '../../../src/engine/protection.ts'
import { scanCounts, targetBalance } from '../../../src/engine/reclaim/balance.ts'
import { reclaimByLists } from '../../../src/engine/reclaim/classic.ts'
import { reclaim } from '../../../src/engine/reclaim.ts'
import type { Features } from '../../../src/profiles/features.ts'
import { bareMm, memcgBelow } from '../helpers.ts'
import { actorOf, anon, cache, classicEngine, onList, scanOf, stat } from './helpers.ts'

const NONE = { min: 0, low: 0 }

t.test('recursive protection is shared out where the mount option is there', t => {
  const low = (recursiveProtOption: boolean): number => {
    const e = classicEngine('6.12', {}, { recursiveProtOption, memoryRecursiveprot: true })
    const a = memcgBelow(e)
    const b = memcgBelow(e, a)
    const c = memcgBelow(e, b)
    cache(e, c, 500)
    setLow(e.counters, b.memory, 200)
    return effectiveProtection(e, a, c).low
  }
  // All that is used there but the per-CPU memory of the child itself.
  t.ok(low(true) > 190 && low(true) <= 200)
  t.equal(low(false), 0)
  t.end()
})

t.test('scan_balance: by rotation what had to be kept is scanned less', t => {
  const e = classicEngine('5.5')
  e.swapTotal = 10_000
  const m = memcgBelow(e)
  anon(e, bareMm(e, m), 4096)
  accessFile(e, cache(e, m, 4096), 0, 4096, actorOf(bareMm(e, m)))
  const counts = (): number[] => {
    const scan = scanOf(m, { priority: 2 })
    scan.balance = targetBalance(e, scan, 0)
    const { active_anon, active_file } = scanCounts(e, scan, m, 0, NONE)
    return [active_anon, active_file]
  }
  // 60 and 140 parts, and one that nobody gets.
  t.same(counts(), [Math.floor((1024 * 60) / 201), Math.floor((1024 * 140) / 201)])
  setAging(e, m, 0, SCANNED, 1000)
  t.same(counts(), [Math.floor((1024 * 60 * 1001) / 60_201), Math.floor((1024 * 140) / 60_201)], 'none was kept')
  setAging(e, m, 0, ROTATED, 1000)
  t.same(counts(), [Math.floor((1024 * 60) / 201), Math.floor((1024 * 140) / 201)], 'all were')
  t.end()
})

t.test('lists of the target decide, or those of each cgroup', t => {
  /** One cgroup with much page cache, one with active pages of files only: may the latter become inactive? */
  const mayDeactivate = (balanceScope: Features['balanceScope']): number => {
    const e = classicEngine('6.12', {}, { balanceScope })
    const a = memcgBelow(e)
    const [much, little] = [memcgBelow(e, a), memcgBelow(e, a)]
    cache(e, much, 10_000)
    const file = cache(e, little, 1000)
    accessFile(e, file, 0, 1000, actorOf(bareMm(e, little)))
    reclaim(e, a, 3000, 0)
    return stat(e, little, 'pgdeactivate')
  }
  t.equal(mayDeactivate('target'), 0)
  t.ok(mayDeactivate('memcg') > 0)
  t.end()
})

t.test('reclaim goes on where it stopped, at one place or one per priority', t => {
  const places = (reclaimCursor: Features['reclaimCursor']): number[] => {
    const e = classicEngine('6.12', {}, { reclaimCursor })
    const a = memcgBelow(e)
    for (let i = 0; i < 3; i++) cache(e, memcgBelow(e, a), 20_000)
    // 4, 4, 4 at priority 12; 9, 9, 9 at 11 are enough with the third.
    reclaim(e, a, 32, 0)
    return Array.from({ length: 13 }, (_, i) => agingOf(e, a, 0, CURSOR + i))
  }
  const last = (slots: number[]): number => slots.findIndex(slot => slot > 0)
  t.equal(last(places('shared')), 0)
  t.equal(last(places('per-priority')), 11)
  t.end()
})

t.test('active lists are left alone until nothing else is found', t => {
  const ways = (reclaimSecondChance: Features['reclaimSecondChance']) => {
    const e = classicEngine('6.12', {}, { reclaimSecondChance })
    const scan = scanOf(memcgBelow(e), { skippedDeactivate: true })
    reclaimByLists(e, scan)
    return [scan.fullWalk, scan.forceDeactivate]
  }
  t.same(ways('low'), [false, false])
  t.same(ways('low-deactivate'), [false, true])
  t.same(ways('walk-deactivate-low'), [true, true])
  t.end()
})

t.test('new anonymous memory is active or not', t => {
  for (const [kernel, list] of [
    ['5.8', 'active_anon'],
    ['5.9', 'inactive_anon'],
  ] as const) {
    const e = classicEngine(kernel)
    const m = memcgBelow(e)
    anon(e, bareMm(e, m), 10)
    t.equal(onList(e, m, list), 10, kernel)
  }
  t.end()
})

t.test('anonymous memory that comes back is recognised', t => {
  const refaults = (kernel: '5.8' | '5.9'): number => {
    const e = classicEngine(kernel)
    e.swapTotal = 1000
    const m = memcgBelow(e)
    const mm = bareMm(e, m)
    const vma = anon(e, mm, 200)
    for (let i = 0; i < 20 && mm.swapents < 100; i++) reclaim(e, m, 100, 0)
    t.ok(mm.swapents > 0, kernel)
    touchRegion(e, vma, 0, 200, { write: false, order: 0 }, actorOf(mm))
    return stat(e, m, 'workingset_refault_anon')
  }
  t.equal(refaults('5.8'), 0)
  t.ok(refaults('5.9') > 0)
  t.end()
})

t.test('evictions are remembered for the target or for the owner', t => {
  const shadowOf = (workingsetChargedTo: Features['workingsetChargedTo']) => {
    const e = classicEngine('6.12', {}, { workingsetChargedTo })
    const a = memcgBelow(e)
    const c = memcgBelow(e, a)
    const file = cache(e, c, 500)
    reclaim(e, a, 32, 0)
    const { memcg } = file.evicted.extents[0]!.shadow!
    t.equal(agingOf(e, a, 0, AGE), 500 - usage(e.counters, c.memory), 'the lists above age in any case')
    return memcg === a ? 'target' : memcg === c ? 'owner' : ''
  }
  t.equal(shadowOf('target'), 'target')
  t.equal(shadowOf('owner'), 'owner')
  t.end()
})

t.test('what a shrinker put off is kept for the machine or for the cgroup', t => {
  const scene = (shrinkerDeferred: Features['shrinkerDeferred']) => {
    const e = classicEngine('6.12', {}, { shrinkerDeferred })
    const m = memcgBelow(e)
    const what = { fs: 'ext4', count: 1000, negative: true, length: 20, prefix: 'p', directory: 0 } as const
    lookupNames(e, what, { memcg: m, mm: null, cpu: 0, node: 0, gfp: GFP_KERNEL })
    cache(e, m, 20_000)
    // Priority 12 and 11: nothing of 1000 names; 10: 0, 9: 2 of them.
    reclaim(e, m, 64, 0)
    return { own: agingOf(e, m, 0, DEFERRED), machine: agingOf(e, e.root, 0, DEFERRED) }
  }
  t.ok(scene('per-memcg').own > 0)
  t.equal(scene('per-memcg').machine, 0)
  t.ok(scene('shared').machine > 0)
  t.equal(scene('shared').own, 0)
  t.end()
})

t.test('names that reclaim takes are gone at once, their memory a grace period later; held ones stay', t => {
  const e = classicEngine('6.12')
  const m = memcgBelow(e)
  const what = { fs: 'ext4', count: 2000, negative: true, length: 20, prefix: 'p', directory: 0 } as const
  lookupNames(e, what, { memcg: m, mm: null, cpu: 0, node: 0, gfp: GFP_KERNEL })
  const before = usage(e.counters, m.memory)
  t.equal(reclaim(e, m, 100, 0), 0, 'no reclaim counts them')
  t.equal(usage(e.counters, m.memory), before)
  t.ok(e.dcache.dying.size > 0)
  t.equal(e.clock.queue.at(0)?.kind, 'names-free')
  t.end()
})
