/**
 * Remembering when memory was evicted, to tell what belongs to the working set when it comes back. Kernel:
 * mm/workingset.c.
 *
 * Lists have an age, which every eviction and activation advances. What comes back before its lists have aged by more
 * than there is room for what is used often would not have been evicted had it been there: it is active at once.
 */
import type { Cpu, NodeNumber, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, relist } from './folio.ts'
import { splitBatch } from './foliosplit.ts'
import { activeList } from './lru.ts'
import { AGE, ageLists, agingOf, kindOf, noteCost, sizesBelow } from './lruvec.ts'
import type { MemCgroup } from './memcg.ts'
import { availableSwap, hasId } from './swapcharge.ts'
import { modStatTimes, STAT } from './vmstat.ts'

/** What an evicted page leaves behind. Of a run of pages evicted one after the other: that of the first. */
export interface Shadow {
  readonly memcg: MemCgroup
  readonly node: NodeNumber
  /** Age of the lists of that memcg at the eviction. */
  readonly age: number
  /** It was part of the working set. */
  readonly workingset: boolean
}

/** Whether memory of this kind takes part: up to 5.8 only that of files does. */
const takesPart = ({ features }: Engine, { kind }: FolioBatch): boolean => kind === 'file' || features.workingsetAnon

/** A batch is evicted, in the reclaim of `target`: what is remembered of it. */
export function evictionOf(e: Engine, batch: FolioBatch, target: MemCgroup): Shadow | null {
  if (!takesPart(e, batch)) return null
  const memcg = e.features.workingsetChargedTo === 'target' ? target : batch.memcg
  const { node, workingset, pages } = batch
  const age = agingOf(e, memcg, node, AGE)
  ageLists(e, memcg, node, pages)
  return { memcg, node, age, workingset }
}

/** What there is room for beside memory that is used often: what the page would have competed with. */
function roomFor(e: Engine, { kind }: FolioBatch, { memcg, node }: Shadow): Pages {
  const sizes = sizesBelow(e, memcg, node)
  let room = sizes.active_file + (kind === 'file' ? 0 : sizes.inactive_file)
  if (availableSwap(e, memcg) > 0) room += sizes.active_anon + (kind === 'file' ? sizes.inactive_anon : 0)
  return room
}

/** The memcg is there and can still be found by its id. */
const isKnown = (e: Engine, m: MemCgroup): boolean => e.memcgs[m.slot] === m && hasId(e, m)

/**
 * Memory that was evicted is back, page after page: counted, and active at once if it was gone for a short time only.
 * Of pages that came back one after the other the later may be recognised where the first are not.
 */
export function refault(e: Engine, batch: FolioBatch, shadow: Shadow, cpu: Cpu): void {
  const file = batch.kind === 'file'
  const { memcg, node, pages } = batch
  const count = (item: number, times: Pages): void => modStatTimes(e, memcg, item, cpu, 1, times, node)
  count(file ? STAT.workingset_refault_file : STAT.workingset_refault_anon, pages)
  if (!isKnown(e, shadow.memcg)) return
  const distance = agingOf(e, shadow.memcg, shadow.node, AGE) - shadow.age
  const missed = Math.max(0, distance - roomFor(e, batch, shadow))
  if (missed >= pages) return
  if (missed > 0) splitBatch(e, batch, missed, cpu)
  relist(e, batch, activeList(batch), cpu)
  ageLists(e, memcg, node, batch.pages)
  count(file ? STAT.workingset_activate_file : STAT.workingset_activate_anon, batch.pages)
  if (!shadow.workingset) return
  batch.workingset = true
  noteCost(e, memcg, node, kindOf(batch.list), batch.pages)
  count(file ? STAT.workingset_restore_file : STAT.workingset_restore_anon, batch.pages)
}
