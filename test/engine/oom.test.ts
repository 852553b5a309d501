// Whom the OOM killer chooses: charge-reclaim.md §9 and its worked examples.
import t from 'tap'
import { setMax } from '../../src/engine/counter.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { eventCount, localEventCount } from '../../src/engine/events.ts'
import { touchRegion } from '../../src/engine/fault.ts'
import { GFP_KERNEL } from '../../src/engine/gfp.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { createVma, type Mm } from '../../src/engine/mm.ts'
import { outOfMemory } from '../../src/engine/oom.ts'
import { oomBadness } from '../../src/engine/oomvictim.ts'
import { bareMm, engineOf, memcgBelow } from './helpers.ts'

const anon = (e: Engine, mm: Mm, pages: number, name = 'heap'): number => {
  const vma = createVma(mm, name, pages, { file: null, filePage: 0, isPrivate: false })
  return touchRegion(e, vma, 0, pages, { write: true, order: 0 }, { mm, cpu: 0, node: 0, gfp: GFP_KERNEL })
}

const MIB = 256

t.test('WE-39a: badness is resident memory and page tables, shifted by a share of the limit', t => {
  const e = engineOf()
  const m = memcgBelow(e)
  setMax(e.counters, m.memory, 51_200)
  for (const [rss, tables, adj, badness] of [
    [25_600, 60, 0, 25_660],
    [12_800, 40, 300, 28_140],
    [5000, 20, 1000, 56_020],
    [40_000, 90, -500, 14_590],
    [100, 0, -500, -25_400],
  ] as const) {
    const mm = {
      ...bareMm(e, m),
      pageTables: Array.from({ length: tables }, () => ({ objcg: null, memcg: null, order: 0, blocks: 1 })),
    }
    mm.rss.anon = rss
    mm.oomScoreAdj = adj
    t.equal(oomBadness(e, mm, m), badness, `rss ${rss}, page tables ${tables}, adj ${adj}`)
    m.mms!.clear()
  }
  t.end()
})

t.test('of two tasks that are equally bad the one scanned later dies', t => {
  const e = engineOf()
  const m = memcgBelow(e)
  const first = bareMm(e, m)
  const second = bareMm(e, m)
  for (const mm of [first, second]) anon(e, mm, 100)
  setMax(e.counters, m.memory, 0)
  t.ok(outOfMemory(e, m, 1, GFP_KERNEL, null, 0))
  t.notOk(first.dying)
  t.ok(second.dying)
  t.end()
})

t.test('the killer spares everybody when there is room again', t => {
  const e = engineOf()
  const m = memcgBelow(e)
  anon(e, bareMm(e, m), 100)
  t.ok(outOfMemory(e, m, 1, GFP_KERNEL, null, 0))
  t.equal(eventCount(e, m, 'oom'), 1)
  t.equal(eventCount(e, m, 'oom_kill'), 0)
  t.end()
})

/** A parent of 80 MiB, a child with tasks of 60, 1 and 1 MiB, and one more that asks for too much. */
function groupScene(
  group: 'parent' | 'child',
  protectOne = false,
): { e: Engine; p: MemCgroup; c: MemCgroup; dead: number } {
  const e = engineOf()
  const p = memcgBelow(e)
  const c = memcgBelow(e, p)
  const limited = group === 'parent' ? p : c
  setMax(e.counters, limited.memory, 80 * MIB)
  limited.oomGroup = true
  const tasks = [60, 1, 1].map(size => {
    const mm = bareMm(e, c)
    anon(e, mm, size * MIB)
    return mm
  })
  if (protectOne) tasks[2]!.oomScoreAdj = -1000
  const allocator = bareMm(e, c)
  anon(e, allocator, 40 * MIB)
  const dead = [...tasks, allocator].filter(mm => mm.dying).length
  return { e, p, c, dead }
}

t.test('WE-39b: a group is killed as a whole, and the victim is counted twice', t => {
  const whole = groupScene('parent')
  t.equal(whole.dead, 4)
  t.equal(eventCount(whole.e, whole.p, 'oom_group_kill'), 1)
  t.equal(localEventCount(whole.e, whole.p, 'oom_group_kill'), 1)
  t.equal(eventCount(whole.e, whole.p, 'oom_kill'), 4 + 1)

  const child = groupScene('child')
  t.equal(child.dead, 4)
  t.equal(localEventCount(child.e, child.c, 'oom_group_kill'), 1)

  const spared = groupScene('parent', true)
  t.equal(spared.dead, 3, 'a task with oom_score_adj -1000 survives')
  t.equal(eventCount(spared.e, spared.p, 'oom_kill'), 3 + 1)
  t.end()
})
