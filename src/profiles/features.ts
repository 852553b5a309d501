/**
 * What can differ between kernel generations: one row per feature, with what differs, where that was read, the test
 * that shows it and its value on every kernel id. The engine reads `features.batchPages`; it never asks for a version.
 *
 * A row's values stand in the order of KERNEL_IDS. `.` repeats the value on its left, `-` means the feature does not
 * apply there (the next value to the right is taken, and nothing reads it), and a `?` after a value marks one that was
 * bracketed or recollected rather than read in that tree. People write the names in snake_case; the mapping is mechanical.
 *
 * This file holds the features that today's engine reads. The other generations' behaviour arrives with its readers.
 */

import type { Bytes } from '../units.ts'

export const KERNEL_IDS = [
  '4.2',
  '4.3',
  '4.4',
  '4.19',
  '5.2',
  '5.3',
  '5.5',
  '5.8',
  '5.9',
  '5.15',
  '6.1',
  '6.12',
  '6.18',
  '7.1',
] as const
export type KernelId = (typeof KERNEL_IDS)[number]

/** How values of one kind are written. */
interface ValueKind<T> {
  /** What is accepted, for messages. */
  readonly accepts: string
  readonly parse: (text: string) => T | undefined
  readonly print: (value: T) => string
}

interface Notes {
  /** Kernel file and version, commit or thread. */
  readonly source: string
  /** Name of the test that shows it. */
  readonly test: string
}

export interface Feature<T> extends ValueKind<T>, Notes {
  /** What differs. */
  readonly about: string
  /** One value per kernel id. */
  readonly values: readonly T[]
  /** Kernel ids whose value was not read in that tree. */
  readonly recollected: readonly KernelId[]
}

function feature<T>(kind: ValueKind<T>, about: string, cells: string, notes: Notes): Feature<T> {
  const columns = cells.trim().split(/\s+/)
  if (columns.length !== KERNEL_IDS.length)
    throw new Error(`${columns.length} values for ${KERNEL_IDS.length} kernels: ${cells}`)
  const recollected: KernelId[] = []
  const values: (T | undefined)[] = []
  for (const [i, column] of columns.entries()) {
    const isRepeated = column === '.'
    if (column.endsWith('?') || (isRepeated && recollected.at(-1) === KERNEL_IDS[i - 1]))
      recollected.push(KERNEL_IDS[i]!)
    const cell = column.replace(/\?$/, '')
    const value = isRepeated ? values[i - 1] : cell === '-' ? undefined : kind.parse(cell)
    if (!isRepeated && cell !== '-' && value === undefined) throw new Error(`${cell} is no value of: ${about}`)
    values.push(value)
  }
  for (let i = values.length - 2; i >= 0; i--) values[i] ??= values[i + 1]
  return { ...kind, about, ...notes, values: values as T[], recollected }
}

const INTEGER: ValueKind<number> = {
  accepts: 'a whole number from 0 up',
  parse: text => (/^\d{1,15}$/.test(text) ? Number(text) : undefined),
  print: String,
}

const YES = ['yes', 'on', 'true', '1']
const NO = ['no', 'off', 'false', '0']
export const FLAG: ValueKind<boolean> = {
  accepts: 'yes or no',
  parse: text => (YES.includes(text) ? true : NO.includes(text) ? false : undefined),
  print: value => (value ? 'yes' : 'no'),
}

/** Bytes that grow with the number of nodes: `1024+496n`. */
export interface PerNode {
  readonly fixed: Bytes
  readonly perNode: Bytes
}

const PER_NODE: ValueKind<PerNode> = {
  accepts: 'bytes as FIXED+PERNODEn, such as 1024+496n',
  parse: text => {
    const match = /^(\d+)\+(\d+)n$/.exec(text)
    return match === null ? undefined : { fixed: Number(match[1]), perNode: Number(match[2]) }
  },
  print: ({ fixed, perNode }) => `${fixed}+${perNode}n`,
}

