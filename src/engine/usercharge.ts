/** Charging pages of user memory, one page at a time as faults do. */
import { isErrno } from '../errno.ts'
import type { Cpu, NodeNumber, Pages } from '../units.ts'
import { chargePages } from './charge.ts'
import type { Engine } from './engine.ts'
import type { Gfp } from './gfp.ts'
import type { MemCgroup } from './memcg.ts'
import type { Mm } from './mm.ts'
import { consumeStock, stocked } from './stock.ts'

/** In whose name something is done: the address space, where it runs, the flags of its charges. */
export interface Actor {
  readonly mm: Mm
  readonly cpu: Cpu
  readonly node: NodeNumber
  readonly gfp: Gfp
}

/**
 * Charges up to `want` single pages and returns how many it got, 0 if the first was refused. What the stock of the CPU
 * holds is taken in one step: as many single charges would each have found it there.
 */
export const chargeUserPages = (e: Engine, actor: Actor, want: Pages): Pages =>
  chargeUserPagesTo(e, actor.mm.memcg, actor, want)

/** In whose name pages are charged to a memcg that need not be his own; `mm` null: nobody's. */
type Charging = Pick<Actor, 'cpu' | 'gfp'> & { readonly mm: Mm | null }

/** The same, where another memcg pays. */
export function chargeUserPagesTo(e: Engine, memcg: MemCgroup, { mm, cpu, gfp }: Charging, want: Pages): Pages {
  if (memcg.parent === null) return want
  const held = Math.min(stocked(e, memcg, cpu), want)
  if (held > 0 && consumeStock(e, memcg, cpu, held)) return held
  return isErrno(chargePages(e, memcg, 1, gfp, cpu, mm)) ? 0 : 1
}
