/** The numbers behind the files of the memory controller. */
import { highOf, maxOf, PAGE_COUNTER_MAX, usage } from '../engine/counter.ts'
import type { Engine } from '../engine/engine.ts'
import { eventCount, localEventCount, type MemoryEvent, memoryEvents } from '../engine/events.ts'
import { objectBytesInStocks, slabInStocks, stockedBelow, stockedOn } from '../engine/held.ts'
import { type MemCgroup, NO_MEMCG } from '../engine/memcg.ts'
import { printedUnit, type StatLine, statOnRead, trueStat } from '../engine/vmstat.ts'
import { pathOf } from '../tree/cgroup.ts'
import type { Tree } from '../tree/tree.ts'
import type { Pages } from '../units.ts'
import { type Fact, type Facts, fact, memcgOf, type Subject } from './explanation.ts'

/** `1088 pages = 4456448 bytes`, or that there is no limit. */
export function pagesText({ machine }: Engine, pages: Pages): string {
  if (pages === PAGE_COUNTER_MAX) return 'no limit'
  return `${pages} page${pages === 1 ? '' : 's'} = ${pages * machine.pageSize} bytes`
}

/** Where a memcg stands, or stood. */
export function placeOf(tree: Tree, m: MemCgroup): string {
  const css = tree.cssOfMemcg[m.slot]
  return css ? pathOf(css.cgroup) : `the memcg in slot ${m.slot}`
}

function* childrenOf(e: Engine, m: MemCgroup): Generator<MemCgroup> {
  for (let slot = m.firstChild; slot !== NO_MEMCG; slot = e.memcgs[slot]!.nextSibling) yield e.memcgs[slot]!
}

function* levelsUp(m: MemCgroup): Generator<MemCgroup> {
  for (let level: MemCgroup | null = m; level?.parent; level = level.parent) yield level
}

type CounterOf = (m: MemCgroup) => number

/** A page counter: what it says, and how much of it is whose. */
export const counterFacts =
  (of: CounterOf): Facts =>
  subject => {
    const { engine } = subject.tree
    const { counters } = engine
    const m = memcgOf(subject)
    const sum = (wanted: (child: MemCgroup) => boolean): Pages =>
      [...childrenOf(engine, m)].filter(wanted).reduce((pages, child) => pages + usage(counters, of(child)), 0)
    const total = usage(counters, of(m))
    const living = sum(child => child.online)
    const removed = sum(child => !child.online)
    return [
      fact(`page counter of ${placeOf(subject.tree, m)}`, pagesText(engine, total)),
      fact('of these charged to itself', pagesText(engine, total - living - removed)),
      ...(living > 0 ? [fact('to cgroups below', pagesText(engine, living))] : []),
      ...(removed > 0
        ? [fact('to removed cgroups right below, see .memcgfs/zombies', pagesText(engine, removed))]
        : []),
    ]
  }

export const memoryCounter: CounterOf = m => m.memory
export const swapCounter: CounterOf = m => m.swap

/** Pages that CPUs hold in stock: charged, and used by nobody. */
export const stockFacts: Facts = subject => {
  const { engine } = subject.tree
  const m = memcgOf(subject)
  const held = stockedBelow(engine, m)
  const byCpu: string[] = []
  for (let cpu = 0; cpu < engine.machine.cpus; cpu++) {
    const pages = stockedOn(engine, m, cpu)
    if (pages > 0) byCpu.push(`CPU ${cpu}: ${pages}`)
  }
  const bytes = objectBytesInStocks(engine, m)
  return [
    fact(
      'in stock of CPUs, charged and not used',
      `${pagesText(engine, held)}${byCpu.length > 0 ? ` (${byCpu.join(', ')})` : ''}`,
    ),
    ...(bytes > 0 ? [fact('of pages of kernel objects, not used by any yet', `${bytes} bytes`)] : []),
  ]
}

/** What is paid for here and was used elsewhere. */
export const payerFacts: Facts = subject => {
  const { inherited } = memcgOf(subject)
  if (inherited === null || inherited.length === 0) return []
  return [fact('removed cgroups whose kernel objects are paid for here', inherited.length)]
}

