/** The files of the memory controller on version 2. Rules: charge-reclaim.md §2, §3, §5, §8 to §10, §12. */
import { localWatermark, lowOf, minOf, usage, watermark } from '../engine/counter.ts'
import { swapEventCount, swapEvents } from '../engine/events.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { effectiveProtection } from '../engine/protection.ts'
import { pathOf, pathUp } from '../tree/cgroup.ts'
import { all, type Explanations, type Facts, fact, forAll, memcgOf } from './explanation.ts'
import {
  counterFacts,
  eventFacts,
  highFacts,
  maxFacts,
  memoryCounter,
  pagesText,
  payerFacts,
  placeOf,
  staleFacts,
  stockFacts,
  swapCounter,
  swapHighFacts,
  swapMaxFacts,
} from './memory-facts.ts'
import { sleepFacts } from './tree-facts.ts'

const peakFacts =
  (of: typeof memoryCounter): Facts =>
  subject => {
    const { engine } = subject.tree
    const c = of(memcgOf(subject))
    return [
      fact('usage now', pagesText(engine, usage(engine.counters, c))),
      fact('largest usage since it was made', pagesText(engine, watermark(engine.counters, c))),
      fact('largest since somebody last wrote the file', pagesText(engine, localWatermark(engine.counters, c))),
    ]
  }

/** What is granted of a setting: at most what the parent is granted, which siblings share by what they claim. */
const protectionFacts =
  (name: string, which: 'min' | 'low', settingOf: typeof minOf): Facts =>
  subject => {
    const { engine } = subject.tree
    const { counters } = engine
    const m = memcgOf(subject)
    if (m.parent === null) return []
    const granted = (target: MemCgroup): string => pagesText(engine, effectiveProtection(engine, target, m)[which])
    const facts = [
      fact('usage now', pagesText(engine, usage(counters, m.memory))),
      fact('granted when the whole machine is reclaimed', granted(engine.root)),
      fact(`granted when ${placeOf(subject.tree, m.parent)} is reclaimed for its limit`, granted(m.parent)),
    ]
    for (let level = m; level.parent !== null; level = level.parent) {
      const setting = settingOf(counters, level.memory)
      const claimed = Math.min(setting, usage(counters, level.memory))
      facts.push(
        fact(`${name} of ${placeOf(subject.tree, level)}`, `${pagesText(engine, setting)}, ${claimed} claimed`),
      )
    }
    return facts
  }

const swapEventFacts: Facts = subject => {
  const { engine } = subject.tree
  return swapEvents(engine).map(event => fact(event, swapEventCount(engine, memcgOf(subject), event)))
}

const swapDeviceFacts: Facts = ({ tree: { engine } }) => [
  fact('swap device', engine.swapTotal === 0 ? 'none' : pagesText(engine, engine.swapTotal)),
]

const groupFacts: Facts = ({ tree, cg }) =>
  [...pathUp(cg)]
    .filter(level => level.parent !== null)
    .map(level => {
      const memcg = level.css.find(css => css?.memcg)?.memcg
      return fact(`memory.oom.group of ${pathOf(level)}`, memcg?.oomGroup ? 1 : 0)
    })
    .concat(
      fact(
        'tasks in this cgroup',
        [...tree.tasks.values()].filter(task => task.cgroups[cg.hierarchy.index] === cg).length,
      ),
    )

const CHARGING = ['batchPages', 'stockSlots', 'stockPin'] as const

