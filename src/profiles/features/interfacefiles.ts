/**
 * Interface files of the core, the memory and the pids controller that came later: a row per group of files that came
 * together, named by the first. Where a file came with a behaviour, that feature says it
 * (`swapHigh`, `threaded`, `eventsFrozenKey`, `psi`, `psiHide`, `pidsEvents`). How a row is read stands in kinds.ts.
 */
import { type AnyFeature, flag } from './kinds.ts'

const files = ({ cells, names }: { readonly cells: string; readonly names: string }) =>
  flag({
    cells,
    about: `There is ${names}.`,
    source:
      'tables of interface files in mm/memcontrol.c, kernel/cgroup/cgroup.c, kernel/cgroup/pids.c; recorded layouts',
    test: 'which interface files there are, by kernel',
  })

/*          4.2   4.3   4.4   4.19  5.2   5.3   5.5   5.8   5.9   5.15  6.1   6.12  6.18  7.1 */
export const INTERFACE_FILES = {
  memoryCurrentRoot: files({
    cells: 'yes   no    .     .     .     .     .     .     .     .     .     .     .     .',
    names: 'memory.current on the root',
  }),
  memoryMin: files({
    cells: 'no    .     .     yes   .     .     .     .     .     .     .     .     .     .',
    names: 'memory.min, memory.oom.group, memory.stat, memory.swap.current, .max and .events',
  }),
  memoryEventsLocal: files({
    cells: 'no    .     .     .     .     yes   .     .     .     .     .     .     .     .',
    names: 'memory.events.local',
  }),
  memoryNumaStat: files({
    cells: 'no    .     .     .     .     .     .     .     .     yes   .     .     .     .',
    names: 'memory.numa_stat',
  }),
  memoryReclaimFile: files({
    cells: 'no    .     .     .     .     .     .     .     .     .     yes   .     .     .',
    names: 'memory.reclaim, memory.peak, memory.zswap.current and .max',
  }),
  memorySwapPeak: files({
    cells: 'no    .     .     .     .     .     .     .     .     .     .     yes   .     .',
    names: 'memory.swap.peak, memory.zswap.writeback',
  }),
  cgroupStat: files({
    cells: 'no    .     .     yes   .     .     .     .     .     .     .     .     .     .',
    names: 'cgroup.stat, cgroup.max.depth, cgroup.max.descendants',
  }),
  cgroupKill: files({
    cells: 'no    .     .     .     .     .     .     .     .     yes   .     .     .     .',
    names: 'cgroup.kill',
  }),
  cgroupStatLocal: files({
    cells: 'no    .     .     .     .     .     .     .     .     .     .     .     yes   .',
    names: 'cgroup.stat.local',
  }),
  pidsEventsFile: files({
    cells: 'no    .     .     yes   .     .     .     .     .     .     .     .     .     .',
    names: 'pids.events',
  }),
  pidsPeak: files({
    cells: 'no    .     .     .     .     .     .     .     .     .     yes   .     .     .',
    names: 'pids.peak',
  }),
} as const satisfies Record<string, AnyFeature>
