/**
 * The keys of a kernel that its generation does not decide (profiles.md §4.1, §4.2): the machine, fixed at mount, and
 * the choices of the model.
 */
import type { Machine, ModelOptions } from '../engine/machine.ts'
import { FLAG, INTEGER, oneOf, type ValueKind } from '../profiles/features.ts'
import type { Bytes } from '../units.ts'
import { parseWorkloadSize } from './grammar.ts'

export interface Key<T> {
  readonly kind: ValueKind<T>
  readonly usual: T
  readonly about: string
  /** Fixed at mount. */
  readonly fixed?: boolean
}

/** A key whatever its values are. */
// biome-ignore lint/suspicious/noExplicitAny: print takes what parse gives; which type that is, each key knows.
export type AnyKey = Key<any>

/** The largest unit that needs no fraction. */
function printSize(bytes: Bytes): string {
  const unit = ['T', 'G', 'M', 'K'].findIndex((_, i) => bytes > 0 && bytes % 1024 ** (4 - i) === 0)
  return unit === -1 ? String(bytes) : `${bytes / 1024 ** (4 - unit)}${'TGMK'[unit]}`
}

const SIZE: ValueKind<Bytes> = {
  accepts: 'bytes, or a number with K, M, G or T, such as 8G',
  parse: text => (text.endsWith('p') ? undefined : parseWorkloadSize(text, 1)),
  print: printSize,
}

const between = (min: number, max: number): ValueKind<number> => ({
  accepts: `a whole number from ${min} to ${max}`,
  parse: text => {
    const n = INTEGER.parse(text)
    return n !== undefined && n >= min && n <= max ? n : undefined
  },
  print: String,
})

const PAGE_SIZES: Readonly<Record<string, Bytes>> = { '4K': 4096, '64K': 65536 }
const PAGE_SIZE: ValueKind<Bytes> = {
  accepts: 'one of 4K, 64K',
  parse: text => (Object.hasOwn(PAGE_SIZES, text) ? PAGE_SIZES[text] : undefined),
  print: printSize,
}

const HZ: ValueKind<number> = {
  accepts: 'one of 100, 250, 300, 1000',
  parse: text => [100, 250, 300, 1000].find(hz => String(hz) === text),
  print: String,
}

const LRU_KIND: ValueKind<'classic'> = {
  accepts: 'classic; the lists of generations (mglru) are not modelled',
  parse: text => (text === 'classic' ? text : undefined),
  print: String,
}

const SHRINK_BATCH: ValueKind<number> = {
  accepts: 'one of 128, 1024',
  parse: text => [128, 1024].find(batch => String(batch) === text),
  print: String,
}

/** `every` is 1. */
const THRESHOLD_CHECK: ValueKind<number> = {
  accepts: 'a whole number from 1 up, or every',
  parse: text => (text === 'every' ? 1 : INTEGER.parse(text) || undefined),
  print: String,
}

const MILLISECONDS: ValueKind<number> = { ...INTEGER, accepts: 'milliseconds from 0 up' }

const MICROSECONDS: ValueKind<number> = { ...INTEGER, accepts: 'microseconds from 0 up' }

const BYPASS: ValueKind<number | 'clock'> = {
  accepts: 'a whole number from 0 up, or clock',
  parse: text => (text === 'clock' ? text : INTEGER.parse(text)),
  print: String,
}

/** The machine. `psi` is no key of it: the feature of that name decides. */
export const MACHINE_KEYS: { readonly [K in Exclude<keyof Machine, 'psi'>]: Key<Machine[K]> } & {
  readonly swap: Key<Bytes>
} = {
  cpus: { kind: between(1, 512), usual: 4, about: 'Simulated CPUs.' },
  memory: { kind: SIZE, usual: 8 * 2 ** 30, about: 'Memory of the machine; 0 for as much as anybody wants.' },
  swap: { kind: SIZE, usual: 2 * 2 ** 30, about: 'Its swap device; 0 for none.' },
  nodes: { kind: between(1, 64), usual: 1, about: 'Memory nodes; CPUs and memory are split evenly.' },
  pageSize: { kind: PAGE_SIZE, usual: 4096, about: 'Size of a page.' },
  hz: { kind: HZ, usual: 250, about: 'Timer ticks per second.' },
  allocator: { kind: oneOf(['slub', 'slab']), usual: 'slub', about: 'The slab allocator; SLAB is there up to 5.8.' },
  zswap: { kind: FLAG, usual: false, about: 'Built with zswap: its files and statistics lines exist.' },
  swapAccounting: { kind: FLAG, usual: true, about: 'Built with swap accounting: the swap files exist.' },
  thp: { kind: FLAG, usual: true, about: 'Built with huge pages: their statistics lines exist.' },
  numaBalancing: { kind: FLAG, usual: true, about: 'Built with NUMA balancing: its statistics lines exist.' },
  hugetlb: { kind: FLAG, usual: true, about: 'Built with the controller hugetlb.' },
  irqTime: { kind: FLAG, usual: false, about: 'Built with accounting of interrupt time: irq.pressure exists.' },
}

