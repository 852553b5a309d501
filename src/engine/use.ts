/**
 * Who uses memory: the last user is remembered, and memory that a removed memcg left behind is handed to its next user
 * where that is the policy (charge-reclaim.md §13.2, deferred). Kernel: proposed for the fault path and
 * folio_mark_accessed, RFC of July 2023.
 */
import type { Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, isThere } from './folio.ts'
import { isolate } from './foliosplit.ts'
import { recharge } from './recharge.ts'
import type { Actor } from './usercharge.ts'

/** How memory is used: through a mapping, or through a descriptor. */
export type Use = 'fault' | 'read' | 'write'

/**
 * `pages` pages of a batch from its page `from` on are used; how many of them changed hands. The batch may be split, and
 * part of it be gone after it.
 */
export function noteUse(e: Engine, batch: FolioBatch, from: Pages, pages: Pages, use: Use, actor: Actor): Pages {
  const { user, orphan, order } = batch
  const { memcg } = actor.mm
  const isKnown = orphan === null || (orphan.used && !orphan.deferred)
  if (user === memcg && isKnown) return 0
  // A huge page is used as a whole.
  const each = 2 ** order
  const first = Math.floor(from / each) * each
  const end = Math.ceil((from + pages) / each) * each
  const used = isolate(e, batch, first, end - first, actor.cpu)
  used.user = memcg
  if (orphan === null) return 0
  used.orphan = { ...orphan, used: true }
  return orphan.deferred && e.features.zombieDeferredTrigger.includes(use) ? takeOver(e, used, use, actor) : 0
}

/** The user pays from now on, as far as there is room for it. */
function takeOver(e: Engine, batch: FolioBatch, use: Use, { mm, cpu }: Actor): Pages {
  const { orphan } = batch
  batch.orphan = null
  if (batch.memcg === mm.memcg) return 0
  const moved = recharge(e, batch, mm.memcg, { mm, cpu })
  if (use === 'fault') e.zombies.rechargeMinor += moved
  if (isThere(e, batch) && batch.memcg !== mm.memcg) batch.orphan = orphan
  return moved
}