const integer = (about: string, cells: string, notes: Notes): Feature<number> => feature(INTEGER, about, cells, notes)
const flag = (about: string, cells: string, notes: Notes): Feature<boolean> => feature(FLAG, about, cells, notes)
const formula = (about: string, cells: string, notes: Notes): Feature<PerNode> => feature(PER_NODE, about, cells, notes)

const word = <const W extends readonly string[]>(
  words: W,
  about: string,
  cells: string,
  notes: Notes,
): Feature<W[number]> =>
  feature<W[number]>(
    {
      accepts: `one of ${words.join(', ')}`,
      parse: text => (words.includes(text) ? (text as W[number]) : undefined),
      print: value => value,
    },
    about,
    cells,
    notes,
  )

/*                                                      4.2 4.3 4.4 4.19 5.2 5.3 5.5 5.8 5.9 5.15 6.1 6.12 6.18 7.1 */
export const FEATURES = {
  // Charging and memory.high.
  batchPages: integer(
    'Pages charged at once to fill the per-CPU stock; also the unit of the statistics gates.',
    '32 . . . . . . . . . 64 . . .',
    { source: 'mm/memcontrol.c CHARGE_BATCH (4.2), include/linux/memcontrol.h MEMCG_CHARGE_BATCH', test: 'WE-01' },
  ),
  stockSlots: integer('Memcgs one CPU keeps pre-charged pages for.', '1 . . . . . . . . . . . 7 .', {
    source: 'mm/memcontrol.c struct memcg_stock_pcp',
    test: 'a second memcg on the CPU drains the first',
  }),
  stockOverfull: word(
    ['keep', 'drain-slot', 'bypass'],
    'What happens when a refill exceeds the batch: kept, the whole slot drained, or a big refill never stocked.',
    'keep . . drain-slot . . . . . . . . bypass .',
    { source: 'mm/memcontrol.c refill_stock', test: 'a refill above the batch empties the slot' },
  ),
  stockDrainOnOffline: flag('rmdir drains the stocks of the removed memcg.', 'no . . yes? yes . . . . . . . . .', {
    source: 'mm/memcontrol.c mem_cgroup_css_offline',
    test: 'E4',
  }),
  reclaimRetries: integer(
    'Empty rounds a charge, a limit write or memory.reclaim tries before it gives up.',
    '5 . . . . . . . 16 . . . . .',
    {
      source: 'mm/memcontrol.c MAX_RECLAIM_RETRIES',
      test: 'WE-05',
    },
  ),
  atomicCharge: word(
    ['fail', 'force', 'force+event'],
    'A GFP_ATOMIC charge over the limit: refused, let through, or let through with a `max` event.',
    'fail . . . . . force . . . force+event . . .',
    { source: 'mm/memcontrol.c try_charge', test: 'WE-04' },
  ),
  highSyncLarge: flag(
    'A task far over memory.high reclaims inside the charge already.',
    'no . . . . . . . . . yes . . .',
    {
      source: 'mm/memcontrol.c try_charge_memcg',
      test: 'WE-12',
    },
  ),

  // Control files.
  memoryReclaimStep: word(
    ['remaining', 'remaining/4'],
    'What memory.reclaim asks for per round.',
    '- - - - - - - - - - remaining remaining/4 . .',
    {
      source: 'mm/memcontrol.c memory_reclaim',
      test: 'WE-17',
    },
  ),
  memoryReclaim: word(
    ['size', 'size+swappiness', 'size+swappiness-max'],
    'What memory.reclaim accepts; with `size` alone, blank means everything.',
    '- - - - - - - - - - size size+swappiness size+swappiness-max .',
    { source: 'mm/memcontrol.c memory_reclaim', test: 'WE-17' },
  ),

  // Kernel memory.
  percpuCharge: word(
    ['size', 'size+vector'],
    'What an accounted per-CPU allocation is charged: its size, or also 8 bytes per 4 for the owner vector.',
    '- - - - - - - - size . size+vector . . .',
    { source: 'mm/percpu-internal.h pcpu_obj_full_size', test: 'E22' },
  ),
  memcgPercpuBytes: formula(
    'Per-CPU bytes of one memcg: its own, and for each possible node (n).',
    '- - - - - - - - 2096+592n 2168+624n 1064+688n 1024+496n 1152+512n 1152+512n?',
    { source: 'measured from debug information (slab-kmem.md §5.6)', test: 'E22' },
  ),
  slubOrder: word(
    ['loop', 'fixed'],
    'How SLUB looks for the order with the least waste.',
    'loop . . . . . . . . . . fixed . .',
    {
      source: 'mm/slub.c calculate_order',
      test: 'E5',
    },
  ),

  // Statistics, offlining, ids.
  idPool: integer('Memcgs below the root that may exist at once.', '65534 . . 65533 . . . . . . 65534 . . .', {
    source: 'include/linux/memcontrol.h MEM_CGROUP_ID_MAX; mm/memcontrol.c mem_cgroup_alloc',
    test: 'E23',
  }),
  idErrno: word(
    ['ENOSPC', 'ENOMEM', 'EBUSY'],
    'What mkdir answers when no memcg id is left.',
    'ENOSPC . . ENOMEM? ENOMEM . . ENOSPC? ENOSPC . . EBUSY . .',
    { source: 'mm/memcontrol.c mem_cgroup_alloc', test: 'E23' },
  ),

  // Tree and file system.
  nameHashBytes: word(
    ['signed', 'unsigned'],
    'How bytes from 128 up enter the hash that orders directories (x86).',
    'signed . . . . . . . . . . unsigned . .',
    {
      source: 'fs/kernfs/dir.c kernfs_name_hash; recorded (core/mkdir/name-nonutf8)',
      test: 'readdir order is that of the name hash',
    },
  ),
  xattrList: word(
    ['newest-first', 'name-descending'],
    'Order of listxattr.',
    '- - - - - - - newest-first? . . newest-first name-descending . .',
    {
      source: 'fs/xattr.c simple_xattr; recorded (layout/sys/dir-attrs)',
      test: 'xattrs are listed in the order of their kernel',
    },
  ),
  removedLseek: word(
    ['works', 'ENODEV'],
    'lseek on a file of a removed cgroup.',
    'works . . . . . . . . . . ENODEV . .',
    {
      source: 'recorded (core/removed/open-files)',
      test: 'oracle: core/removed/open-files',
    },
  ),
  statDying: word(
    ['total', 'per-controller'],
    'cgroup.stat counts dying descendants, or also live and dying states per controller.',
    '- - - total . . . . . . . per-controller . .',
    { source: 'kernel/cgroup/cgroup.c cgroup_stat_show', test: 'oracle: core/stat/descendants' },
  ),
  pidsEvents: word(
    ['refused-here', 'limit-owner'],
    'pids.events counts forks refused in this cgroup, or hits of a limit set here and below.',
    'refused-here . . . . . . . . . . limit-owner . .',
    { source: 'kernel/cgroup/pids.c pids_event', test: 'a refused fork is counted where the limit is' },
  ),
  psiWindowMinUs: integer(
    'Shortest window of a pressure trigger, in microseconds.',
    '- - - - 500000 . . . . . . 1 . .',
    {
      source: 'kernel/sched/psi.c psi_trigger_create',
      test: 'oracle: writes/memory.pressure',
    },
  ),
} as const satisfies Record<string, AnyFeature>

export type FeatureKey = keyof typeof FEATURES

/** A feature whatever its values are. */
// biome-ignore lint/suspicious/noExplicitAny: print takes what parse gives; which type that is, each row knows.
export type AnyFeature = Feature<any>

/** One kernel generation: a value for every feature. */
export type Features = {
  readonly [K in FeatureKey]: (typeof FEATURES)[K] extends Feature<infer T> ? T : never
}
