/**
 * Moving what a process has in memory from one memcg to another when the process moves (version 1,
 * memory.move_charge_at_immigrate). Kernel: mm/memcontrol.c, mem_cgroup_can_attach, mem_cgroup_move_account; up to 6.12.
 *
 * The target is charged for all of it first: if that is refused nothing moves, and the process stays where it is.
 */
import { ENOMEM, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import type { Cpu, Pages } from '../units.ts'
import { chargePages } from './charge.ts'
import { NO_COUNTER, uncharge } from './counter.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, foliosIn, rehome } from './folio.ts'
import { isolate } from './foliosplit.ts'
import { moveFolioStats } from './foliostats.ts'
import { GFP_KERNEL, GFP_NORETRY, GFP_WAIT } from './gfp.ts'
import type { MemCgroup } from './memcg.ts'
import { unchargeMemory } from './memcounters.ts'
import type { Mm, Vma } from './mm.ts'
import { isolateSlots, type SwapBatch } from './swap.ts'
import { countPageEvents } from './thresholds.ts'
import { chargeUserPagesTo } from './usercharge.ts'
import { modStat, modStatTimes, STAT } from './vmstat.ts'

/** Bits of memory.move_charge_at_immigrate. */
const MOVE_ANON = 1
const MOVE_FILE = 2

/** What moves: memory, and slots of the swap device. */
interface Movable {
  readonly folios: FolioBatch[]
  readonly slots: SwapBatch[]
}

/** Moves along what `to` wants of the memory of `mm`; ENOMEM, with nothing moved, if `to` has no room for it. */
export function moveCharges(e: Engine, mm: Mm, to: MemCgroup, cpu: Cpu): Ok | Errno {
  const from = mm.memcg
  const wanted = to.v1?.moveCharge ?? 0
  if (wanted === 0 || from === to) return OK
  // The first look cuts batches where mappings of files begin and end, the second counts them.
  movableOf(e, mm, wanted, cpu)
  const precharged = pagesOf(movableOf(e, mm, wanted, cpu))
  if (isErrno(precharge(e, to, precharged, cpu))) return ENOMEM
  // Making room may have reclaimed some of it.
  const { folios, slots } = movableOf(e, mm, wanted, cpu)
  const left = precharged - pagesOf({ folios, slots })
  if (left > 0 && to.parent !== null) unchargeMemory(e, to, left)
  for (const batch of folios) moveFolios(e, batch, to, cpu)
  for (const batch of slots) moveSlots(e, batch, to, cpu)
  return OK
}

const pagesOf = ({ folios, slots }: Movable): Pages =>
  [...folios, ...slots].reduce((sum: Pages, { pages }) => sum + pages, 0)

/** All at once if there is room, else page by page with a little reclaim. Kernel: mem_cgroup_do_precharge. */
function precharge(e: Engine, to: MemCgroup, pages: Pages, cpu: Cpu): Ok | Errno {
  if (pages === 0 || !isErrno(chargePages(e, to, pages, GFP_KERNEL & ~GFP_WAIT, cpu, null))) return OK
  const charging = { mm: null, cpu, gfp: GFP_KERNEL | GFP_NORETRY }
  for (let done = 0; done < pages; ) {
    const charged = chargeUserPagesTo(e, to, charging, pages - done)
    if (charged === null) {
      if (done > 0) unchargeMemory(e, to, done)
      return ENOMEM
    }
    done += charged.pages
  }
  return OK
}

/** What is charged to the memcg of `mm` and nobody else shows, or stands in a file that it maps. */
function movableOf(e: Engine, mm: Mm, wanted: number, cpu: Cpu): Movable {
  const found: Movable = { folios: [], slots: [] }
  for (const vma of mm.vmas.values()) {
    if ((wanted & MOVE_ANON) !== 0) findAnon(vma, found)
    if ((wanted & MOVE_FILE) !== 0) findFile(e, vma, cpu, found)
  }
  const isOurs = ({ memcg }: { readonly memcg: MemCgroup }): boolean => memcg === mm.memcg
  // Without a counter of memory and swap together the owner of slots does not matter.
  const slots = mm.memcg.memsw === NO_COUNTER ? [] : found.slots
  return { folios: [...new Set(found.folios.filter(isOurs))], slots: [...new Set(slots.filter(isOurs))] }
}

function findAnon({ map }: Vma, { folios, slots }: Movable): void {
  for (const { batch, swap } of map.extents) {
    if (batch?.kind === 'anon' && batch.mappers.length === 1) folios.push(batch)
    if (swap !== null && swap.mappers.length === 1) slots.push(swap)
  }
}

/** Pages of the part of the file that is mapped, whether they were touched or not. */
function findFile(e: Engine, { file, filePage, pages }: Vma, cpu: Cpu, found: Movable): void {
  if (file === null) return
  const end = filePage + pages
  const within = (start: Pages, count: Pages): { from: Pages; pages: Pages } => {
    const first = Math.max(start, filePage)
    return { from: first - start, pages: Math.min(start + count, end) - first }
  }
  for (const extent of [...file.cache.extents]) {
    const part = within(extent.start, extent.pages)
    if (part.pages > 0 && extent.batch !== null) found.folios.push(isolate(e, extent.batch, part.from, part.pages, cpu))
  }
  for (const extent of [...file.evicted.extents]) {
    const part = within(extent.start, extent.pages)
    if (part.pages > 0 && extent.swap !== null) found.slots.push(isolateSlots(e, extent.swap, part.from, part.pages))
  }
}

/** The target is charged already. */
function moveFolios(e: Engine, batch: FolioBatch, to: MemCgroup, cpu: Cpu): void {
  const { memcg: from, pages } = batch
  const folios = foliosIn(batch)
  if (from.parent !== null) unchargeMemory(e, from, pages)
  moveFolioStats(e, batch, from, to, cpu)
  modStatTimes(e, to, STAT.pgpgin, cpu, 1, folios)
  modStatTimes(e, from, STAT.pgpgout, cpu, 1, folios)
  rehome(e, batch, to, 'newest')
  countPageEvents(e, to, pages, cpu)
  countPageEvents(e, from, pages, cpu)
}

/** Memory and swap together of the target stay charged; memory is given back, for it is none. */
function moveSlots(e: Engine, slots: SwapBatch, to: MemCgroup, cpu: Cpu): void {
  const { memcg: from, pages } = slots
  if (to.parent !== null) uncharge(e.counters, to.memory, pages)
  if (from.parent !== null) uncharge(e.counters, from.memsw, pages)
  modStat(e, from, STAT.swap, cpu, -pages)
  modStat(e, to, STAT.swap, cpu, pages)
  from.pins.swap -= pages
  to.pins.swap += pages
  slots.memcg = to
}
