/**
 * Pages of user memory that no address space shows: buffers of devices, and pages with a reference that nobody gives
 * back. Nothing evicts them, and they outlive the task. Kernel: drivers/dma-buf/heaps.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { addBatch, type FolioBatch, freeIfUnused, setList } from './folio.ts'
import { DEVICE, hold, LEAK, unhold } from './held.ts'
import type { MemCgroup } from './memcg.ts'
import { type Actor, chargeUserPages } from './usercharge.ts'

/** A buffer of a device, charged to who makes it and used by `user`; undefined if the charge was refused. */
export function createDeviceBuffer(e: Engine, pages: Pages, user: MemCgroup, actor: Actor): FolioBatch | undefined {
  const batch = chargeLoose(e, pages, DEVICE, actor)
  if (batch === undefined) return undefined
  setList(e, batch, 'unevictable', actor.cpu)
  batch.user = user
  return batch
}

export function freeDeviceBuffer(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  unhold(e, batch, DEVICE, cpu)
}

/** Pages with a reference that nobody gives back: they stay for ever. False if the charge was refused. */
export const leakPages = (e: Engine, pages: Pages, actor: Actor): boolean =>
  chargeLoose(e, pages, LEAK, actor) !== undefined

/** Charges all of `pages`, or nothing. */
function chargeLoose(e: Engine, pages: Pages, holder: number, actor: Actor): FolioBatch | undefined {
  let got = 0
  while (got < pages) {
    const more = chargeUserPages(e, actor, pages - got)
    if (more === 0) break
    got += more
  }
  if (got === 0) return undefined
  const { memcg } = actor.mm
  const batch = addBatch(e, { memcg, kind: 'anon', pages: got, order: 0, node: actor.node }, actor.cpu)
  if (got < pages) {
    freeIfUnused(e, batch, actor.cpu)
    return undefined
  }
  hold(batch, holder)
  return batch
}
