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

export interface Feature<T> {
  /** What differs. */
  readonly about: string
  /** Kernel file and version, commit or thread. */
  readonly source: string
  /** Name of the test that shows it. */
  readonly test: string
  /** Allowed words; absent for numbers. */
  readonly words?: readonly string[]
  /** One value per kernel id. */
  readonly values: readonly T[]
  /** Kernel ids whose value was not read in that tree. */
  readonly recollected: readonly KernelId[]
}

interface Notes {
  readonly source: string
  readonly test: string
}

function row<T>(cells: string, parse: (cell: string) => T): { values: T[]; recollected: KernelId[] } {
  const columns = cells.trim().split(/\s+/)
  if (columns.length !== KERNEL_IDS.length)
    throw new Error(`${columns.length} values for ${KERNEL_IDS.length} kernels: ${cells}`)
  const recollected: KernelId[] = []
  const values: (T | undefined)[] = []
  columns.forEach((column, i) => {
    const id = KERNEL_IDS[i]!
    if (column.endsWith('?')) recollected.push(id)
    const cell = column.replace(/\?$/, '')
    values.push(cell === '.' ? values[i - 1] : cell === '-' ? undefined : parse(cell))
    if (column === '.' && recollected.includes(KERNEL_IDS[i - 1]!)) recollected.push(id)
  })
  for (let i = values.length - 2; i >= 0; i--) values[i] ??= values[i + 1]
  return { values: values as T[], recollected }
}

const integer = (about: string, cells: string, notes: Notes): Feature<number> => ({
  about,
  ...notes,
  ...row(cells, Number),
})

const flag = (about: string, cells: string, notes: Notes): Feature<boolean> => ({
  about,
  ...notes,
  words: ['yes', 'no'],
  ...row(cells, cell => cell === 'yes'),
})

const word = <const W extends readonly string[]>(
  words: W,
  about: string,
  cells: string,
  notes: Notes,
): Feature<W[number]> => ({
  about,
  ...notes,
  words,
  ...row(cells, cell => {
    if (!words.includes(cell)) throw new Error(`${cell} is not one of ${words.join(', ')}`)
    return cell as W[number]
  }),
})

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
  stockDrainOnLimitWrite: flag(
    'Lowering memory.max first drains the stocks of the subtree.',
    'no . yes . . . . . . . . . . .',
    {
      source: 'mm/memcontrol.c memory_max_write',
      test: 'WE-14',
    },
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
  dyingCharge: word(
    ['bypass', 'force', 'normal'],
    'A charge of a task that is being killed: to the root, over the limit, or like any other.',
    'bypass . force . . . . . . normal . . . .',
    { source: 'mm/memcontrol.c try_charge', test: 'WE-07' },
  ),
  nofailCharge: word(
    ['bypass-before-oom', 'force-before-oom', 'oom-first'],
    'A charge that must not fail: let through before or after the OOM killer was asked.',
    'bypass-before-oom . force-before-oom . . . . . . oom-first . . . .',
    { source: 'mm/memcontrol.c try_charge', test: 'WE-04' },
  ),
  oomCostly: word(
    ['try', 'skip'],
    'Whether a charge of order above 3 asks the OOM killer.',
    'try . . skip . . . . . . . . . .',
    {
      source: 'mm/memcontrol.c mem_cgroup_oom',
      test: 'WE-05',
    },
  ),
  oomRecheckMargin: flag(
    'The killer first looks whether somebody freed memory meanwhile.',
    'no . . . . . . . yes . . . . .',
    {
      source: 'mm/memcontrol.c mem_cgroup_out_of_memory',
      test: 'the killer spares everybody when there is room again',
    },
  ),
  oomTie: word(
    ['first', 'last'],
    'Of two tasks with equal badness, the one scanned first or last dies.',
    'first . . . last? last . . . . . . . .',
    {
      source: 'mm/oom_kill.c oom_evaluate_task',
      test: 'the task scanned last dies of two equal ones',
    },
  ),
  oomGroupCountsVictim: word(
    ['once', 'twice'],
    'How often oom_kill counts the chosen victim of a group kill.',
    '- - - twice? . . . . . . twice . . .',
    {
      source: 'recorded, 6.1 and 6.12 (memory/max/oom-group)',
      test: 'a group kill counts its victim twice',
    },
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
  memoryHighWrite: word(
    ['store-once', 'store-loop', 'loop-store'],
    'memory.high: whether the value is stored before the reclaim, and how long that goes on.',
    'store-once . . . . . . store-loop loop-store store-loop . . . .',
    { source: 'mm/memcontrol.c memory_high_write', test: 'WE-13' },
  ),
  memoryReclaimStep: word(
    ['remaining', 'remaining/4'],
    'What memory.reclaim asks for per round.',
    '- - - - - - - - - - remaining remaining/4 . .',
    {
      source: 'mm/memcontrol.c memory_reclaim',
      test: 'WE-17',
    },
  ),
  memoryReclaimSyntax: word(
    ['size', 'size+swappiness', 'size+swappiness-max'],
    'What memory.reclaim accepts; with `size` alone, blank means everything.',
    '- - - - - - - - - - size size+swappiness size+swappiness-max .',
    { source: 'mm/memcontrol.c memory_reclaim', test: 'WE-17' },
  ),
  eventsTree: flag('memory.events counts what happened below, too.', 'no . . . yes . . . . . . . . .', {
    source: 'mm/memcontrol.c memcg_memory_event',
    test: 'WE-06',
  }),

  // Kernel memory.
  percpuCharge: word(
    ['size', 'size+vector'],
    'What an accounted per-CPU allocation is charged: its size, or also 8 bytes per 4 for the owner vector.',
    '- - - - - - - - size . size+vector . . .',
    { source: 'mm/percpu-internal.h pcpu_obj_full_size', test: 'E22' },
  ),
  memcgPercpuBytes: integer(
    'Per-CPU bytes of one memcg, without its nodes.',
    '- - - - - - - - 2096 2168 1064 1024 1152 1152?',
    {
      source: 'measured from debug information (slab-kmem.md §5.6)',
      test: 'E22',
    },
  ),
  memcgPercpuBytesPerNode: integer(
    'Per-CPU bytes of one memcg for each possible node.',
    '- - - - - - - - 592 624 688 496 512 512?',
    {
      source: 'measured from debug information (slab-kmem.md §5.6)',
      test: 'E22',
    },
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
  slubCpuPartial: word(
    ['objects', 'slabs', 'sheaves'],
    'In what a CPU counts the partial slabs it keeps.',
    'objects . . . . . . . . . slabs . . sheaves',
    { source: 'mm/slub.c set_cpu_partial', test: 'E5' },
  ),

  // Statistics, offlining, ids.
  rstatGate: word(
    ['global', 'per-memcg'],
    'What a reader of memory.stat must see before it flushes.',
    '- - - - - - - - - global . per-memcg . .',
    {
      source: 'mm/memcontrol.c memcg_rstat_updated, mem_cgroup_flush_stats',
      test: 'E27',
    },
  ),
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
  statSubsys: flag('cgroup.stat counts states per controller.', 'no . . . . . . . . . . yes . .', {
    source: 'kernel/cgroup/cgroup.c cgroup_stat_show',
    test: 'oracle: core/stat/descendants',
  }),
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
} as const satisfies Record<string, Feature<unknown>>

export type FeatureKey = keyof typeof FEATURES

/** One kernel generation: a value for every feature. */
export type Features = {
  readonly [K in FeatureKey]: (typeof FEATURES)[K] extends Feature<infer T> ? T : never
}
