/**
 * Where the model is agreed to differ from a recorded kernel, each with its reason. Nothing else may differ, and an
 * exception that no longer applies is a failure: it has to go.
 */
import type { DoorName } from './driver.ts'
import type { Recording } from './recording.ts'

export interface Exception {
  /** Id of the row, or a pattern for ids. */
  readonly rows: string | RegExp
  /** The recorded kernel, where rows of several have that id. */
  readonly recorded?: Recording['rows']
  /**
   * Labels of the steps (row.ts), each of which differs in each of the rows; or names of the files that steps are about,
   * of which at least one differs in each row that has any.
   */
  readonly steps: readonly string[] | RegExp
  readonly doors: readonly DoorName[]
  readonly reason: string
  /** It is the host's kernel that differs, and another version of it may not: then the exception need not apply. */
  readonly hostDependent?: boolean
}

const SWAP_CACHE =
  'A page that comes back from swap stays in the swap cache with its slot, until swap is half full; here the slot is ' +
  'freed at once, and a page that is being written leaves memory at once (docs/coverage.md).'
const BLOCKS_OF_EXT4 =
  'Blocks of ext4 itself (directories, bitmaps) are page cache, too, charged to who touched them first: a page or two ' +
  'that outlive the file and keep a removed group (file_dirty 8192 there). Here files have no such blocks.'

