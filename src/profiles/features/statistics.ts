/** Statistics, offlining, ids, locks (profiles.md §3.3). How a row is read stands in kinds.ts. */
import { type AnyFeature, flag, integer, word } from './kinds.ts'

/*                                   4.2 4.3 4.4 4.19 5.2 5.3 5.5 5.8 5.9 5.15 6.1 6.12 6.18 7.1 */
export const STATISTICS = {
  vmstat: word(
    ['sum-at-read', 'batched-local', 'batched-tree', 'rstat'],
    '',
    'sum-at-read . . batched-local? batched-tree . . . . rstat . . . .',
    { source: 'SK 7; H1', test: '' },
  ),
  vmstatLocal: word(['direct', 'batched'], '', '- . . . direct batched . . . - . . . .', {
    source: 'SK 7.2',
    test: '',
  }),
  vmstatAtFree: word(['drop', 'flush', 'exact'], '', '- . . drop? drop flush . . . exact . . . .', {
    source: 'SK 7.3',
    test: '',
  }),
  slabFlushAtOffline: word(['none', 'reclaimable', 'both'], '', 'none . . . . reclaimable none . . . . . . .', {
    source: 'SK 7.4',
    test: '',
  }),
  rstatGate: word(['global', 'per-memcg'], '', '- . . . . . . . . global . per-memcg . .', {
    source: 'SK 7.5',
    test: '',
  }),
  rstatUnit: word(['raw', 'pages'], '', '- . . . . . . . . raw . pages . .', { source: 'SK 7.5', test: '' }),
  idPool: integer('Memcgs below the root that may exist at once.', '65534 . . 65533 . . . . . . 65534 . . .', {
    source: 'include/linux/memcontrol.h MEM_CGROUP_ID_MAX; mm/memcontrol.c mem_cgroup_alloc',
    test: 'E23',
  }),
  idFreedAt: word(['css-free', 'offline'], '', 'css-free . . offline . . . . . . . . . .', {
    source: 'SK 9.4',
    test: '',
  }),
  idErrno: word(
    ['ENOSPC', 'ENOMEM', 'EBUSY'],
    'What mkdir answers when no memcg id is left.',
    'ENOSPC . . ENOMEM? ENOMEM . . ENOSPC? ENOSPC . . EBUSY . .',
    { source: 'mm/memcontrol.c mem_cgroup_alloc', test: 'E23' },
  ),
  destroyQueues: integer('', '1 . . . . . . . . . 3 . . .', { source: 'SK 9.1', test: '' }),
  offlineListLru: word(
    ['with-caches', 'after-objcg', 'before-objcg'],
    '',
    'with-caches . . . . . . . after-objcg . . . before-objcg .',
    { source: 'SK 9.2', test: '' },
  ),
  offlineMemHotplugLock: flag('', 'yes . . . . . . . no . . . . .', { source: 'SK 11.1', test: '' }),
  procCgroupMutex: flag('', 'yes . . . . . . . . . . no . .', { source: 'SK 11.1', test: '' }),
  zombieBytes: word(
    ['4.3', '5.2', '5.9', '5.15', '6.1', '6.12', '6.19'],
    '',
    '4.3 . . 5.2? 5.2 . . . 5.9 5.15 6.1 6.12 6.19 6.19?',
    { source: 'SK 10 (row of that table)', test: '' },
  ),
} as const satisfies Record<string, AnyFeature>