/** The choices of the model. */
export const OPTION_KEYS: { readonly [K in keyof ModelOptions]: Key<ModelOptions[K]> } = {
  reclaim: {
    kind: oneOf(['classic', 'ideal']),
    usual: 'classic',
    fixed: true,
    about: 'Reclaim by lists, with swap and shrinkers; ideal: exactly as many clean file pages as it is asked for.',
  },
  lru: { kind: LRU_KIND, usual: 'classic', fixed: true, about: 'The lists of reclaim: active and inactive ones.' },
  memoryRecursiveprot: {
    kind: FLAG,
    usual: false,
    fixed: true,
    about: 'Mount option memory_recursiveprot: protection that nobody claims is shared out below (5.8 and later).',
  },
  writeback: {
    kind: oneOf(['instant', 'timed']),
    usual: 'instant',
    about: 'Writing back takes no time: page cache is always clean; timed: it is dirty until a flusher comes.',
  },
  writebackMs: { kind: MILLISECONDS, usual: 20, about: 'With writeback=timed: how long writing takes.' },
  flusherMs: {
    kind: MILLISECONDS,
    usual: 5000,
    about: 'With writeback=timed: from the first dirty page to the flusher.',
  },
  sbShrinkBatch: {
    kind: SHRINK_BATCH,
    usual: 128,
    about: 'Objects the shrinker of names takes in one go; 1024 is what the kernel does.',
  },
  taskOverhead: {
    kind: FLAG,
    usual: true,
    about: 'Tasks own kernel objects, as processes do; without, pages can be counted.',
  },
  cacheCreateBypass: {
    kind: BYPASS,
    usual: 1,
    about:
      "Objects nobody pays for before a cgroup's copy of a cache exists (up to 5.8); clock: as many as come first.",
  },
  cacheObjects: {
    kind: oneOf(['measured', 'reference']),
    usual: 'measured',
    fixed: true,
    about: 'Object sizes: those measured on each kernel, or one list for all.',
  },
  rcuMs: { kind: MILLISECONDS, usual: 20, about: 'Length of an RCU grace period.' },
  workMs: { kind: MILLISECONDS, usual: 1, about: 'From queueing a work item to its start.' },
  rstatMs: {
    kind: MILLISECONDS,
    usual: 2000,
    about: 'From the first pending update of statistics to the flush of all.',
  },
  reclaimUsPerPage: {
    kind: MICROSECONDS,
    usual: 10,
    about: 'Stall time of reclaim, in microseconds per page it works on. It is counted and passes no time.',
  },
  refaultUs: {
    kind: MICROSECONDS,
    usual: 100,
    about: 'Stall time of a page that is read from disk, counted likewise.',
  },
  oomExitMs: {
    kind: MILLISECONDS,
    usual: 0,
    about: 'From the kill to the end of a victim of the OOM killer; 0 for at once.',
  },
  swapinUs: { kind: MICROSECONDS, usual: 100, about: 'Stall time of a page that is swapped in, counted likewise.' },
  watermarkGapPages: {
    kind: between(1, 2 ** 31),
    usual: 512,
    about: 'With max_watermark=yes: pages that are kept free below memory.max.',
  },
  memoryLocalevents: {
    kind: FLAG,
    usual: false,
    about:
      'Mount option memory_localevents: memory.events does not count what happens below. Set it as a remount would.',
  },
  thresholdCheck: {
    kind: THRESHOLD_CHECK,
    usual: 128,
    about: 'Pages charged and uncharged on a CPU after which thresholds of version 1 are looked at; every: 1.',
  },
}

/** Options of the model whose behaviour a later step brings, with that step. */
export const LATER_OPTIONS: Readonly<Record<string, number>> = {
  stockDrainMs: 3,
  psiCpus: 4,
}

/** The usual value of every key. */
export const usual = <T>(keys: { readonly [K in keyof T]: Key<T[K]> }): T =>
  Object.fromEntries(Object.entries<AnyKey>(keys).map(([name, key]) => [name, key.usual])) as T
