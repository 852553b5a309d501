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
    rows: 'core/memory/tasks/order',
    steps: ['10', '11'],
    doors: ['in process'],
    reason:
      'Pids are read in pieces, so the recorder could not put names in their place: they are those of its machine.',
  },
]
