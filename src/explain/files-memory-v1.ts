/** The files of the memory controller on version 1. Rules: charge-reclaim.md §5.5, §9.3, §11, §12.3; slab-kmem.md §8. */
import { failcnt, maxOf, usage, watermark } from '../engine/counter.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { all, type Explanation, type Explanations, type Facts, fact, forAll, memcgOf } from './explanation.ts'
import { counterFacts, memoryCounter, pagesText, staleFacts, stockFacts, v1LimitFacts } from './memory-facts.ts'
import { sleepFacts } from './tree-facts.ts'

type CounterOf = (m: MemCgroup) => number

const resourceFacts =
  (of: CounterOf): Facts =>
  subject => {
    const { engine } = subject.tree
    const { counters } = engine
    const c = of(memcgOf(subject))
    return [
      fact('usage', pagesText(engine, usage(counters, c))),
      fact('largest usage', pagesText(engine, watermark(counters, c))),
      fact('limit', pagesText(engine, maxOf(counters, c))),
      fact('charges refused here', failcnt(counters, c)),
    ]
  }

const oomFacts: Facts = subject => {
  const { oomKillDisable, underOom } = memcgOf(subject).v1!
  return [
    fact('the OOM killer is', oomKillDisable ? 'off here' : 'on here'),
    fact('OOMs that are going on here or above', underOom),
  ]
}

/** The settings that version 1 alone has. */
const settingFacts: Facts = subject => {
  const { v1 } = memcgOf(subject)
  if (!v1) return []
  return [
    fact('swappiness', v1.swappiness),
    fact('soft limit', pagesText(subject.tree.engine, v1.softLimit)),
    fact('cgroups below count here', v1.useHierarchy ? 'yes' : 'no'),
    fact('thresholds of memory', v1.memoryThresholds?.entries.length ?? 0),
    fact('thresholds of memory and swap', v1.memswThresholds?.entries.length ?? 0),
    fact('who is told of OOMs', v1.oomListeners.length),
    fact('who is told of pressure', v1.pressureListeners.length),
  ]
}

/** The four files of one counter. */
function resource(prefix: string, of: CounterOf, about: string, limit: Explanation): Explanations {
  const numbers = resourceFacts(of)
  return {
    [`${prefix}.usage_in_bytes`]: {
      rule: `${about} of this cgroup and all below it, in bytes: the page counter, with what CPUs hold in stock. The root shows what the machine uses.`,
      numbers: all(numbers, counterFacts(of), stockFacts),
      features: ['batchPages', 'stockSlots'],
    },
    [`${prefix}.max_usage_in_bytes`]: {
      rule: 'The largest usage; a write of anything starts it afresh at the present usage.',
      numbers,
    },
    [`${prefix}.failcnt`]: {
      rule: 'How often a charge met this very limit: once per attempt, so a charge that is tried again counts again. A write of anything makes it 0.',
      numbers,
      features: ['reclaimRetries'],
    },
    [`${prefix}.limit_in_bytes`]: { ...limit, numbers: all(numbers, limit.numbers ?? (() => [])) },
  }
}

export const memoryFilesV1: Explanations = {
  ...resource('memory', memoryCounter, 'Memory', {
    rule: 'No charge brings the usage above it. A value below the usage reclaims first, and is refused with EBUSY when that does not help: nobody is killed for it. -1 is no limit; the root has none.',
    numbers: v1LimitFacts,
    features: ['v1LimitWrite', 'reclaimRetries', 'useHierarchy'],
  }),
  ...resource('memory.memsw', m => m.memsw, 'Memory and swap together', {
    rule: 'No charge brings memory and swap together above it. It is never below memory.limit_in_bytes, so the order in which the two are written matters.',
    features: ['memswOverMargin'],
  }),
  ...resource('memory.kmem', m => m.kmem, 'Kernel memory', {
    rule: 'A limit of kernel memory alone, for which nothing is reclaimed. Up to 4.4 writing it turns the accounting on, while nobody uses the cgroup; from 5.16 on it is stored and means nothing.',
    features: ['kmemLimit', 'kmemOnlineV1'],
  }),
  ...resource('memory.kmem.tcp', m => m.tcpmem, 'Buffers of TCP sockets', {
    rule: 'A limit of the buffers of TCP sockets. Setting any turns the accounting on for sockets made from then on.',
  }),
  'memory.stat': {
    rule: 'Statistics of this cgroup alone, its limits with those above taken into account, and the same with all below as total_. What CPUs have counted and not handed over is not seen.',
    numbers: all(staleFacts, v1LimitFacts),
    features: ['vmstat', 'vmstatLocal', 'v1MemoryStat'],
  },
  'memory.numa_stat': {
    rule: 'Pages on the lists by node, of this cgroup alone and as hierarchical_ with all below.',
    numbers: staleFacts,
    features: ['vmstat'],
  },
  'memory.kmem.slabinfo': {
    rule: "The slab caches with objects of this cgroup: its own copies of them up to 5.8; later there are none, and it prints the whole machine's or nothing.",
    features: ['slabController', 'slabinfoFile'],
  },
  'cgroup.event_control': {
    rule: 'Writing "EVENTFD FILE ARGUMENTS", both descriptors of the writer, asks to be told: of a threshold of a usage file, of memory.oom_control, or of memory.pressure_level. It cannot be read. Without an eventfd .memcgfs/notify tells the same.',
    numbers: settingFacts,
  },
  'memory.oom_control': {
    rule: 'oom_kill_disable 1: a task that runs out sleeps (under_oom 1) until memory is freed, the limit is raised, or 0 is written. oom_kill counts killed tasks.',
    numbers: all(oomFacts, sleepFacts, resourceFacts(memoryCounter)),
    features: ['oomMode'],
  },
  'memory.pressure_level': {
    rule: 'What a descriptor of it names in cgroup.event_control: low, medium, critical. It holds nothing.',
  },
  'memory.soft_limit_in_bytes': {
    rule: 'Asked when the whole machine is short of memory alone: the cgroup that is furthest over it is reclaimed first.',
    numbers: all(settingFacts, resourceFacts(memoryCounter)),
  },
  'memory.swappiness': {
    rule: 'How reclaim weighs anonymous memory against page cache, from 0; children inherit it when they are made. On the root it is that of the machine.',
    numbers: settingFacts,
    features: ['swappinessV1Max', 'scanBalance'],
  },
  'memory.use_hierarchy': {
    rule: 'Whether cgroups below count in here. From 5.11 on always 1.',
    numbers: settingFacts,
    features: ['useHierarchy'],
  },
  'memory.move_charge_at_immigrate': {
    rule: 'Bits of what a moved process takes along: 1 anonymous memory, 2 mapped files. Gone in newer kernels.',
    features: ['moveCharge'],
  },
  ...forAll(['memory.force_empty'], {
    rule: 'Writing anything reclaims all that can be reclaimed, with as many tries as a charge has, and succeeds whatever is left. It cannot be read.',
    numbers: all(counterFacts(memoryCounter), stockFacts),
    features: ['reclaimRetries', 'forceEmptySleep'],
  }),
}
