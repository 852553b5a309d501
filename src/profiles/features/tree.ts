/** Tree and file system (profiles.md §3.6). How a row is read stands in kinds.ts. */
import { type AnyFeature, flag, integer, word } from './kinds.ts'

/*          4.2   4.3   4.4   4.19  5.2   5.3   5.5   5.8   5.9   5.15  6.1   6.12  6.18  7.1 */
export const TREE = {
  threaded: flag({
    cells: 'no    .     .     yes   .     .     .     .     .     .     .     .     .     .',
    about: 'There is thread mode: cgroup.type and cgroup.threads.',
    source: 'kernel/cgroup/cgroup.c cgroup_enable_threaded (4.19)',
    test: 'threaded=no: every controller is one of domains',
  }),
  eventsFrozenKey: flag({
    cells: 'no    .     .     .     yes   .     .     .     .     .     .     .     .     .',
    about: 'cgroup.events has the key `frozen`.',
    source: 'kernel/cgroup/cgroup.c cgroup_events_show (5.2)',
    test: 'events_frozen_key=no: cgroup.events has one line',
  }),
  statDying: word({
    cells: '-     -     -     total .     .     .     .     .     .     .     per-controller . .',
    words: ['total', 'per-controller'],
    about: 'cgroup.stat counts dying descendants, or also live and dying states per controller.',
    source: 'kernel/cgroup/cgroup.c cgroup_stat_show (4.19, 6.12)',
    test: 'oracle: core/stat/descendants',
  }),
  procsCredentials: word({
    cells: 'writer .    .     .     .     .     .     .     .     .     opener .    .     .',
    words: ['writer', 'opener'],
    about: 'Whose rights count when cgroup.procs is written: of who writes, or of who opened the file.',
    source: 'kernel/cgroup/cgroup.c __cgroup_procs_write (5.15, 6.1)',
    step: 4,
  }),
  userXattr: flag({
    cells: 'no    .     .     .     .     .     .     yes   .     .     .     .     .     .',
    about: 'Directories and files take extended attributes user.*.',
    source: 'fs/kernfs/inode.c kernfs_vfs_user_xattr_set (5.7)',
    test: 'user_xattr=no: attributes of users are not supported',
  }),
  nameHashBytes: word({
    cells: 'signed .    .     .     .     .     .     .     .     .     .     unsigned .  .',
    words: ['signed', 'unsigned'],
    about: 'How bytes from 128 up enter the hash that orders directories (x86).',
    source: 'fs/kernfs/dir.c kernfs_name_hash; recorded on 6.1 and 6.12 (core/mkdir/name-nonutf8)',
    test: 'readdir order is that of the name hash',
  }),
  xattrList: word({
    cells: '-     -     -     -     -     -     -     newest-first? . . newest-first name-descending . .',
    words: ['newest-first', 'name-descending'],
    about: 'Order of listxattr.',
    source: 'fs/xattr.c simple_xattr_list; recorded on 6.1 and 6.12 (layout/sys/dir-attrs)',
    test: 'xattrs are listed in the order of their kernel',
  }),
  cpuIdleWeight: integer({
    cells: '-     .     .     .     .     .     .     .     .     0     .     1     .     .',
    about: 'What cpu.weight shows of a cgroup whose cpu.idle is 1.',
    source: 'kernel/sched/core.c cpu_weight_read_u64; recorded on 6.1 and 6.12',
    step: 4,
  }),
  removedLseek: word({
    cells: 'works .     .     .     .     .     .     .     .     .     .     ENODEV .    .',
    words: ['works', 'ENODEV'],
    about: 'lseek on a file of a removed cgroup.',
    source: 'recorded on 6.1 and 6.12 (core/removed/open-files)',
    test: 'oracle: core/removed/open-files',
  }),
  psiHide: flag({
    cells: 'no    .     .     .     .     .     .     .     .     .     yes   .     .     .',
    about: 'cgroup.pressure hides the pressure files of a cgroup.',
    source: 'kernel/cgroup/cgroup.c cgroup_pressure_write (6.1)',
    test: 'which interface files there are, by kernel',
  }),
  pidsEvents: word({
    cells: 'refused-here . .  .     .     .     .     .     .     .     .     limit-owner . .',
    words: ['refused-here', 'limit-owner'],
    about: 'pids.events counts forks refused in this cgroup, or hits of a limit set here and below.',
    source: 'kernel/cgroup/pids.c pids_event (6.1, 6.12)',
    test: 'a refused fork is counted where the limit is',
  }),
  cloneIntoCgroup: flag({
    cells: 'no    .     .     .     .     .     .     yes   .     .     .     .     .     .',
    about: 'clone3 can start a process in another cgroup.',
    source: 'kernel/cgroup/cgroup.c cgroup_css_set_fork (5.7)',
    step: 4,
  }),
  mountOptions: word({
    cells: 'none  .     .     nsdelegate localevents . . recursiveprot . . favordynmods pids_localevents . .',
    words: ['none', 'nsdelegate', 'localevents', 'recursiveprot', 'favordynmods', 'pids_localevents'],
    about: 'The newest mount option of cgroup2; the older ones are there too.',
    source: 'kernel/cgroup/cgroup.c cgroup2_fs_parameters (4.19, 5.2, 5.7, 6.1, 6.12)',
    step: 4,
  }),
  v1MemoryCpusetBuilt: flag({
    cells: 'yes   .     .     .     .     .     .     .     .     .     .     no    yes   .',
    about: 'The kernel was built with memory and cpuset for v1 (6.12 is the one of Debian).',
    source: 'recorded on 6.1 and 6.12: /proc/cgroups, mount; kernel/cgroup/cpuset-v1.c, mm/memcontrol-v1.c',
    test: 'a kernel that was built without version 1 says so',
  }),
  procCgroupsRows: word({
    cells: 'all   .     .     .     .     .     .     .     .     .     .     .     only-v1-capable? .',
    words: ['all', 'only-v1-capable'],
    about: '/proc/cgroups lists every controller, or only those that v1 can have.',
    source: 'kernel/cgroup/cgroup-v1.c proc_cgroupstats_show; recorded on 6.12',
    step: 4,
  }),
  cpuStatNice: flag({
    cells: 'no    .     .     .     .     .     .     .     .     .     .     yes   .     .',
    about: 'cpu.stat has nice_usec.',
    source: 'kernel/cgroup/rstat.c cgroup_base_stat_cputime_show (6.12)',
    step: 4,
  }),
  dmem: flag({
    cells: 'no    .     .     .     .     .     .     .     .     .     .     .     yes   .',
    about: 'There is the controller dmem.',
    source: 'kernel/cgroup/dmem.c (6.18)',
    step: 4,
  }),
} as const satisfies Record<string, AnyFeature>
