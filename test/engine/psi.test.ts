/** Pressure: averages and triggers. Worked examples of charge-reclaim.md §16. */
import t from 'tap'
import { takeDue } from '../../src/clock.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { printAverage, skipPeriods, stepAverages } from '../../src/engine/psi/averages.ts'
import { booksForReader, createGroup, isMemoryFull, type PsiGroup, stateIndex } from '../../src/engine/psi/group.ts'
import { hold, holdEnds, letGo, STALL_ENDS } from '../../src/engine/psi/hold.ts'
import {
  createTrigger,
  destroyTrigger,
  PSI_POLL,
  PSI_STEP,
  pollDue,
  stepDue,
  takeEvent,
} from '../../src/engine/psi/trigger.ts'
import { accountReclaim, memstallBegin, memstallEnd, moveStalls } from '../../src/engine/stall.ts'
import { featuresOf } from '../../src/profiles/profiles.ts'
import { milliseconds, seconds } from '../../src/units.ts'
import { bareMm, engineOf, memcgBelow } from './helpers.ts'

const SOME = stateIndex('memory some')
const FULL = stateIndex('memory full')
const PERIOD = seconds(2)

/** After each of these shares of a period, in percent: what avg10, avg60 and avg300 say. */
function after(...percents: readonly number[]): string {
  const averages = [0, 0, 0]
  for (const percent of percents) stepAverages(averages, 0, (PERIOD / 100) * percent, PERIOD)
  return averages.map(printAverage).join(' ')
}

t.test('WE-36: averages after so many periods', t => {
  const whole = (n: number): number[] => Array.from({ length: n }, () => 100)
  t.equal(after(...whole(1)), '18.11 3.27 0.68')
  t.equal(after(...whole(2)), '32.94 6.43 1.36')
  t.equal(after(...whole(3)), '45.09 9.49 2.03')
  t.equal(after(...whole(5)), '63.18 15.32 3.37')
  t.equal(after(100, 0), '14.83 3.16 0.67')
  t.equal(after(100, 0, 0), '12.14 3.06 0.67')
  t.equal(after(100, 0, 0, 0), '9.94 2.95 0.66')
  t.equal(after(50), '9.05 1.63 0.34')
  t.equal(after(50, 50), '16.47 3.21 0.68')
  t.equal(after(25), '4.52 0.81 0.17')
  t.end()
})

t.test('WE-36: missed periods in one step', t => {
  const averages = [0, 0, 0]
  stepAverages(averages, 0, PERIOD, PERIOD)
  skipPeriods(averages, 0, 5)
  t.equal(averages.map(printAverage).join(' '), '6.66 2.76 0.66')
  t.end()
})

interface Scene {
  readonly e: Engine
  readonly group: PsiGroup
}

function scene(kernel: Parameters<typeof engineOf>[0] = '6.12'): Scene {
  const e = engineOf(kernel)
  return { e, group: createGroup(e, e.psi.system) }
}

/** Lets time pass, and calls back at every event of the trigger. */
function pass(e: Engine, time: number, trigger?: number, told?: (at: number) => void): void {
  const end = e.clock.now + time
  for (let item = takeDue(e.clock, end); item; item = takeDue(e.clock, end)) {
    if (item.kind === PSI_POLL) pollDue(e, item.a)
    if (item.kind === PSI_STEP) stepDue(e, item.a)
    if (item.kind === STALL_ENDS) holdEnds(e, item.a, item.b)
    if (trigger !== undefined && takeEvent(e, trigger)) told?.(e.clock.now)
  }
  e.clock.now = end
}

const averagesOf = ({ e, group }: Scene): string =>
  booksForReader(e, group)!
    .averages.slice(SOME * 3, SOME * 3 + 3)
    .map(printAverage)
    .join(' ')

const totalOf = ({ e, group }: Scene, state: number): number => booksForReader(e, group)!.total[state]! / 1000

t.test('a group takes the steps of the averages when somebody looks', t => {
  const made = scene()
  const { e, group } = made
  hold(e, group, 'memory', { some: 10_000, full: 2500 }, seconds(2))
  pass(e, seconds(2))
  t.equal(averagesOf(made), '18.11 3.27 0.68', 'one whole period')
  t.equal(totalOf(made, SOME), 2_000_000)
  t.equal(totalOf(made, FULL), 500_000)
  // The kernel steps once more by itself, sees nothing and stops: the rest is made up for by the reader.
  pass(e, seconds(2))
  t.equal(averagesOf(made), '14.83 3.16 0.67')
  pass(e, seconds(2))
  t.equal(averagesOf(made), '12.14 3.06 0.67')
  pass(e, seconds(2))
  t.equal(averagesOf(made), '9.94 2.95 0.66')
  t.equal(totalOf(made, SOME), 2_000_000)
  t.equal(e.clock.queue.length, 0, 'nothing is on the clock for it')
  t.end()
})

