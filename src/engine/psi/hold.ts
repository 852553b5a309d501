/**
 * Pressure held by hand: a group loses a wished share of time, whatever its tasks do. No kernel has it; who tests a
 * program that reacts to pressure needs it. What is held counts in the ancestors as well, and adds up to the whole time
 * at most.
 */
import { schedule } from '../../clock.ts'
import type { Nanoseconds } from '../../units.ts'
import type { Engine } from '../engine.ts'
import { booksNow, groupsUp, type PsiGroup, type PsiResource, type PsiState, stateIndex } from './group.ts'
import { destroyTrigger, noteActivity, unwatch } from './trigger.ts'

/** Shares of time, in parts of WHOLE. */
export interface Shares {
  readonly some: number
  readonly full: number
}

export interface Hold extends Shares {
  readonly id: number
}

/** Deferred: the end of what is held. */
export const STALL_ENDS = 'stall-ends'

/** Holds these shares from now on in place of what is held there of that resource, for some time or until told. */
export function hold(e: Engine, group: PsiGroup, resource: PsiResource, shares: Shares, length?: Nanoseconds): void {
  letGo(e, group, resource)
  const id = e.psi.nextHold++
  group.holds[resource] = { ...shares, id }
  e.psi.watched.set(group.id, group)
  add(e, group, resource, shares, 1)
  if (length !== undefined) schedule(e.clock, length, STALL_ENDS, group.id, id)
}

/** Holds nothing of that resource any more. */
export function letGo(e: Engine, group: PsiGroup, resource: PsiResource): void {
  const held = group.holds[resource]
  if (held === undefined) return
  delete group.holds[resource]
  add(e, group, resource, held, -1)
  unwatch(e.psi, group)
}

function add(e: Engine, group: PsiGroup, resource: PsiResource, shares: Shares, sign: 1 | -1): void {
  for (const level of groupsUp(group)) {
    const books = booksNow(e, level)
    noteActivity(e, level, books)
    for (const line of ['some', 'full'] as const) {
      const state = stateIndex(`${resource} ${line}` as PsiState)
      if (state !== -1) books.held[state]! += sign * shares[line]
    }
  }
}

/** Deferred: its time is over, unless something else is held in its place. */
export function holdEnds(e: Engine, groupId: number, id: number): void {
  const group = e.psi.watched.get(groupId)
  if (group === undefined) return
  for (const resource of Object.keys(group.holds) as PsiResource[])
    if (group.holds[resource]!.id === id) letGo(e, group, resource)
}

/** The group's files are gone: nobody waits for it, and nothing is held there. */
export function abandonGroup(e: Engine, group: PsiGroup): void {
  for (const resource of Object.keys(group.holds) as PsiResource[]) letGo(e, group, resource)
  dropTriggers(e, group)
}

export function dropTriggers(e: Engine, group: PsiGroup): void {
  for (const { id } of [...(group.books?.triggers ?? [])]) destroyTrigger(e, id)
}
