/**
 * What memory.stat of version 2 consists of, by kernel (charge-reclaim.md §12.1; 6.1 and 6.12 as recorded). That is at
 * once what the kernel counts: an item that is part of no line is counted by the model only, so that one can ask for it.
 * Kernel: mm/memcontrol.c memory_stat_show, memory_stats, memory_numa_stat_show.
 */
import type { Features } from '../../profiles/features.ts'
import type { Machine } from '../machine.ts'
import { PER_NODE, STAT, STAT_NAMES, type StatName } from './items.ts'

export interface StatLine {
  readonly name: string
  /** The items whose sum it shows. */
  readonly items: readonly number[]
}

const LRU = 'inactive_anon active_anon inactive_file active_file unevictable'
const SLABS = 'slab_reclaimable slab_unreclaimable'
const WORKINGSET =
  'workingset_refault_anon workingset_refault_file workingset_activate_anon workingset_activate_file ' +
  'workingset_restore_anon workingset_restore_file workingset_nodereclaim'
const FILE = 'file_mapped file_dirty file_writeback'
const HUGE = 'anon_thp file_thp shmem_thp'
const AGING = 'pgactivate pgdeactivate pglazyfree pglazyfreed'
const THP_EVENTS = 'thp_fault_alloc thp_collapse_alloc'
const KERNEL_6_1 = 'anon file kernel kernel_stack pagetables sec_pagetables percpu sock vmalloc shmem'
const MAPPED_6_1 = `${FILE} swapcached ${HUGE} ${LRU} ${SLABS} slab ${WORKINGSET}`
const NUMA_EVENTS = 'numa_pages_migrated numa_pte_updates numa_hint_faults'
const END_6_12 = `swpin_zero swpout_zero zswpin zswpout zswpwb ${THP_EVENTS} thp_swpout thp_swpout_fallback ${NUMA_EVENTS}`

/**
 * Names of the lines in order. Left out is `hugetlb` (6.18): it exists only where the option memory_hugetlb_accounting
 * was given, which is not modelled.
 */
const LINES: Readonly<Record<Features['memoryStat'], string>> = {
  '4.19':
    `anon file kernel_stack slab sock shmem ${FILE} ${LRU} ${SLABS} pgfault pgmajfault pgrefill pgscan pgsteal ` +
    `${AGING} workingset_refault workingset_activate workingset_nodereclaim`,
  '5.2':
    `anon file kernel_stack slab sock shmem ${FILE} anon_thp ${LRU} ${SLABS} pgfault pgmajfault workingset_refault ` +
    `workingset_activate workingset_nodereclaim pgrefill pgscan pgsteal ${AGING} ${THP_EVENTS}`,
  '5.8':
    `anon file kernel_stack slab sock shmem ${FILE} anon_thp ${LRU} ${SLABS} pgfault pgmajfault workingset_refault ` +
    `workingset_activate workingset_restore workingset_nodereclaim pgrefill pgscan pgsteal ${AGING} ${THP_EVENTS}`,
  '5.9':
    `anon file kernel_stack slab percpu sock shmem ${FILE} anon_thp ${LRU} ${SLABS} pgfault pgmajfault ${WORKINGSET} ` +
    `pgrefill pgscan pgsteal ${AGING} ${THP_EVENTS}`,
  '5.15':
    `anon file kernel_stack pagetables percpu sock shmem ${FILE} swapcached ${HUGE} ${LRU} ${SLABS} slab ${WORKINGSET} ` +
    `pgfault pgmajfault pgrefill pgscan pgsteal ${AGING} ${THP_EVENTS}`,
  '6.1':
    `${KERNEL_6_1} zswap zswapped ${MAPPED_6_1} pgscan pgsteal pgscan_kswapd pgscan_direct pgsteal_kswapd ` +
    `pgsteal_direct pgfault pgmajfault pgrefill ${AGING} zswpin zswpout ${THP_EVENTS}`,
  '6.12':
    `${KERNEL_6_1} zswap zswapped ${MAPPED_6_1} pgdemote_kswapd pgdemote_direct pgdemote_khugepaged pgpromote_success ` +
    `pgscan pgsteal pgscan_kswapd pgscan_direct pgscan_khugepaged pgsteal_kswapd pgsteal_direct pgsteal_khugepaged ` +
    `pgfault pgmajfault pgrefill ${AGING} ${END_6_12}`,
  '6.18':
    `${KERNEL_6_1} zswap zswapped ${MAPPED_6_1} pgdemote_kswapd pgdemote_direct pgdemote_khugepaged ` +
    `pgdemote_proactive pgpromote_success pgscan pgsteal pswpin pswpout pgscan_kswapd pgscan_direct ` +
    `pgscan_khugepaged pgscan_proactive pgsteal_kswapd pgsteal_direct pgsteal_khugepaged pgsteal_proactive ` +
    `pgfault pgmajfault pgrefill ${AGING} ${END_6_12}`,
  '7.1':
    `${KERNEL_6_1} zswap zswapped zswap_incomp ${MAPPED_6_1} pgdemote_kswapd pgdemote_direct pgdemote_khugepaged ` +
    `pgdemote_proactive pgsteal_kswapd pgsteal_direct pgsteal_khugepaged pgsteal_proactive pgscan_kswapd ` +
    `pgscan_direct pgscan_khugepaged pgscan_proactive pgrefill pgpromote_success pgscan pgsteal pswpin pswpout ` +
    `pgfault pgmajfault ${AGING} ${END_6_12}`,
}