t.test('looking often changes no total', t => {
  const made = scene()
  hold(made.e, made.group, 'memory', { some: 4001, full: 1 })
  for (let i = 0; i < 999; i++) {
    pass(made.e, 1_001_001)
    totalOf(made, SOME)
  }
  pass(made.e, seconds(1) - 999 * 1_001_001)
  t.equal(totalOf(made, SOME), 400_100)
  t.equal(totalOf(made, FULL), 100)
  t.end()
})

t.test('more stall than time passed is carried over', t => {
  const { e } = scene()
  const mm = bareMm(e, memcgBelow(e))
  mm.psi = createGroup(e, e.psi.system)
  const made = { e, group: mm.psi }
  // 400 000 pages at 10 us are 4 s: two whole periods.
  accountReclaim(e, mm, 400_000)
  pass(e, seconds(2))
  t.equal(averagesOf(made), '18.11 3.27 0.68')
  pass(e, seconds(2))
  t.equal(averagesOf(made), '32.94 6.43 1.36')
  pass(e, seconds(2))
  t.equal(totalOf(made, FULL), 4_000_000, 'the only one that ran was reclaiming')
  t.end()
})

/** A trigger `some 150000 1000000` and its events, in milliseconds after it was made. */
function events(stall: (scene: Scene) => void, timeMs: number): number[] {
  const made = scene()
  const { e, group } = made
  const start = e.clock.now
  const trigger = createTrigger(e, group, {
    state: SOME,
    threshold: milliseconds(150),
    window: seconds(1),
    withAverages: false,
  })
  stall(made)
  const told: number[] = []
  pass(e, milliseconds(timeMs), trigger, at => told.push((at - start) / 1_000_000))
  return told
}

t.test('WE-37: a trigger fires when its window has grown by the threshold, once per window', t => {
  const held = (some: number, length?: number) => (made: Scene) =>
    hold(made.e, made.group, 'memory', { some, full: 0 }, length)
  t.same(events(held(2000), 3000), [800, 1800, 2800], '20 %')
  t.same(events(held(1000), 30_000), [], '10 %')
  t.same(events(held(10_000, milliseconds(300)), 5000), [200, 1200], 'all of the first 300 ms')
  t.end()
})

t.test('a trigger leaves the clock alone when nothing stalls any more', t => {
  const { e, group } = scene()
  const trigger = createTrigger(e, group, {
    state: SOME,
    threshold: milliseconds(1),
    window: seconds(1),
    withAverages: false,
  })
  t.equal(e.clock.queue.length, 0)
  hold(e, group, 'memory', { some: 100, full: 0 }, seconds(1))
  pass(e, seconds(3))
  t.equal(e.clock.queue.length, 0)
  destroyTrigger(e, trigger)
  t.equal(e.psi.watched.size, 0)
  t.end()
})

t.test('psi_unprivileged: triggers without CAP_SYS_RESOURCE go with the averages', t => {
  const { e, group } = scene()
  const start = e.clock.now
  const trigger = createTrigger(e, group, {
    state: SOME,
    threshold: milliseconds(150),
    window: seconds(2),
    withAverages: true,
  })
  const told: number[] = []
  hold(e, group, 'memory', { some: 10_000, full: 0 }, milliseconds(500))
  pass(e, seconds(60), trigger, at => told.push((at - start) / 1_000_000))
  t.same(told, [2000])
  t.equal(e.clock.queue.length, 0)
  t.end()
})

t.test('what sleeps waiting for memory is some and full, in its group and those above it', t => {
  const e = engineOf()
  const parent = createGroup(e, e.psi.system)
  const [group, other] = [createGroup(e, parent), createGroup(e, parent)]
  const mm = bareMm(e, memcgBelow(e))
  mm.psi = group
  memstallBegin(e, mm)
  pass(e, milliseconds(300))
  moveStalls(e, mm, other)
  pass(e, milliseconds(200))
  memstallEnd(e, mm)
  pass(e, seconds(1))
  for (const [each, some] of [
    [group, 300_000],
    [other, 200_000],
    [parent, 500_000],
    [e.psi.system, 500_000],
  ] as const) {
    t.equal(totalOf({ e, group: each }, SOME), some)
    t.equal(totalOf({ e, group: each }, FULL), some)
  }
  t.end()
})

t.test('psi_mem_full: who reclaims counts as running up to 5.15', t => {
  const reclaimer = { running: 1, memstall: 1, memstallRunning: 1, iowait: 0 }
  t.equal(isMemoryFull(reclaimer, featuresOf('5.15')), false)
  t.equal(isMemoryFull(reclaimer, featuresOf('6.12')), true)
  const withHog = { ...reclaimer, running: 2 }
  t.equal(isMemoryFull(withHog, featuresOf('6.12')), false)
  t.end()
})

t.test('what is held adds up to the whole time at most', t => {
  const { e, group } = scene()
  const [one, two] = [createGroup(e, group), createGroup(e, group)]
  hold(e, one, 'memory', { some: 7000, full: 0 })
  hold(e, two, 'memory', { some: 7000, full: 0 })
  pass(e, seconds(1))
  t.equal(totalOf({ e, group }, SOME), 1_000_000)
  letGo(e, one, 'memory')
  pass(e, seconds(1))
  t.equal(totalOf({ e, group }, SOME), 1_700_000)
  t.end()
})
