/**
 * What is counted: every item of every kernel, by the name memory.stat prints it under.
 * Kernel: mm/memcontrol.c memory_stats and memcg_vm_event_stat.
 */
import type { Features } from '../../profiles/features.ts'

/** How one unit of an item is counted inside. memory.stat prints bytes of all but `count`. */
export type StatUnit = 'pages' | 'kib' | 'bytes' | 'count'

interface StatItem {
  readonly unit: StatUnit
  /** Kept per NUMA node as well, where the kernel has such a counter (lines.ts says which it shows). */
  readonly perNode: boolean
}

const memcgItem = (unit: StatUnit): StatItem => ({ unit, perNode: false })
const nodeItem = (unit: StatUnit): StatItem => ({ unit, perNode: true })

const ITEMS = {
  anon: nodeItem('pages'),
  file: nodeItem('pages'),
  kernel: memcgItem('pages'),
  kernel_stack: nodeItem('kib'),
  pagetables: nodeItem('pages'),
  sec_pagetables: nodeItem('pages'),
  percpu: memcgItem('bytes'),
  sock: memcgItem('pages'),
  vmalloc: nodeItem('pages'),
  shmem: nodeItem('pages'),
  zswap: memcgItem('bytes'),
  zswapped: memcgItem('pages'),
  zswap_incomp: memcgItem('pages'),
  file_mapped: nodeItem('pages'),
  file_dirty: nodeItem('pages'),
  file_writeback: nodeItem('pages'),
  swapcached: nodeItem('pages'),
  anon_thp: nodeItem('pages'),
  file_thp: nodeItem('pages'),
  shmem_thp: nodeItem('pages'),
  inactive_anon: nodeItem('pages'),
  active_anon: nodeItem('pages'),
  inactive_file: nodeItem('pages'),
  active_file: nodeItem('pages'),
  unevictable: nodeItem('pages'),
  slab_reclaimable: nodeItem('bytes'),
  slab_unreclaimable: nodeItem('bytes'),
  workingset_refault_anon: nodeItem('count'),
  workingset_refault_file: nodeItem('count'),
  workingset_activate_anon: nodeItem('count'),
  workingset_activate_file: nodeItem('count'),
  workingset_restore_anon: nodeItem('count'),
  workingset_restore_file: nodeItem('count'),
  workingset_nodereclaim: nodeItem('count'),
  pgdemote_kswapd: nodeItem('count'),
  pgdemote_direct: nodeItem('count'),
  pgdemote_khugepaged: nodeItem('count'),
  pgdemote_proactive: nodeItem('count'),
  pgpromote_success: nodeItem('count'),
  pgscan_kswapd: nodeItem('count'),
  pgscan_direct: nodeItem('count'),
  pgscan_khugepaged: nodeItem('count'),
  pgscan_proactive: nodeItem('count'),
  pgsteal_kswapd: nodeItem('count'),
  pgsteal_direct: nodeItem('count'),
  pgsteal_khugepaged: nodeItem('count'),
  pgsteal_proactive: nodeItem('count'),
  swap: memcgItem('pages'),
  pswpin: memcgItem('count'),
  pswpout: memcgItem('count'),
  pgpgin: memcgItem('count'),
  pgpgout: memcgItem('count'),
  pgfault: memcgItem('count'),
  pgmajfault: memcgItem('count'),
  pgrefill: nodeItem('count'),
  pgactivate: memcgItem('count'),
  pgdeactivate: memcgItem('count'),
  pglazyfree: memcgItem('count'),
  pglazyfreed: memcgItem('count'),
  swpin_zero: memcgItem('count'),
  swpout_zero: memcgItem('count'),
  zswpin: memcgItem('count'),
  zswpout: memcgItem('count'),
  zswpwb: memcgItem('count'),
  thp_fault_alloc: memcgItem('count'),
  thp_collapse_alloc: memcgItem('count'),
  thp_swpout: memcgItem('count'),
  thp_swpout_fallback: memcgItem('count'),
  numa_pages_migrated: memcgItem('count'),
  numa_pte_updates: memcgItem('count'),
  numa_hint_faults: memcgItem('count'),
} as const satisfies Record<string, StatItem>

export type StatName = keyof typeof ITEMS
export const STAT_NAMES = Object.keys(ITEMS) as readonly StatName[]

/** Number of an item: its place among all items. */
type StatIndex = { readonly [K in StatName]: number }
export const STAT = Object.fromEntries(STAT_NAMES.map((name, i) => [name, i])) as StatIndex

/** By item: kept per node. */
export const PER_NODE: readonly boolean[] = STAT_NAMES.map(name => ITEMS[name].perNode)

const SLAB: readonly StatName[] = ['slab_reclaimable', 'slab_unreclaimable']

/** By item: the unit this kernel counts it in. Slab is counted in whole pages up to 5.8, in bytes of objects from 5.9. */
export const unitsOf = ({ slabStatUnit }: Features): readonly StatUnit[] =>
  STAT_NAMES.map(name => (SLAB.includes(name) && slabStatUnit !== 'bytes' ? 'pages' : ITEMS[name].unit))
