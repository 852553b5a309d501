/**
 * When a reader of memory.stat flushes: only if enough is pending, else it shows what it has (slab-kmem.md §7.5).
 * Kernel: mm/memcontrol.c memcg_rstat_updated, memcg_vmstats_needs_flush.
 */
import type { Cpu } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { MemCgroup } from '../memcg.ts'
import { blockOf, type MemcgStats } from './stats.ts'

export interface Gate {
  /** Notes `times` updates of `weight` each. */
  readonly count: (e: Engine, m: MemCgroup, cpu: Cpu, weight: number, times: number) => void
  readonly isOpen: (e: Engine, m: MemCgroup) => boolean
  /** What an open gate lets flush: `m`, or everything. */
  readonly scope: (e: Engine, m: MemCgroup) => MemCgroup
}

/** One for all memcgs: batches of updates anywhere. 5.15 and 6.1. */
const GLOBAL: Gate = {
  count: ({ vmstats, features }, _m, cpu, weight, times) => {
    const { gate } = vmstats
    const batch = features.batchPages
    const held = gate.updates[cpu]!
    // A CPU passes on what it has when that is more than a batch.
    const first = Math.floor(Math.max(0, batch - held) / weight) + 1
    if (times < first) {
      gate.updates[cpu] = held + weight * times
      return
    }
    const perRound = Math.floor(batch / weight) + 1
    const rounds = Math.floor((times - first) / perRound)
    gate.updates[cpu] = (times - first - rounds * perRound) * weight
    gate.batches += Math.floor((held + first * weight) / batch) + rounds * Math.floor((perRound * weight) / batch)
  },
  isOpen: ({ vmstats, machine }) => vmstats.gate.batches > machine.cpus,
  scope: e => e.root,
}

/** `times` updates of `weight` each: the count of the CPU moves to the memcg whenever it reaches the batch. */
function countUpdates(e: Engine, stats: MemcgStats, at: number, weight: number, times: number): void {
  const { data } = e.vmstats.blocks
  const batch = e.features.batchPages
  const held = data[at]!
  if (held + weight * times < batch) {
    data[at] = held + weight * times
    return
  }
  // The first round fills up what was held; from then on every `perRound` updates make one more.
  const first = Math.max(1, Math.ceil((batch - held) / weight))
  const perRound = Math.ceil(batch / weight)
  const rounds = Math.floor((times - first) / perRound)
  data[at] = (times - first - rounds * perRound) * weight
  if (!isMemcgOpen(e, stats)) stats.updates += held + first * weight + rounds * perRound * weight
}

const isMemcgOpen = ({ features, machine }: Engine, stats: MemcgStats): boolean =>
  stats.updates > features.batchPages * machine.cpus

/** One per memcg, for what happens in it and below. 6.12 and later. */
const PER_MEMCG: Gate = {
  count: (e, m, cpu, weight, times) => {
    for (let level: MemCgroup | null = m; level !== null; level = level.parent)
      countUpdates(e, level.stats, blockOf(e, level, cpu) + e.vmstats.width, weight, times)
  },
  isOpen: (e, m) => isMemcgOpen(e, m.stats),
  scope: (_, m) => m,
}

export const GATES = { global: GLOBAL, 'per-memcg': PER_MEMCG } as const
