/** Control files and statistics files (profiles.md §3.5). How a row is read stands in kinds.ts. */
import { type AnyFeature, flag, word } from './kinds.ts'

/*          4.2   4.3   4.4   4.19  5.2   5.3   5.5   5.8   5.9   5.15  6.1   6.12  6.18  7.1 */
export const FILES = {
  memoryHighWrite: word({
    cells: 'store-once . .    .     .     .     .     store-loop loop-store store-loop . . store-loop-nonblock .',
    words: ['store-once', 'store-loop', 'loop-store', 'store-loop-nonblock'],
    about:
      'A write of memory.high stores and reclaims once, stores and loops, loops before it stores, or skips the loop for O_NONBLOCK.',
    source: 'mm/memcontrol.c memory_high_write (4.3, 5.8, 5.9, 5.15, 6.18)',
    test: 'WE-13',
  }),
  memoryMaxWrite: word({
    cells: 'v1-resize . loop-eintr . .    .     .     loop  .     .     .     .     loop-nonblock .',
    words: ['v1-resize', 'loop-eintr', 'loop', 'loop-nonblock'],
    about:
      'A write of memory.max goes the way of v1 (EBUSY), loops and may be interrupted, loops, or skips the loop for O_NONBLOCK.',
    source: 'mm/memcontrol.c memory_max_write (4.3, 4.4.155, 5.8, 6.18)',
    test: 'up to 4.3 memory.max is lowered as a limit of version 1: EBUSY, and the old limit',
  }),
  v1LimitWrite: word({
    cells: 'tries-x-subtree . . until-no-progress . . . .   .     .     .     .     .     .',
    words: ['tries-x-subtree', 'until-no-progress'],
    about:
      'Lowering a limit of v1 gives up after a number of tries for each cgroup below, or when a try frees nothing.',
    source: 'mm/memcontrol.c mem_cgroup_resize_limit (4.3), mem_cgroup_resize_max (4.19)',
    test: 'WE-15',
  }),
  forceEmptySleep: flag({
    cells: 'yes   .     .     .     .     .     .     .     .     .     no    .     .     .',
    about: 'memory.force_empty of v1 sleeps a tenth of a second after a try that freed nothing.',
    source: 'mm/memcontrol.c mem_cgroup_force_empty (5.15, 6.1)',
    test: 'memory.force_empty waits a tenth of a second after each round that frees nothing',
  }),
  memoryReclaim: word({
    cells: '-     -     -     -     -     -     -     -     -     -     size  size+swappiness size+swappiness-max .',
    words: ['size', 'size+swappiness', 'size+swappiness-max'],
    about: 'What memory.reclaim accepts; with `size` alone, blank means everything.',
    source: 'mm/memcontrol.c memory_reclaim (6.1, 6.12, 6.18)',
    test: 'WE-17',
  }),
  memoryReclaimStep: word({
    cells: '-     -     -     -     -     -     -     -     -     -     remaining remaining/4 . .',
    words: ['remaining', 'remaining/4'],
    about: 'What memory.reclaim asks for per round.',
    source: 'mm/memcontrol.c memory_reclaim (6.1, 6.12)',
    test: 'WE-17',
  }),
  memoryPeak: word({
    cells: '-     .     .     .     .     .     .     .     .     .     read-only reset-per-open . .',
    words: ['read-only', 'reset-per-open'],
    about: 'memory.peak can only be read, or is also reset for the open file that writes it.',
    source: 'mm/memcontrol.c peak_write (6.1, 6.12)',
    test: 'memory.peak is read-only before 6.12',
  }),
  eventsKeys: word({
    cells:
      'low,high,max,oom . . low,high,max,oom,oom_kill . . . . . .  low,high,max,oom,oom_kill,oom_group_kill . low,high,max,oom,oom_kill,oom_group_kill,sock_throttled .',
    words: [
      'low,high,max,oom',
      'low,high,max,oom,oom_kill',
      'low,high,max,oom,oom_kill,oom_group_kill',
      'low,high,max,oom,oom_kill,oom_group_kill,sock_throttled',
    ],
    about: 'The keys of memory.events.',
    source: 'mm/memcontrol.c __memory_events_show (4.2, 4.19, 6.1, 6.18)',
    test: 'events_keys and swap_events_keys are the lines of their files',
  }),
  eventsTree: flag({
    cells: 'no    .     .     .     yes   .     .     .     .     .     .     .     .     .',
    about: 'memory.events counts what happens below, too.',
    source: 'include/linux/memcontrol.h memcg_memory_event (5.2)',
    test: 'WE-06',
  }),
  swapEventsKeys: word({
    cells: '-     .     .     max,fail .  .     .     high,max,fail . . .     .     .     .',
    words: ['max,fail', 'high,max,fail'],
    about: 'The keys of memory.swap.events.',
    source: 'mm/memcontrol.c swap_events_show (4.19, 5.8)',
    test: 'events_keys and swap_events_keys are the lines of their files',
  }),
  memoryStat: word({
    cells: '-     .     .     4.19  5.2   .     .     5.8   5.9   5.15  6.1   6.12  6.18  7.1',
    words: ['4.19', '5.2', '5.8', '5.9', '5.15', '6.1', '6.12', '6.18', '7.1'],
    about: 'Lines and order of memory.stat: those of the kernel of this name.',
    source: 'mm/memcontrol.c memory_stat_show, memory_stats (each version); recorded on 6.1 and 6.12',
    test: 'lines of memory.stat by kernel',
  }),
  memoryStatRoot: flag({
    cells: '-     .     .     no    .     .     .     .     yes   .     .     .     .     .',
    about: 'The root cgroup has memory.stat.',
    source: 'mm/memcontrol.c memory_files (5.8, 5.9)',
    test: 'which interface files there are, by kernel',
  }),
  v1MemoryStat: word({
    cells: '4.2   .     .     4.19  .     .     .     .     .     .     6.1   7.1   .     .',
    words: ['4.2', '4.19', '6.1', '7.1'],
    about: 'Lines of memory.stat of v1: those of the kernel of this name.',
    source: 'mm/memcontrol.c memcg_stat_show (4.2, 4.19, 6.1), mm/memcontrol-v1.c (7.1)',
    test: 'lines of memory.stat by kernel',
  }),
} as const satisfies Record<string, AnyFeature>
