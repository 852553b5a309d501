/**
 * The founding threads, reproduced. An experiment runs in process, on kernels of its own; nothing is mounted.
 */
import type { Experiment } from './experiment.ts'
import { hostSlab } from './host-slab.ts'
import { hotplugDeadlock } from './hotplug-deadlock.ts'
import { kernelBuild } from './kernel-build.ts'
import { lruReparenting } from './lru-reparenting.ts'
import { memoryHigh } from './memory-high.ts'
import { percpuFlush } from './percpu-flush.ts'
import { protection } from './protection.ts'
import { reparenting } from './reparenting.ts'
import { slabUtilization } from './slab-utilization.ts'
import { sysbench } from './sysbench.ts'
import { testKmem } from './test-kmem.ts'
import { zombiePolicies } from './zombie-policies.ts'

export const EXPERIMENTS: readonly Experiment[] = [
  percpuFlush,
  reparenting,
  slabUtilization,
  sysbench,
  kernelBuild,
  hostSlab,
  testKmem,
  hotplugDeadlock,
  zombiePolicies,
  lruReparenting,
  memoryHigh,
  protection,
]
