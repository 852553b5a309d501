/**
 * Interface files of the core, the memory and the pids controller that came later: a row
 * per group of files that came together, named by the first. Where a file came with a behaviour, that feature says it
 * (`swapHigh`, `threaded`, `eventsFrozenKey`, `psi`, `psiHide`, `pidsEvents`). How a row is read stands in kinds.ts.
 */
import { type AnyFeature, flag } from './kinds.ts'

const files = (cells: string, names: string) =>
  flag({
    cells,
    about: `There is ${names}.`,
    source:
      'tables of interface files in mm/memcontrol.c, kernel/cgroup/cgroup.c, kernel/cgroup/pids.c; recorded layouts',
    test: 'which interface files there are, by kernel',
  })

/*                                   4.2 4.3 4.4 4.19 5.2 5.3 5.5 5.8 5.9 5.15 6.1 6.12 6.18 7.1 */
export const INTERFACE_FILES = {
  memoryCurrentRoot: files('yes no . . . . . . . . . . . .', 'memory.current on the root'),
  memoryMin: files(
    'no . . yes . . . . . . . . . .',
    'memory.min, memory.oom.group, memory.stat, memory.swap.current, .max and .events',
  ),
  memoryEventsLocal: files('no . . . . yes . . . . . . . .', 'memory.events.local'),
  memoryNumaStat: files('no . . . . . . . . yes . . . .', 'memory.numa_stat'),
  memoryReclaimFile: files(
    'no . . . . . . . . . yes . . .',
    'memory.reclaim, memory.peak, memory.zswap.current and .max',
  ),
  memorySwapPeak: files('no . . . . . . . . . . yes . .', 'memory.swap.peak, memory.zswap.writeback'),
  cgroupStat: files('no . . yes . . . . . . . . . .', 'cgroup.stat, cgroup.max.depth, cgroup.max.descendants'),
  cgroupKill: files('no . . . . . . . . yes . . . .', 'cgroup.kill'),
  cgroupStatLocal: files('no . . . . . . . . . . . yes .', 'cgroup.stat.local'),
  pidsEventsFile: files('no . . yes . . . . . . . . . .', 'pids.events'),
  pidsPeak: files('no . . . . . . . . . yes . . .', 'pids.peak'),
} as const satisfies Record<string, AnyFeature>