export const memoryFiles: Explanations = {
  'memory.current': {
    rule: 'What this cgroup and all below it hold, in bytes: the page counter. A charge takes a whole batch of pages from the counters and leaves the rest in the stock of its CPU, so pages are counted that nobody uses yet. Removed cgroups below count until what they hold is gone.',
    numbers: all(counterFacts(memoryCounter), stockFacts, payerFacts, maxFacts, highFacts),
    features: [...CHARGING, 'slabController', 'memoryCurrentRoot'],
  },
  'memory.peak': {
    rule: 'The largest value of memory.current. Where it can be written, a write of anything makes this open file count from the present usage on; the others keep what they know.',
    numbers: peakFacts(memoryCounter),
    features: ['memoryPeak'],
  },
  'memory.min': {
    rule: 'Memory that reclaim never takes, in bytes: reclaim from outside passes a cgroup whose usage is within its share. The share is what was set, at most what the parent is granted; siblings that together claim more than that divide it by what each claims and uses. The cgroup that is itself the target of reclaim is not protected. Writing it only stores it.',
    numbers: protectionFacts('memory.min', 'min', minOf),
    features: ['protection', 'memoryMin'],
  },
  'memory.low': {
    rule: 'Memory that reclaim takes only when there is nothing else, in bytes, and then counts a "low" event. The share is what was set, at most what the parent is granted; siblings that together claim more divide it. Writing it only stores it.',
    numbers: all(protectionFacts('memory.low', 'low', lowOf), eventFacts('low')),
    features: ['protection'],
  },
  'memory.high': {
    rule: 'Where tasks are made to reclaim, and are slowed down when that does not help; usage may pass it. Writing a value below the usage stores it and reclaims the excess, as long as there are retries; it never fails or kills, and counts no event.',
    numbers: all(counterFacts(memoryCounter), stockFacts, highFacts, sleepFacts, eventFacts('high')),
    features: ['highMode', 'highDelay', 'highRetry', 'highSyncLarge', 'memoryHighWrite', 'reclaimRetries'],
  },
  'memory.max': {
    rule: 'No charge brings the page counter above it, whether here or at a cgroup above: what would is reclaimed for, and when that fails the OOM killer is called. The counter includes the stocks of CPUs, which are drained before anybody is killed. Writing a value below the usage stores it, drains, reclaims, and kills at last; it succeeds even when the usage stays above.',
    numbers: all(counterFacts(memoryCounter), stockFacts, maxFacts, eventFacts('max', 'oom', 'oom_kill')),
    features: [
      'batchPages',
      'reclaimRetries',
      'memoryMaxWrite',
      'stockDrainOnLimitWrite',
      'atomicCharge',
      'dyingCharge',
      'nofailCharge',
    ],
  },
  'memory.events': {
    rule: 'Counts of what happened here and, where the kernel counts up the tree, below. low: reclaimed although protected; high: over memory.high; max: a charge met memory.max (once per round of reclaim, not per charge); oom: the OOM killer was called; oom_kill: a task was killed, counted at the cgroup of the task; oom_group_kill: a cgroup was killed as a whole. Each change tells who polls or watches.',
    numbers: eventFacts(),
    features: ['eventsTree', 'eventsKeys', 'oomEvent'],
  },
  'memory.events.local': {
    rule: 'The same counts as memory.events, of this cgroup alone.',
    numbers: eventFacts(),
    features: ['eventsTree', 'eventsKeys'],
  },
  'memory.stat': {
    rule: 'Statistics of this cgroup and all below it, in bytes or events: the second book, next to the page counter. What CPUs have counted and not handed over is not seen, so lines may be late and, on some kernels, wrong for ever. Their sum is not memory.current: that has the stocks of CPUs, too.',
    numbers: all(staleFacts, stockFacts),
    features: ['vmstat', 'batchPages'],
  },
  'memory.numa_stat': {
    rule: 'The lines of memory.stat that nodes count, by node, and late in the same way.',
    numbers: staleFacts,
    features: ['vmstat'],
  },
  'memory.oom.group': {
    rule: '1: when the OOM killer chooses a task here or below for a limit at or above, all tasks of the cgroup are killed. The highest such cgroup up to the one that ran out is the unit. Tasks with oom_score_adj -1000 stay.',
    numbers: groupFacts,
  },
  'memory.reclaim': {
    rule: 'Writing a size reclaims so much from here and below. It cannot be read.',
    numbers: all(counterFacts(memoryCounter), eventFacts('low')),
    features: ['memoryReclaim', 'memoryReclaimStep', 'reclaimRetries'],
  },
  'memory.swap.current': {
    rule: 'Slots of the swap device that hold pages of this cgroup and those below, in bytes. A slot stays with the cgroup it was recorded with until it is freed; a removed cgroup keeps living for it.',
    numbers: all(counterFacts(swapCounter), swapMaxFacts, swapDeviceFacts),
  },
  'memory.swap.high': {
    rule: 'Over it tasks are slowed down on their return to user space, as by memory.high. Writing it only stores it.',
    numbers: all(counterFacts(swapCounter), swapHighFacts),
    features: ['swapHigh'],
  },
  'memory.swap.max': {
    rule: 'No more of the swap device is used by this cgroup and those below. Anonymous memory that cannot be swapped out stays in memory, and reclaim passes it. Writing it only stores it: what is swapped out stays there.',
    numbers: all(counterFacts(swapCounter), swapMaxFacts, swapDeviceFacts),
  },
  'memory.swap.peak': {
    rule: 'The largest value of memory.swap.current; written as memory.peak is.',
    numbers: peakFacts(swapCounter),
    features: ['memoryPeak', 'memorySwapPeak'],
  },
  'memory.swap.events': {
    rule: 'high: over memory.swap.high; max: memory.swap.max refused a page; fail: a page could not be swapped out, for that or because the device is full.',
    numbers: all(swapEventFacts, swapDeviceFacts),
    features: ['swapEventsKeys'],
  },
  ...forAll(['memory.zswap.current', 'memory.zswap.max', 'memory.zswap.writeback'], {
    rule: 'Compressed swap in memory. The kernel is built with it here, and the model never uses it: it holds nothing, and limits are stored.',
  }),
}
