/** A bare engine for tests: one CPU and no swap unless said, and a memcg below the root to charge. */
import { createClock } from '../../src/clock.ts'
import { createEngine, type Engine } from '../../src/engine/engine.ts'
import type { Machine, ModelOptions } from '../../src/engine/machine.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import { createMm, type Mm } from '../../src/engine/mm.ts'
import { createMemcg } from '../../src/engine/offline.ts'
import { isErrno } from '../../src/errno.ts'
import type { Features, KernelId } from '../../src/profiles/features.ts'
import { featuresOf } from '../../src/profiles/profiles.ts'

export const MACHINE: Machine = {
  cpus: 1,
  nodes: 1,
  memory: 8 * 2 ** 30,
  pageSize: 4096,
  hz: 250,
  allocator: 'slub',
  zswap: false,
  psi: true,
  thp: true,
  numaBalancing: true,
  swapAccounting: true,
  hugetlb: true,
  irqTime: false,
}

/** `choices` are single features and options of the model, as `--with` sets them. */
export function engineOf(
  kernel: KernelId = '6.12',
  machine: Partial<Machine> = {},
  choices: Partial<Features & ModelOptions> = {},
  hierarchy: 'v1' | 'v2' = 'v2',
): Engine {
  const features = featuresOf(kernel)
  const options: ModelOptions = {
    reclaim: 'ideal',
    lru: 'classic',
    memoryRecursiveprot: false,
    sbShrinkBatch: 128,
    writeback: 'instant',
    writebackMs: 20,
    flusherMs: 5000,
    taskOverhead: false,
    cacheCreateBypass: 0,
    cacheObjects: 'measured',
    rcuMs: 20,
    workMs: 1,
    rstatMs: 2000,
    reclaimUsPerPage: 10,
    refaultUs: 100,
    swapinUs: 100,
    watermarkGapPages: 512,
    memoryLocalevents: false,
    oomExitMs: 0,
    thresholdCheck: 1,
  }
  const chosen = (known: object): object => Object.fromEntries(Object.entries(choices).filter(([key]) => key in known))
  return createEngine({
    hierarchy,
    features: { ...features, ...chosen(features) },
    machine: { ...MACHINE, ...machine },
    options: { ...options, ...chosen(options) },
    clock: createClock(),
    swapTotal: 0,
  })
}

export function memcgBelow(e: Engine, parent: MemCgroup = e.root): MemCgroup {
  const m = createMemcg(e, parent, 0)
  if (isErrno(m)) throw new Error(`no memcg: ${m}`)
  return m
}

/** An address space without page tables. */
export const bareMm = (e: Engine, memcg: MemCgroup): Mm => createMm(e, memcg, null)
