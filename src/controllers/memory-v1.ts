/**
 * The memory controller's files of version 1. Kernel: mm/memcontrol.c, mem_cgroup_legacy_files and memsw_files
 * (slab-kmem.md §8, charge-reclaim.md §5.5, §11).
 */
import { forceEmpty } from '../engine/limits-v1.ts'
import { writeSlabinfoOf } from '../engine/slab/report.ts'
import { EINVAL, type Errno, OK, type Ok } from '../errno.ts'
import type { Access, FileRow } from '../tree/controller.ts'
import { type ByteString, milliseconds } from '../units.ts'
import { writeEventControl } from './event-control.ts'
import { failcntFile, KMEM, limitFile, MEMORY, MEMSW, maxUsageFile, TCP, usageFile } from './memory-v1-counters.ts'
import { showNumaStatV1 } from './memory-v1-numa.ts'
import { moveCharge, softLimit, swappiness, useHierarchy } from './memory-v1-settings.ts'
import { showStatV1 } from './memory-v1-stat.ts'
import { oomControl } from './oom-control.ts'

/** In the kernel's order. */
export const memoryV1: readonly FileRow[] = [
  usageFile(MEMORY),
  maxUsageFile(MEMORY),
  limitFile(MEMORY),
  softLimit,
  failcntFile(MEMORY),
  { name: 'memory.stat', on: 'everywhere', show: showStatV1 },
  {
    name: 'memory.force_empty',
    on: 'everywhere',
    write: writeForceEmpty,
  },
  useHierarchy,
  { name: 'cgroup.event_control', on: 'everywhere', write: writeEventControl, worldWritable: true },
  swappiness,
  moveCharge,
  oomControl,
  // Listened to by its descriptor only: it can be neither read nor written.
  { name: 'memory.pressure_level', on: 'everywhere' },
  { name: 'memory.numa_stat', on: 'everywhere', show: showNumaStatV1 },
  limitFile(KMEM),
  usageFile(KMEM),
  failcntFile(KMEM),
  maxUsageFile(KMEM),
  {
    name: 'memory.kmem.slabinfo',
    on: 'everywhere',
    show: (out, access) => void writeSlabinfoOf(access.tree.engine, access.css.memcg!, out),
  },
  limitFile(TCP),
  usageFile(TCP),
  failcntFile(TCP),
  maxUsageFile(TCP),
  usageFile(MEMSW),
  maxUsageFile(MEMSW),
  limitFile(MEMSW),
  failcntFile(MEMSW),
]

/** How long a round that freed nothing waits for writeback. Kernel: congestion_wait(BLK_RW_ASYNC, HZ/10). */
const WRITEBACK_MS = 100

/** Whatever is written. It never says that something is left. */
function writeForceEmpty(_: ByteString, { css, tree }: Access): Errno | Ok {
  if (css.parent === null) return EINVAL
  const idleRounds = forceEmpty(tree.engine, css.memcg!)
  if (tree.engine.features.forceEmptySleep) tree.slept += milliseconds(idleRounds * WRITEBACK_MS)
  return OK
}
