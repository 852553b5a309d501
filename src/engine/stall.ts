/**
 * Stalls: where memory management says that a task waits for memory. Kernel: psi_memstall_enter, psi_memstall_leave.
 *
 * Who sleeps while time passes brackets it with `memstallBegin` and `memstallEnd`. Reclaim, refaults and swapping in
 * pass no time in the model: what they would have taken is added to the totals at once (charge-reclaim.md §10.2).
 * Without pressure stall information all of this does nothing.
 */
import type { Microseconds, Nanoseconds, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import type { Mm } from './mm.ts'
import { booksNow, groupsUp, hasPsi, isAlone, type PsiGroup, type PsiTasks, stateIndex } from './psi/group.ts'
import { noteActivity } from './psi/trigger.ts'

/** A task of the address space falls asleep waiting for memory. Several may. */
export function memstallBegin(e: Engine, mm: Mm): void {
  mm.stalls++
  countTasks(e, mm.psi, 'memstall', 1)
}

/** One that fell asleep goes on. */
export function memstallEnd(e: Engine, mm: Mm): void {
  if (mm.stalls === 0) return
  mm.stalls--
  countTasks(e, mm.psi, 'memstall', -1)
}

/** The address space is gone, and with it whoever slept. */
export function endStalls(e: Engine, mm: Mm): void {
  while (mm.stalls > 0) memstallEnd(e, mm)
}

/** Its tasks count in another group from now on, as they are. */
export function moveStalls(e: Engine, mm: Mm, to: PsiGroup): void {
  if (mm.stalls > 0) {
    countTasks(e, mm.psi, 'memstall', -mm.stalls)
    countTasks(e, to, 'memstall', mm.stalls)
  }
  mm.psi = to
}

function countTasks(e: Engine, group: PsiGroup, what: keyof PsiTasks, change: number): void {
  if (!hasPsi(e)) return
  for (const level of groupsUp(group)) {
    noteActivity(e, level, booksNow(e, level))
    level.tasks[what] += change
  }
}

/** A charge or memory.high of the address space reclaimed, and worked on that many pages. */
export const accountReclaim = (e: Engine, mm: Mm | null, pages: Pages): void =>
  lose(e, mm?.psi, ['memory'], pages * e.options.reclaimUsPerPage)

/** A write of a limit reclaimed: on kernels where every reclaim for a cgroup is a stall, of whoever writes. */
export function accountWritersReclaim(e: Engine, pages: Pages): void {
  if (e.features.psiStall === 'every-memcg-reclaim')
    lose(e, e.psi.system, ['memory'], pages * e.options.reclaimUsPerPage)
}

/** Evicted pages were read again: a wait for the disk, and for memory if they were part of the working set. */
export const accountRefaults = (e: Engine, mm: Mm | null, pages: Pages, workingset: boolean): void =>
  lose(e, mm?.psi, workingset ? ['memory', 'io'] : ['io'], pages * e.options.refaultUs)

/** Pages were swapped in. */
export const accountSwapins = (e: Engine, mm: Mm | null, pages: Pages): void =>
  lose(e, mm?.psi, ['memory', 'io'], pages * e.options.swapinUs)

/** Adds time a single task lost. It is `full` as well, unless others of the group can run meanwhile. */
function lose(e: Engine, group: PsiGroup | undefined, resources: readonly ('memory' | 'io')[], us: Microseconds): void {
  if (group === undefined || us === 0 || !hasPsi(e)) return
  const time: Nanoseconds = us * 1000
  for (const level of groupsUp(group)) {
    if (!level.enabled) continue
    const books = booksNow(e, level)
    noteActivity(e, level, books)
    const isFull = isAlone(level.tasks, e.features)
    for (const resource of resources) {
      books.total[stateIndex(`${resource} some`)]! += time
      if (isFull) books.total[stateIndex(`${resource} full`)]! += time
    }
  }
}
