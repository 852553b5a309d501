/**
 * The OOM killer of a memcg. Kernel: mm/oom_kill.c, mem_cgroup_out_of_memory.
 *
 * The victim is chosen among the address spaces below the memcg that is out of memory. A victim other than the one
 * that is charging exits at once: its memory is free for the retry. The one that is charging goes on until its charge
 * fails, and dies when that operation ends, as on a kernel.
 */
import type { Cpu, Pages } from '../units.ts'
import { maxOf } from './counter.ts'
import type { Engine } from './engine.ts'
import { memoryEvent } from './events.ts'
import { residentPages } from './mapping.ts'
import { forEachInSubtree, isWithin, type MemCgroup } from './memcg.ts'
import { marginOf } from './memcounters.ts'
import { exitMm, type Mm } from './mm.ts'

/** oom_score_adj of a task that is never killed. */
export const OOM_SCORE_ADJ_MIN = -1000
export const OOM_SCORE_ADJ_MAX = 1000

/**
 * Kills something below `over` so that `pages` may fit. True if somebody dies (or room has appeared), false if nobody
 * can be killed. `charging` is the address space whose charge does not fit, null for nobody's.
 */
export function outOfMemory(e: Engine, over: MemCgroup, pages: Pages, charging: Mm | null, cpu: Cpu): boolean {
  memoryEvent(e, over, 'oom')
  if (marginOf(e, over) >= 2 ** Math.ceil(Math.log2(pages))) return true
  if (charging?.dying) return true
  const victim = chooseVictim(e, over)
  if (victim === undefined) return false
  const unit = groupToKill(e, victim.memcg, over)
  kill(e, victim, over, charging, cpu)
  if (unit !== undefined) killGroup(e, unit, victim, over, charging, cpu)
  return true
}

function chooseVictim(e: Engine, over: MemCgroup): Mm | undefined {
  let victim: Mm | undefined
  let most = Number.NEGATIVE_INFINITY
  forEachInSubtree(e, over, m => {
    for (const mm of m.mms ?? []) {
      if (mm.oomScoreAdj === OOM_SCORE_ADJ_MIN || mm.dying) continue
      const badness = oomBadness(e, mm, over)
      // Of two that are equally bad the one scanned later dies (5.3 and later).
      if (badness < most) continue
      most = badness
      victim = mm
    }
  })
  return victim
}

/** What killing it would free, in pages, shifted by oom_score_adj. Kernel: oom_badness. */
export function oomBadness(e: Engine, mm: Mm, over: MemCgroup): Pages {
  const total = maxOf(e.counters, over.memory) + Math.min(maxOf(e.counters, over.swap), e.swapTotal)
  return residentPages(mm) + (mm.pageTables?.length ?? 0) + mm.oomScoreAdj * Math.floor(total / 1000)
}

/** The highest memcg from the victim's up to `over` that wants to be killed as a whole. */
function groupToKill(e: Engine, from: MemCgroup, over: MemCgroup): MemCgroup | undefined {
  let unit: MemCgroup | undefined
  for (let level: MemCgroup | null = from; level !== null && isWithin(level, over); level = level.parent)
    if (level.oomGroup) unit = level
  return unit === e.root ? undefined : unit
}

/** Every task of the unit dies, and the victim is counted a second time as a member (recorded, 6.1 and 6.12). */
function killGroup(e: Engine, unit: MemCgroup, victim: Mm, over: MemCgroup, charging: Mm | null, cpu: Cpu): void {
  memoryEvent(e, unit, 'oom_group_kill')
  memoryEvent(e, victim.memcg, 'oom_kill')
  const members: Mm[] = []
  forEachInSubtree(e, unit, m => {
    for (const mm of m.mms ?? []) if (mm.oomScoreAdj !== OOM_SCORE_ADJ_MIN && !mm.dying) members.push(mm)
  })
  for (const mm of members) kill(e, mm, over, charging, cpu)
}

function kill(e: Engine, victim: Mm, over: MemCgroup, charging: Mm | null, cpu: Cpu): void {
  memoryEvent(e, victim.memcg, 'oom_kill')
  e.outbox.push({ kind: 'kill', mm: victim.id, oomAt: over.slot })
  victim.dying = true
  if (victim !== charging) exitMm(e, victim, cpu)
}