export const EXCEPTIONS: readonly Exception[] = [
  {
    // In core/subtree/value-reset: steps 4, 5, 9 and 10, cpu.weight and cpu.max.
    rows: /^core\//,
    steps: /^(cpuset|cpu|io|hugetlb|rdma|misc)\./,
    doors: ['in process', 'mount'],
    reason: 'The files of cpu and the other controllers come with step 4; until then these have no files.',
  },
  {
    rows: /^core\/mkdir\/name-(3000|4050)-listing$/,
    steps: ['2', '3', '4', '5', '6', '7'],
    doors: ['mount'],
    reason: 'FUSE takes no name longer than 1024 bytes: ENAMETOOLONG without asking the daemon (cgroup-core.md §11).',
  },
  {
    rows: 'core/removed/open-files',
    recorded: '6.12-v2',
    steps: ['17', '20', '37', '39'],
    doors: ['mount'],
    reason: 'FUSE never asks the daemon about lseek, so a removed file can be sought (cgroup-core.md §11).',
  },
  {
    rows: 'core/subtree/files-appear',
    recorded: '6.12-v2',
    steps: ['10', '15'],
    doors: ['mount'],
    reason: 'FUSE never asks the daemon about lseek, so a removed file can be sought (cgroup-core.md §11).',
  },
  {
    // Not where there is nothing to send: an empty file.
    rows: /^writes\/fileops\/(?!cgroup\.(procs|threads|subtree_control)$)/,
    steps: ['26'],
    doors: ['mount'],
    reason:
      'On FUSE sendfile(2) and splice(2) from a file end at its size, which is 0, without asking the daemon. ' +
      'Seen on Linux 6.18.',
    hostDependent: true,
  },
  {
    // The same step of the lists of version 1, which have two fewer before it.
    rows: /^writes\/fileops\//,
    recorded: '6.1-v1',
    steps: ['24'],
    doors: ['mount'],
    reason:
      'On FUSE sendfile(2) and splice(2) from a file end at its size, which is 0, without asking the daemon. ' +
      'Seen on Linux 6.18.',
    hostDependent: true,
  },
  {
    rows: 'core/events/inotify-watched-dir-removed',
    steps: ['5'],
    doors: ['mount'],
    reason:
      'The kernel unlinks the inode of a removed FUSE directory, so its watchers get IN_DELETE_SELF and IN_IGNORED; ' +
      'kernfs leaves it alone.',
  },
  {
    rows: 'core/events/inotify-dir',
    steps: ['21'],
    doors: ['mount'],
    reason:
      'The kernel unlinks the inode of a removed FUSE directory, so its watchers get IN_DELETE_SELF and IN_IGNORED; ' +
      'kernfs leaves it alone.',
  },
  {
    rows: /^writes\/cgroup\.event_control\/(1 2|0 1 100)$/,
    steps: ['write'],
    doors: ['in process'],
    reason:
      'A process of the simulated machine starts with nothing open: descriptors 0 to 2 are closed (EBADF), no eventfds.',
  },
  {
    rows: 'core/event_control/errors',
    steps: ['26'],
    doors: ['in process'],
    reason: 'In process there is no /proc to open a file of: its descriptor is closed (EBADF) instead of foreign.',
  },
  {
    rows: 'memory/oom_control/disabled',
    recorded: '6.1-v1',
    steps: ['28', '29', '30'],
    doors: ['in process'],
    reason:
      'The limit of memory and swap is raised first, and here the task goes on at once and swaps; the recorded one was ' +
      'not awake before the other limit was raised, too.',
  },
  {
    rows: 'memory/kmem/tcp',
    recorded: '6.1-v1',
    steps: ['26'],
    doors: ['in process'],
    reason:
      'Buffers of a TCP socket are the data here; the recorded ones hold headers as well, a twelfth more, and passed the limit.',
  },
  {
    rows: 'core/memory/tasks/order',
    steps: ['10', '11'],
    doors: ['in process'],
    reason:
      'Pids are read in pieces, so the recorder could not put names in their place: they are those of its machine.',
  },
  {
    rows: 'memory/anon/madvise',
    steps: ['18'],
    doors: ['in process'],
    reason: SWAP_CACHE,
  },
  {
    rows: 'memory/anon/madvise',
    recorded: '6.1-v2',
    steps: ['9', '16', '23'],
    doors: ['in process'],
    reason: SWAP_CACHE,
  },
  {
    rows: 'memory/max/swap-out',
    steps: ['18'],
    doors: ['in process'],
    reason: SWAP_CACHE,
  },
  {
    rows: 'memory/max/swap-limit',
    recorded: '6.12-v2',
    steps: ['14'],
    doors: ['in process'],
    reason:
      'MGLRU, which the recorded 6.12 ran and the model does not have, leaves anonymous memory alone when the swap that ' +
      'is left is less than a batch, so memory.swap.max refuses nobody. On 6.1 it does, as here.',
  },
  {
    rows: 'memory/protect/min-siblings',
    recorded: '6.12-v2',
    steps: ['24'],
    doors: ['in process'],
    reason: 'The recorded 6.12 ran MGLRU, which took 4 MiB more than was wanted; what is beyond is nobody’s share.',
  },
  {
    rows: 'memory/max/oom-kill-picks-largest',
    recorded: '6.12-v2',
    steps: ['10', '12'],
    doors: ['in process'],
    reason:
      'The recorded kernel killed the second task, too, because the first had not yet given its memory back when the ' +
      'charge was tried again. Here an exit is at once. On 6.1 the second one lived, as here.',
  },
  {
    rows: 'memory/file/deleted-group-keeps-cache',
    steps: ['15'],
    doors: ['in process'],
    reason: BLOCKS_OF_EXT4,
  },
  {
    rows: 'memory/dying/page-cache',
    recorded: '6.12-v2',
    steps: ['262'],
    doors: ['in process'],
    reason: BLOCKS_OF_EXT4,
  },
  {
    rows: 'memory/anon/thp',
    recorded: '6.1-v2',
    steps: ['15'],
    doors: ['in process'],
    reason:
      'On 6.1 the region of the recorded program was not aligned to 2 MiB, so that it touched the pages of one huge page ' +
      'singly (512 faults more); here regions are aligned, as on 6.12.',
  },
  {
    rows: 'memory/settled/dying-30-negdent',
    recorded: '6.1-v2',
    steps: ['223', '227'],
    doors: ['in process'],
    reason:
      'How many faults a program begins with differs between the recorded programs: 12 here, 31 in memory/dying/tmpfs. ' +
      'The simulated ones begin with 31 each.',
  },
]
