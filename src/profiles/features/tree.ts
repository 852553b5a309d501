/** Tree and file system (profiles.md §3.6). How a row is read stands in kinds.ts. */
import { type AnyFeature, flag, integer, word } from './kinds.ts'

/*                                   4.2 4.3 4.4 4.19 5.2 5.3 5.5 5.8 5.9 5.15 6.1 6.12 6.18 7.1 */
export const TREE = {
  threaded: flag('', 'no . . yes . . . . . . . . . .', { source: 'core 7', test: '' }),
  eventsFrozenKey: flag('', 'no . . . yes . . . . . . . . .', { source: 'core 8.1', test: '' }),
  statDying: word(
    ['total', 'per-controller'],
    'cgroup.stat counts dying descendants, or also live and dying states per controller.',
    '- - - total . . . . . . . per-controller . .',
    { source: 'kernel/cgroup/cgroup.c cgroup_stat_show', test: 'oracle: core/stat/descendants' },
  ),
  procsCredentials: word(['writer', 'opener'], '', 'writer . . . . . . . . . opener . . .', {
    source: 'core 1.9 (5.16); H14',
    test: '',
  }),
  userXattr: flag('', 'no . . . . . . yes . . . . . .', { source: 'core 1.8 (5.7)', test: '' }),
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
  cpuIdleWeight: integer('', '- . . . . . . . . 0 . 1 . .', { source: 'files 4', test: '' }),
  removedLseek: word(
    ['works', 'ENODEV'],
    'lseek on a file of a removed cgroup.',
    'works . . . . . . . . . . ENODEV . .',
    {
      source: 'recorded (core/removed/open-files)',
      test: 'oracle: core/removed/open-files',
    },
  ),
  psiHide: flag('', 'no . . . . . . . . . yes . . .', { source: 'core 10.24', test: '' }),
  pidsEvents: word(
    ['refused-here', 'limit-owner'],
    'pids.events counts forks refused in this cgroup, or hits of a limit set here and below.',
    'refused-here . . . . . . . . . . limit-owner . .',
    { source: 'kernel/cgroup/pids.c pids_event', test: 'a refused fork is counted where the limit is' },
  ),
  cloneIntoCgroup: flag('', 'no . . . . . . yes . . . . . .', { source: 'core 6.3', test: '' }),
  mountOptions: word(
    [
      'none',
      'nsdelegate',
      'nsdelegate,localevents',
      'nsdelegate,localevents,recursiveprot',
      'nsdelegate,localevents,recursiveprot,favordynmods',
      'nsdelegate,localevents,recursiveprot,favordynmods,hugetlb_accounting,pids_localevents',
    ],
    '',
    'none . . nsdelegate nsdelegate,localevents . . nsdelegate,localevents,recursiveprot . . nsdelegate,localevents,recursiveprot,favordynmods nsdelegate,localevents,recursiveprot,favordynmods,hugetlb_accounting,pids_localevents . .',
    { source: 'core 2.1', test: '' },
  ),
  v1MemoryCpusetBuilt: flag('', 'yes . . . . . . . . . . no . .', { source: 'core 12; oracle', test: '' }),
  procCgroupsRows: word(['all', 'only-v1-capable'], '', 'all . . . . . . . . . . . only-v1-capable? .', {
    source: 'core 9',
    test: '',
  }),
  cpuStatNice: flag('', 'no . . . . . . . . . . yes . .', { source: 'core 12', test: '' }),
  dmem: flag('', 'no . . . . . . . . . . . yes .', { source: 'files 1', test: '' }),
} as const satisfies Record<string, AnyFeature>
