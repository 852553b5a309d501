/**
 * Whom the OOM killer chooses. Kernel: mm/oom_kill.c oom_badness, oom_evaluate_task, oom_kill_process.
 *
 * Candidates are the address spaces below the memcg that is out of memory, in the order in which the kernel meets them:
 * memcg by memcg, parents first.
 */
import type { Pages } from '../units.ts'
import { maxOf, NO_COUNTER } from './counter.ts'
import type { Engine } from './engine.ts'
import { residentPages } from './mapping.ts'
import { forEachInSubtree, type MemCgroup } from './memcg.ts'
import { swappinessOf } from './memcg-v1.ts'
import type { Mm } from './mm.ts'

/** oom_score_adj of a task that is never killed. */
export const OOM_SCORE_ADJ_MIN = -1000
export const OOM_SCORE_ADJ_MAX = 1000

const NEVER = Number.NEGATIVE_INFINITY

/** The address spaces of `m` and below. */
export function candidates(e: Engine, m: MemCgroup): Mm[] {
  const all: Mm[] = []
  forEachInSubtree(e, m, each => {
    if (each.mms !== null) all.push(...each.mms)
  })
  return all
}

export const isKillable = ({ oomScoreAdj, dying }: Mm): boolean => oomScoreAdj !== OOM_SCORE_ADJ_MIN && !dying

/** Whom to kill for want of memory in `over`; undefined if nobody may be. */
export function chooseVictim(e: Engine, over: MemCgroup): Mm | undefined {
  const { oomTie, oomChildFirst } = e.features
  const all = candidates(e, over)
  let victim: Mm | undefined
  let most = NEVER
  for (const mm of all) {
    const points = killablePoints(e, mm, over)
    if (points === NEVER || points < most || (points === most && oomTie === 'first')) continue
    most = points
    victim = mm
  }
  if (victim === undefined || !oomChildFirst) return victim
  return worstChild(e, victim, all, over) ?? victim
}

/** Up to 5.0: of the children with memory of their own the worst dies in place of its parent. */
function worstChild(e: Engine, parent: Mm, all: readonly Mm[], over: MemCgroup): Mm | undefined {
  let worst: Mm | undefined
  let most = 0
  for (const mm of all) {
    if (mm.parent !== parent.id) continue
    const points = killablePoints(e, mm, over)
    if (points <= most) continue
    most = points
    worst = mm
  }
  return worst
}

const killablePoints = (e: Engine, mm: Mm, over: MemCgroup): number =>
  isKillable(mm) ? oomBadness(e, mm, over) : NEVER

/** What killing it would free, in pages, shifted by oom_score_adj: a thousandth of what there is for each point of it. */
export function oomBadness(e: Engine, mm: Mm, over: MemCgroup): Pages {
  const { oomBadness: rule } = e.features
  const held = residentPages(mm) + mm.swapents + (mm.pageTables?.length ?? 0)
  const spared = rule === 'root-bonus' && mm.privileged ? Math.floor((held * 3) / 100) : 0
  const points = held - spared + mm.oomScoreAdj * Math.floor(memoryFor(e, over) / 1000)
  return rule === 'signed' ? points : Math.max(1, points)
}

/** What a memcg may use of memory and swap, unless it swaps nothing. Kernel: mem_cgroup_get_max. */
function memoryFor(e: Engine, m: MemCgroup): Pages {
  const memory = maxOf(e.counters, m.memory)
  if (swappinessOf(m) === 0) return memory
  const swap = m.memsw === NO_COUNTER ? maxOf(e.counters, m.swap) : maxOf(e.counters, m.memsw) - memory
  return memory + Math.min(swap, e.swapTotal)
}