/** Lines that are sums of items. */
const SUMS: Readonly<Record<string, readonly StatName[]>> = {
  slab: ['slab_reclaimable', 'slab_unreclaimable'],
  pgscan: ['pgscan_kswapd', 'pgscan_direct', 'pgscan_khugepaged', 'pgscan_proactive'],
  pgsteal: ['pgsteal_kswapd', 'pgsteal_direct', 'pgsteal_khugepaged', 'pgsteal_proactive'],
  workingset_refault: ['workingset_refault_anon', 'workingset_refault_file'],
  workingset_activate: ['workingset_activate_anon', 'workingset_activate_file'],
  workingset_restore: ['workingset_restore_anon', 'workingset_restore_file'],
}

/** Lines that exist only in kernels built or booted with something. */
const OPTIONAL: readonly (readonly [keyof Machine, RegExp])[] = [
  ['zswap', /^zsw/],
  ['swapAccounting', /^swapcached$|^sw(pin|pout)_zero$|^psw/],
  ['thp', /^(anon|file|shmem)_thp$|^thp_/],
  ['numaBalancing', /^pgpromote_success$|^numa_/],
]

const itemsOf = (line: string): readonly number[] => (SUMS[line] ?? [line as StatName]).map(item => STAT[item])

/** The lines of memory.stat in order. */
export const statLines = ({ memoryStat }: Features, machine: Machine): readonly StatLine[] =>
  LINES[memoryStat]
    .split(' ')
    .filter(name => OPTIONAL.every(([option, names]) => machine[option] || !names.test(name)))
    .map(name => ({ name, items: itemsOf(name) }))

/** Events that became counters of the node, and so lines of memory.numa_stat, in 7.1 only. */
const NODE_EVENTS_7_1 = /^(vmalloc|pgscan_|pgsteal_|pgrefill)/

/** The lines of memory.numa_stat in order: those of memory.stat that are counted per node. */
export const numaLines = (features: Features, machine: Machine): readonly StatLine[] =>
  statLines(features, machine).filter(
    ({ name, items }) =>
      items.length === 1 && PER_NODE[items[0]!] && (features.memoryStat === '7.1' || !NODE_EVENTS_7_1.test(name)),
  )

/** What only the lines of version 1 show: folios that were charged and uncharged, memory in swap. Kernel: mem_cgroup_charge_statistics. */
const VERSION_1 = ['pgpgin', 'pgpgout', 'swap']

/** By item: whether the kernel itself counts it. With version 1 built in, it does so on version 2 as well. */
export function countedBy({ memoryStat, v1MemoryCpusetBuilt }: Features): readonly boolean[] {
  const lines = [...LINES[memoryStat].split(' '), ...(v1MemoryCpusetBuilt ? VERSION_1 : [])]
  const counted = new Set(lines.flatMap(itemsOf))
  return STAT_NAMES.map(name => counted.has(STAT[name]))
}
