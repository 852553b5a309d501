/** Statistics, offlining, ids, locks (profiles.md §3.3). How a row is read stands in kinds.ts. */
import { type AnyFeature, flag, integer, word } from './kinds.ts'

/*          4.2   4.3   4.4   4.19  5.2   5.3   5.5   5.8   5.9   5.15  6.1   6.12  6.18  7.1 */
export const STATISTICS = {
  vmstat: word({
    cells: 'sum-at-read . .   batched-local? batched-tree . . . . rstat .     .     .     .',
    words: ['sum-at-read', 'batched-local', 'batched-tree', 'rstat'],
    about:
      'How statistics reach memory.stat: summed at each read, batched per CPU and cgroup, batched up the tree, or flushed (rstat).',
    source: 'mm/memcontrol.c mem_cgroup_read_stat (4.3), __mod_memcg_state (5.2), mem_cgroup_css_rstat_flush (5.15)',
    test: 'E13',
  }),
  vmstatLocal: word({
    cells: '-     .     .     .     direct batched .  .     .     -     .     .     .     .',
    words: ['direct', 'batched'],
    about: "A cgroup's own share of batched statistics is exact at once, or late as the rest.",
    source: 'mm/memcontrol.c __mod_memcg_state (5.2, 5.3)',
    test: 'own numbers wait like those of the subtree from 5.3 on',
  }),
  vmstatAtFree: word({
    cells: '-     .     .     drop? drop  flush .     .     .     exact .     .     .     .',
    words: ['drop', 'flush', 'exact'],
    about:
      'What CPUs still held back when a cgroup is freed: lost, added to the ancestors, or nothing is ever held back.',
    source: 'mm/memcontrol.c mem_cgroup_free (5.2), memcg_flush_percpu_vmstats (5.3); commit bee07b33db78',
    test: 'E13',
  }),
  slabFlushAtOffline: word({
    cells: 'none  .     .     .     .     reclaimable none . .    .     .     .     .     .',
    words: ['none', 'reclaimable', 'both'],
    about:
      'Statistics of slab added to the ancestors at removal, and once more at the end: none, the reclaimable, or both kinds.',
    source: 'mm/memcontrol.c memcg_flush_percpu_vmstats (5.3), commit bee07b33db78; removed in 5.5 and 5.4.y',
    test: 'E11',
  }),
  rstatGate: word({
    cells: '-     .     .     .     .     .     .     .     .     global .    per-memcg . .',
    words: ['global', 'per-memcg'],
    about: 'Who decides that a read of memory.stat flushes first: one count for the machine, or one per cgroup.',
    source: 'mm/memcontrol.c memcg_rstat_updated (5.15, 6.1, 6.12)',
    test: 'E27',
  }),
  rstatUnit: word({
    cells: '-     .     .     .     .     .     .     .     .     raw   .     pages .     .',
    words: ['raw', 'pages'],
    about: 'Unit of that count: the raw numbers, or pages.',
    source: 'mm/memcontrol.c memcg_state_val_in_pages (6.12)',
    test: 'E27',
  }),
  idPool: integer({
    cells: '65534 .     .     65533 .     .     .     .     .     .     65534 .     .     .',
    about: 'Memcgs below the root that may exist at once.',
    source: 'include/linux/memcontrol.h MEM_CGROUP_ID_MAX; mm/memcontrol.c mem_cgroup_alloc (5.2, 6.1, 6.12)',
    test: 'E23',
  }),
  idFreedAt: word({
    cells: 'css-free .  .     offline .   .     .     .     .     .     .     .     .     .',
    words: ['css-free', 'offline'],
    about: 'When the memcg id of a removed cgroup is free again: with its last reference, or at removal.',
    source: 'mm/memcontrol.c mem_cgroup_css_offline; commit 73f576c04b94 (4.8)',
    test: 'E23',
  }),
  idErrno: word({
    cells: 'ENOSPC .    .     ENOMEM? ENOMEM .  .     ENOSPC? ENOSPC .  .     EBUSY .     .',
    words: ['ENOSPC', 'ENOMEM', 'EBUSY'],
    about: 'What mkdir answers when no memcg id is left.',
    source: 'mm/memcontrol.c mem_cgroup_css_online (4.3), mem_cgroup_alloc (5.2, 5.9, 6.12)',
    test: 'E23',
  }),
  destroyQueues: integer({
    cells: '1     .     .     .     .     .     .     .     .     .     3     .     .     .',
    about:
      'Serial work queues that removed cgroups pass through: one for all, or one each for offline, release and free.',
    source: 'kernel/cgroup/cgroup.c cgroup_destroy_wq (5.15), cgroup_offline_wq (6.1)',
    unseen: 'a work item takes no time here, so none waits for another',
  }),
  offlineListLru: word({
    cells: 'with-caches . .   .     .     .     .     .     after-objcg . .   .     before-objcg .',
    words: ['with-caches', 'after-objcg', 'before-objcg'],
    about:
      'When the lists of dentries and inodes move to the parent: with the caches, after the objects, or before them.',
    source: 'mm/memcontrol.c memcg_offline_kmem (5.3, 6.12, 6.18)',
    unseen: 'here everything of an offline moves in one step',
  }),
  offlineMemHotplugLock: flag({
    cells: 'yes   .     .     .     .     .     .     .     no    .     .     .     .     .',
    about: 'Removing a cgroup takes the lock of memory hotplug inside cgroup_mutex.',
    source: 'mm/slab_common.c memcg_deactivate_kmem_caches (5.3); gone in 5.9',
    test: 'E26',
  }),
  procCgroupMutex: flag({
    cells: 'yes   .     .     .     .     .     .     .     .     .     .     no    .     .',
    about: 'Reading /proc/PID/cgroup takes cgroup_mutex.',
    source: 'kernel/cgroup/cgroup.c proc_cgroup_show (6.1, 6.12)',
    test: 'E26',
  }),
  zombieBytes: word({
    cells: '4.3   .     .     5.2?  5.2   .     .     .     5.9   5.15  6.1   6.12  6.19  6.19?',
    words: ['4.3', '5.2', '5.9', '5.15', '6.1', '6.12', '6.19'],
    about: 'What a dying cgroup costs: the sizes measured on the kernel of this name.',
    source:
      'measured from debug information of 4.3, 5.2, 5.9, 5.15, 6.1, 6.12 and 6.19: struct mem_cgroup and what hangs on it',
    test: 'bytes of a memcg by kernel, CPUs and nodes',
  }),
} as const satisfies Record<string, AnyFeature>
