// Whom the OOM killer chooses: charge-reclaim.md §9 and its worked examples.
import t from 'tap'
import { BOOT_TIME, takeDue } from '../../src/clock.ts'
import { chargePages } from '../../src/engine/charge.ts'
import { charge, failcnt, setMax, usage } from '../../src/engine/counter.ts'
import { drainStocks } from '../../src/engine/drain.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { eventCount, localEventCount } from '../../src/engine/events.ts'
import { touchRegion } from '../../src/engine/fault.ts'
import { GFP_KERNEL, IN_FAULT, parseGfp } from '../../src/engine/gfp.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { createVma, type Mm } from '../../src/engine/mm.ts'
import { OOM_EXIT, outOfMemory, victimExits } from '../../src/engine/oom.ts'
import { oomBadness } from '../../src/engine/oomvictim.ts'
import { stocked } from '../../src/engine/stock.ts'
import { ENOMEM, OK } from '../../src/errno.ts'
import type { KernelId } from '../../src/profiles/features.ts'
import { milliseconds } from '../../src/units.ts'
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

t.test('the killer spares everybody when there is room again', t => {
  const e = engineOf()
  const m = memcgBelow(e)
  anon(e, bareMm(e, m), 100)
  t.equal(outOfMemory(e, m, 1, GFP_KERNEL, null, 0), 'killed')
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

/** Two memory users below a limit, the second of which may have been forked from the first; and what the killer did. */
function scene(kernel: KernelId, choices: Parameters<typeof engineOf>[2] = {}) {
  const e = engineOf(kernel, {}, choices)
  const m = memcgBelow(e)
  const [first, second] = [bareMm(e, m), bareMm(e, m)]
  return { e, m, first, second, ask: (pages = 1, gfp = GFP_KERNEL) => outOfMemory(e, m, pages, gfp, null, 0) }
}

t.test('oom_nofs: for a charge that may not use file systems the killer declined from 4.19 to 5.3', t => {
  for (const [kernel, outcome] of [
    ['4.3', 'killed'],
    ['4.19', 'declined'],
    ['5.3', 'declined'],
    ['5.5', 'killed'],
  ] as const) {
    const { e, m, first, ask } = scene(kernel)
    anon(e, first, 100)
    setMax(e.counters, m.memory, 0)
    t.equal(ask(1, parseGfp('GFP_NOFS')!), outcome, kernel)
    t.equal(first.dying, outcome === 'killed', kernel)
  }
  t.end()
})

t.test('oom_recheck_margin: up to 5.8 the killer does not look whether there is room again', t => {
  for (const [kernel, isKilled] of [
    ['5.8', true],
    ['5.9', false],
  ] as const) {
    const { e, first, ask } = scene(kernel)
    anon(e, first, 100)
    t.equal(ask(), 'killed')
    t.equal(first.dying, isKilled, kernel)
  }
  t.end()
})

t.test('oom_tie: of two that are equally bad the first one met dies up to 4.19, later the last', t => {
  for (const [kernel, dead] of [
    ['4.19', 'first'],
    ['5.3', 'second'],
  ] as const) {
    const made = scene(kernel)
    for (const mm of [made.first, made.second]) anon(made.e, mm, 100)
    setMax(made.e.counters, made.m.memory, 0)
    made.ask()
    t.ok(made[dead].dying, kernel)
    t.equal(made.first.dying && made.second.dying, false)
  }
  t.end()
})

t.test('oom_child_first: up to 4.19 a child dies in place of its parent', t => {
  for (const [kernel, dead] of [
    ['4.19', 'second'],
    ['5.3', 'first'],
  ] as const) {
    const made = scene(kernel)
    anon(made.e, made.first, 100)
    anon(made.e, made.second, 10)
    made.second.parent = made.first.id
    setMax(made.e.counters, made.m.memory, 0)
    made.ask()
    t.ok(made[dead].dying, kernel)
    t.equal(made.first.dying && made.second.dying, false)
  }
  t.end()
})

t.test('oom_badness: at least 1 up to 5.8, and three percent less for root up to 4.4', t => {
  // 1000 pages, of a limit of 51200: adj -500 takes away 500 x 51. Three percent of 1000 pages are 30.
  for (const [kernel, user, root, spared] of [
    ['4.4', 1000, 970, 1],
    ['5.8', 1000, 1000, 1],
    ['5.9', 1000, 1000, -24_500],
  ] as const) {
    const { e, m, first } = scene(kernel)
    setMax(e.counters, m.memory, 51_200)
    first.rss.anon = 1000
    t.equal(oomBadness(e, first, m), user, kernel)
    first.privileged = true
    t.equal(oomBadness(e, first, m), root, `${kernel}, root`)
    first.oomScoreAdj = -500
    t.equal(oomBadness(e, first, m), spared, `${kernel}, spared`)
    first.rss.anon = 0
    m.mms!.clear()
  }
  t.end()
})

t.test('charge_order: 4.2 tells the killer of every charge that it is a single page', t => {
  for (const [kernel, order] of [
    ['4.2', 0],
    ['4.3', 9],
  ] as const) {
    const { e, m, first, ask } = scene(kernel)
    anon(e, first, 100)
    setMax(e.counters, m.memory, 0)
    ask(512)
    const [message] = e.outbox.filter(({ kind }) => kind === 'oom')
    t.match(message, { report: { order, victim: first.id } }, kernel)
  }
  t.end()
})

t.test('a victim that takes its time keeps the killer from killing another', t => {
  const { e, m, first, second, ask } = scene('6.12', { oomExitMs: 50 })
  anon(e, first, 100)
  anon(e, second, 10)
  setMax(e.counters, m.memory, 0)
  t.equal(ask(), 'killed')
  t.ok(first.dying)
  t.ok(e.mms.has(first.id), 'it still holds its memory')
  t.equal(ask(), 'wait')
  t.notOk(second.dying)
  const { kind, a, due } = takeDue(e.clock, Number.POSITIVE_INFINITY)!
  t.equal(kind, OOM_EXIT)
  t.equal(due, BOOT_TIME + milliseconds(50))
  victimExits(e, a)
  t.notOk(e.mms.has(first.id))
  t.equal(ask(), 'killed')
  t.ok(second.dying)
  t.equal(eventCount(e, m, 'oom'), 3)
  t.equal(eventCount(e, m, 'oom_kill'), 2)
  t.end()
})

t.test(
  'oom_costly: for more than 8 pages the killer was asked up to 4.18, and oom_event: counted before that up to 5.1',
  t => {
    for (const [kernel, gfp, oom, kills] of [
      ['4.4', GFP_KERNEL | IN_FAULT, 1, 1],
      ['4.19', GFP_KERNEL, 1, 0],
      ['5.3', GFP_KERNEL, 0, 0],
    ] as const) {
      const { e, m, first } = scene(kernel)
      anon(e, first, 600)
      setMax(e.counters, m.memory, usage(e.counters, m.memory))
      t.equal(chargePages(e, m, 512, gfp, 0, null), kills > 0 ? OK : ENOMEM, kernel)
      t.equal(eventCount(e, m, 'oom'), oom, kernel)
      t.equal(first.dying, kills > 0, kernel)
    }
    t.end()
  },
)

t.test('oom_mode: up to 4.18 only a fault kills; from 4.19 on every charge does', t => {
  for (const [kernel, gfp, isKilled] of [
    ['4.4', GFP_KERNEL, false],
    ['4.4', GFP_KERNEL | IN_FAULT, true],
    ['4.19', GFP_KERNEL, true],
  ] as const) {
    const { e, m, first } = scene(kernel)
    anon(e, first, 100)
    charge(e.counters, m.memory, stocked(e, m, 0))
    drainStocks(e, m)
    setMax(e.counters, m.memory, usage(e.counters, m.memory))
    t.equal(chargePages(e, m, 1, gfp, 0, null), isKilled ? OK : ENOMEM, kernel)
    t.equal(eventCount(e, m, 'oom'), 1, kernel)
    t.equal(first.dying, isKilled, kernel)
  }
  t.end()
})

t.test('oom_no_victim: with nobody to kill a charge passes the limit up to 5.9, and fails from 5.15 on', t => {
  for (const [kernel, result] of [
    ['5.9', OK],
    ['5.15', ENOMEM],
  ] as const) {
    const { e, m } = scene(kernel)
    setMax(e.counters, m.memory, 0)
    t.equal(chargePages(e, m, 1, GFP_KERNEL, 0, null), result, kernel)
    t.equal(usage(e.counters, m.memory), result === OK ? 1 : 0, kernel)
  }
  t.end()
})

t.test('WE-05: a charge of 512 pages is refused after as many rounds, and kills nobody', t => {
  for (const [kernel, rounds, oom] of [
    ['4.19', 7, 1],
    ['5.3', 7, 0],
    ['5.8', 7, 0],
    ['5.9', 18, 0],
    ['6.12', 18, 0],
  ] as const) {
    const { e, m, first } = scene(kernel)
    anon(e, first, 600)
    drainStocks(e, m)
    charge(e.counters, m.memory, 1000 - usage(e.counters, m.memory))
    setMax(e.counters, m.memory, 1000)
    t.equal(chargePages(e, m, 512, GFP_KERNEL, 0, null), ENOMEM, kernel)
    t.equal(failcnt(e.counters, m.memory), rounds, `${kernel}: failcnt`)
    t.equal(eventCount(e, m, 'max'), rounds, `${kernel}: max`)
    t.equal(eventCount(e, m, 'oom'), oom, `${kernel}: oom`)
    t.notOk(first.dying)
  }
  t.end()
})
