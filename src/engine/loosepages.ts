/**
 * Pages of user memory that no address space shows: buffers of devices, and pages with a reference that nobody gives
 * back. Nothing evicts them, and they outlive the task. Kernel: drivers/dma-buf/heaps.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { addBatch, type FolioBatch, freeIfUnused, relist } from './folio.ts'
import type { MemCgroup } from './memcg.ts'
import { DEVICE, hold, LEAK, unhold } from './pins.ts'
import { type Actor, chargeUserPages } from './usercharge.ts'

/** A buffer of a device, charged to who makes it and used by `user`; undefined if the charge was refused. */
export function createDeviceBuffer(e: Engine, pages: Pages, user: MemCgroup, actor: Actor): FolioBatch[] | undefined {
  const buffer = chargeLoose(e, pages, DEVICE, actor)
  for (const batch of buffer ?? []) {
    relist(e, batch, 'unevictable', actor.cpu)
    batch.user = user
  }
  return buffer
}

export function freeDeviceBuffer(e: Engine, buffer: readonly FolioBatch[], cpu: Cpu): void {
  for (const batch of buffer) unhold(e, batch, DEVICE, cpu)
}

/** Pages with a reference that nobody gives back: they stay for ever. False if the charge was refused. */
export const leakPages = (e: Engine, pages: Pages, actor: Actor): boolean =>
  chargeLoose(e, pages, LEAK, actor) !== undefined

/** Charges all of `pages`, or nothing: a batch for each who pays. */
function chargeLoose(e: Engine, pages: Pages, holder: number, actor: Actor): FolioBatch[] | undefined {
  const payers = new Map<MemCgroup, Pages>()
  let left = pages
  while (left > 0) {
    const charged = chargeUserPages(e, actor, left)
    if (charged === null) break
    left -= charged.pages
    payers.set(charged.memcg, (payers.get(charged.memcg) ?? 0) + charged.pages)
  }
  const { node, cpu } = actor
  const batches = [...payers].map(([memcg, got]) =>
    addBatch(e, { memcg, kind: 'anon', pages: got, order: 0, node }, cpu),
  )
  for (const batch of batches) {
    if (left === 0) hold(batch, holder)
    else freeIfUnused(e, batch, cpu)
  }
  return left === 0 ? batches : undefined
}
