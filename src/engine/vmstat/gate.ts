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
  count: ({ vmstats }, _m, cpu, weight, times) => {
    const { gate, batchPages: batch } = vmstats
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

/**
 * The count of a CPU moves to the memcg whenever it reaches the batch: `times` updates of `weight` each, which do that
 * at least once. Returns what the CPU is left with.
 */
function passOn({ vmstats, machine }: Engine, stats: MemcgStats, held: number, weight: number, times: number): number {
  const batch = vmstats.batchPages
  // The first round fills up what was held; from then on every `perRound` updates make one more.
  const first = Math.max(1, Math.ceil((batch - held) / weight))
  const perRound = Math.ceil(batch / weight)
  const rounds = Math.floor((times - first) / perRound)
  if (stats.updates <= batch * machine.cpus) stats.updates += held + first * weight + rounds * perRound * weight
  return (times - first - rounds * perRound) * weight
}

/** One per memcg, for what happens in it and below. 6.12 and later. */
const PER_MEMCG: Gate = {
  count: (e, m, cpu, weight, times) => {
    const { blocks, width, batchPages } = e.vmstats
    for (let level: MemCgroup | null = m; level !== null; level = level.parent) {
      const at = blockOf(e, level, cpu) + width
      const held = blocks.data[at]!
      const sum = held + weight * times
      blocks.data[at] = sum < batchPages ? sum : passOn(e, level.stats, held, weight, times)
    }
  },
  isOpen: ({ vmstats, machine }, m) => m.stats.updates > vmstats.batchPages * machine.cpus,
  scope: (_, m) => m,
}

export const GATES = { global: GLOBAL, 'per-memcg': PER_MEMCG } as const
