/** Charging pages of user memory, one page at a time as faults do. */
import { isErrno } from '../errno.ts'
import type { Cpu, NodeNumber, Pages } from '../units.ts'
import { BYPASSED, tryChargePages } from './charge.ts'
import type { Engine } from './engine.ts'
import { GFP_WAIT, type Gfp } from './gfp.ts'
import type { MemCgroup } from './memcg.ts'
import type { Mm } from './mm.ts'
import { takeFromMachine } from './shortage.ts'
import { slabDebug } from './slabdebug.ts'
import { consumeStock, stocked } from './stock.ts'

/** In whose name something is done: the address space, where it runs, the flags of its charges. */
export interface Actor {
  readonly mm: Mm
  readonly cpu: Cpu
  readonly node: NodeNumber
  readonly gfp: Gfp
}

/** Pages that were charged, and to whom: up to 4.3 the root pays for a task that is being killed at the limit. */
export interface Charged {
  readonly memcg: MemCgroup
  readonly pages: Pages
}

/**
 * Charges up to `want` single pages; null if the first was refused. What the stock of the CPU holds is taken in one
 * step: as many single charges would each have found it there.
 */
export const chargeUserPages = (e: Engine, actor: Actor, want: Pages): Charged | null =>
  chargeUserPagesTo(e, actor.mm.memcg, actor, want)

/** In whose name pages are charged to a memcg that need not be his own; `mm` null: nobody's. */
type Charging = Pick<Actor, 'cpu' | 'gfp'> & { readonly mm: Mm | null }

/** The same, where another memcg pays. */
export function chargeUserPagesTo(e: Engine, memcg: MemCgroup, charging: Charging, want: Pages): Charged | null {
  const most = takeFromMachine(e, want, charging.cpu)
  if (memcg.parent === null) return { memcg, pages: most }
  const held = Math.min(stocked(e, memcg, charging.cpu), most)
  if (held > 0 && consumeStock(e, memcg, charging.cpu, held)) return { memcg, pages: held }
  return chargeUserBlock(e, memcg, charging, 1)
}

/** Charges pages that come as one folio: all of them, or null. */
export function chargeUserBlock(e: Engine, memcg: MemCgroup, { mm, cpu, gfp }: Charging, pages: Pages): Charged | null {
  const charged = tryChargePages(e, memcg, pages, gfp, cpu, mm)
  if (!isErrno(charged)) return { memcg: charged === BYPASSED ? e.root : memcg, pages }
  if ((gfp & GFP_WAIT) === 0) slabDebug(e, memcg).nowaitFail++
  return null
}