/** Every limit of this kind that is set on the way up, with what is left below it. */
const limitsUp =
  (name: string, of: CounterOf, limitOf: typeof maxOf): Facts =>
  subject => {
    const { engine } = subject.tree
    const { counters } = engine
    const set = [...levelsUp(memcgOf(subject))].filter(level => limitOf(counters, of(level)) !== PAGE_COUNTER_MAX)
    return set.map(level => {
      const limit = limitOf(counters, of(level))
      const room = limit - usage(counters, of(level))
      const left = room >= 0 ? `${room} pages below it` : `${-room} pages over it`
      return fact(`${name} of ${placeOf(subject.tree, level)}`, `${pagesText(engine, limit)}, ${left}`)
    })
  }

export const maxFacts: Facts = limitsUp('memory.max', memoryCounter, maxOf)
export const highFacts: Facts = limitsUp('memory.high', memoryCounter, highOf)
export const swapMaxFacts: Facts = limitsUp('memory.swap.max', swapCounter, maxOf)
export const swapHighFacts: Facts = limitsUp('memory.swap.high', swapCounter, highOf)
export const v1LimitFacts: Facts = limitsUp('memory.limit_in_bytes', memoryCounter, maxOf)

/** Counts of events, and at which cgroups they were raised. */
export const eventFacts =
  (...wanted: readonly MemoryEvent[]): Facts =>
  subject => {
    const { engine } = subject.tree
    const m = memcgOf(subject)
    return memoryEvents(engine)
      .filter(event => wanted.length === 0 || wanted.includes(event))
      .filter(event => eventCount(engine, m, event) + localEventCount(engine, m, event) > 0)
      .map(event => fact(`${event}`, `${eventCount(engine, m, event)} counted here${raisedAt(subject, m, event)}`))
  }

const MANY = 4

function raisedAt({ tree }: Subject, m: MemCgroup, event: MemoryEvent): string {
  const places: string[] = []
  const visit = (each: MemCgroup): void => {
    const count = localEventCount(tree.engine, each, event)
    if (count > 0) places.push(`${count} at ${placeOf(tree, each)}`)
    for (const child of childrenOf(tree.engine, each)) visit(child)
  }
  visit(m)
  const shown = places.slice(0, MANY).join(', ')
  return places.length === 0 ? '' : `; raised ${shown}${places.length > MANY ? ', …' : ''}`
}

/** Lines of memory.stat that a reader would find otherwise than they are. */
export const staleFacts: Facts = subject => {
  const { engine } = subject.tree
  const m = memcgOf(subject)
  const { vmstat } = engine.features
  const stale = engine.vmstats.lines.flatMap(line => staleLine(engine, m, line))
  const flush = engine.clock.queue.find(({ kind }) => kind === 'rstat-flush')
  return [
    fact('statistics are kept', MECHANISMS[vmstat]),
    ...(flush ? [fact('next flush of everything', `in ${(flush.due - engine.clock.now) / 1e6} ms`)] : []),
    ...(stale.length === 0 ? [fact('lines that a reader finds otherwise than they are', 'none')] : stale.slice(0, 10)),
    ...(stale.length > 10 ? [fact('more such lines', `${stale.length - 10}, see .memcgfs/vmstat`)] : []),
  ]
}

const MECHANISMS: Readonly<Record<Engine['features']['vmstat'], string>> = {
  'sum-at-read': 'per CPU, added up by the reader',
  'batched-local': 'in batches per CPU and cgroup, added up over the tree by the reader',
  'batched-tree': 'in batches per CPU, which go up the tree when they are full',
  rstat: 'per CPU, and flushed: by a reader when enough is pending, by all every two seconds',
}

function staleLine(e: Engine, m: MemCgroup, { name, items }: StatLine): Fact[] {
  const unit = printedUnit(e, items[0]!)
  const shown = items.reduce((sum, item) => sum + statOnRead(e, m, item), 0) * unit
  const real = items.reduce((sum, item) => sum + trueStat(e, m, item) + slabInStocks(e, m, item), 0) * unit
  return shown === real ? [] : [fact(name, `shows ${shown}, is ${real}`)]
}
