/** What must hold of pressure and of those who wait for memory, whatever happened. See invariants.ts. */
import { groupsUp, type PsiGroup, type PsiState, stateIndex } from '../engine/psi/group.ts'
import type { Kernel } from '../kernel.ts'
import { subtree } from '../tree/cgroup.ts'
import { isStall } from '../tree/sleep.ts'

type Expect = (what: string, actual: number, wanted: number) => void

export function checkPressure(kernel: Kernel, expect: Expect): void {
  const groups = groupsOf(kernel)
  checkTasks(kernel, groups, expect)
  checkHolds(groups, expect)
  checkTotals(groups, expect)
  checkWaiters(kernel, expect)
}

function groupsOf({ engine, tree }: Kernel): PsiGroup[] {
  const groups = [engine.psi.system]
  for (const { root } of tree.hierarchies) for (const cg of subtree(root)) if (cg.psi !== null) groups.push(cg.psi)
  return groups
}

/** A group counts the sleepers in it and below, and nobody else. */
function checkTasks({ engine, tree }: Kernel, groups: readonly PsiGroup[], expect: Expect): void {
  const sleeping = new Map<PsiGroup, number>()
  const asleep = new Map<number, number>()
  for (const mm of engine.mms.values())
    for (const level of groupsUp(mm.psi)) sleeping.set(level, (sleeping.get(level) ?? 0) + mm.stalls)
  for (const { mm, sleep } of tree.tasks.values())
    if (mm !== null && sleep !== null && isStall(sleep.reason)) asleep.set(mm.id, (asleep.get(mm.id) ?? 0) + 1)
  for (const group of groups)
    expect(
      `pressure group ${group.id}: memstall`,
      group.tasks.memstall,
      engine.features.psi ? (sleeping.get(group) ?? 0) : 0,
    )
  for (const mm of engine.mms.values())
    expect(`address space ${mm.id}: stalled threads`, mm.stalls, asleep.get(mm.id) ?? 0)
}

/** What is held counts where it is held and above. */
function checkHolds(groups: readonly PsiGroup[], expect: Expect): void {
  const held = new Map<PsiGroup, number>()
  const state = stateIndex('memory some' satisfies PsiState)
  for (const group of groups)
    for (const level of groupsUp(group)) held.set(level, (held.get(level) ?? 0) + (group.holds.memory?.some ?? 0))
  for (const group of groups)
    expect(`pressure group ${group.id}: held`, group.books?.held[state] ?? 0, held.get(group) ?? 0)
}

/** Nobody can go on: then somebody cannot either. */
function checkTotals(groups: readonly PsiGroup[], expect: Expect): void {
  for (const { id, books } of groups) {
    if (books === null) continue
    const [some, full] = [books.total[stateIndex('memory some')]!, books.total[stateIndex('memory full')]!]
    expect(`pressure group ${id}: full beyond some`, Math.max(0, full - some), 0)
  }
}

/** Version 1: under OOM is who has waiters in it or above. */
function checkWaiters({ engine }: Kernel, expect: Expect): void {
  const waiting = [...engine.mms.values()].filter(({ waitsFor }) => waitsFor !== null)
  expect('waiters for memory', engine.oomWaiters.size, waiting.length)
  for (const m of engine.memcgs)
    if (m?.v1 && waiting.length === 0) expect(`memcg ${m.slot}: under OOM`, m.v1.underOom, 0)
}
