/**
 * Shrinking the lists of one memcg: inactive pages are taken, kept or made active, active ones made inactive. Kernel:
 * mm/vmscan.c shrink_lruvec, shrink_inactive_list, shrink_folio_list, shrink_active_list.
 *
 * A list is scanned from its oldest page on, in turns of 32 pages. What is asked for in great numbers is scanned in
 * larger turns: only how lists take turns is coarser then.
 */
import { assert } from '../../assert.ts'
import type { NodeNumber, Pages } from '../../units.ts'
import type { Engine } from '../engine.ts'
import { type FolioBatch, relist } from '../folio.ts'
import { listPages, oldest } from '../foliolist.ts'
import { isolate, rejoin } from '../foliosplit.ts'
import { activeList, inactiveList } from '../lru.ts'
import { ANON, addAging, kindOf, LRU, type LruName, noteCost, ROTATED, SCANNED, sizesOf } from '../lruvec.ts'
import { unmapBatch } from '../mapping.ts'
import type { MemCgroup } from '../memcg.ts'
import { isHeld } from '../pins.ts'
import type { Protection } from '../protection.ts'
import { swapRoom } from '../swapcharge.ts'
import { swapOut } from '../swapout.ts'
import { modStat, modStatTimes, STAT } from '../vmstat.ts'
import { evictionOf } from '../workingset.ts'
import { inactiveIsLow, memcgBalance, scanCounts, type Wanted } from './balance.ts'
import { evict } from './evict.ts'
import { CLUSTER, type Scan } from './scan.ts'

/** At most so many turns over the lists of a memcg. */
const MOST_TURNS = 1024

/** Scans the lists of `m` on a node, as much as the priority asks for. */
export function shrinkLists(e: Engine, scan: Scan, m: MemCgroup, node: NodeNumber, protection: Protection): void {
  const wanted = scanCounts(e, scan, m, node, protection)
  const asked = { ...wanted }
  let freed = 0
  let isBalanced = false
  while (wanted.inactive_anon > 0 || wanted.active_file > 0 || wanted.inactive_file > 0) {
    const turn = turnOf(wanted, scan.want - freed)
    for (const list of LRU) {
      const pages = Math.min(wanted[list], turn)
      wanted[list] -= pages
      if (pages > 0) freed += shrinkList(e, scan, m, node, list, pages)
    }
    if (freed < scan.want || isBalanced) continue
    if (wanted.inactive_file + wanted.active_file === 0 || wanted.inactive_anon + wanted.active_anon === 0) break
    scaleDown(wanted, asked)
    isBalanced = true
  }
  scan.reclaimed += freed
  if (inactiveIsLow(e, sizesOf(e, m, node), ANON) && mayAgeAnon(e))
    shrinkActive(e, scan, m, node, 'active_anon', CLUSTER)
}

const mayAgeAnon = (e: Engine): boolean => e.swapTotal > 0

/**
 * Pages of one turn: 32. Where one list alone is left, as many as the request may still need; lists that take turns get
 * more when there would be very many turns.
 */
function turnOf(wanted: Wanted, missing: Pages): Pages {
  const left = LRU.filter(list => wanted[list] > 0)
  const most = Math.max(...left.map(list => wanted[list]))
  const needed = left.length === 1 ? Math.ceil(missing / CLUSTER) : Math.floor(most / CLUSTER / MOST_TURNS)
  return CLUSTER * Math.max(1, needed)
}

/** Enough was freed: of the two kinds the one with less left is done, the other is scanned to the same part. */
function scaleDown(wanted: Wanted, asked: Readonly<Wanted>): void {
  const file = wanted.inactive_file + wanted.active_file
  const anon = wanted.inactive_anon + wanted.active_anon
  const lists = (kind: 'anon' | 'file'): LruName[] => [`inactive_${kind}`, `active_${kind}`]
  const [small, large] = file > anon ? (['anon', 'file'] as const) : (['file', 'anon'] as const)
  const target = lists(small).reduce((sum, list) => sum + asked[list], 0) + 1
  const left = Math.floor((lists(small).reduce((sum, list) => sum + wanted[list], 0) * 100) / target)
  for (const list of lists(small)) wanted[list] = 0
  for (const list of lists(large)) {
    const scanned = asked[list] - wanted[list]
    wanted[list] = Math.max(0, Math.floor((asked[list] * (100 - left)) / 100) - scanned)
  }
}

function shrinkList(e: Engine, scan: Scan, m: MemCgroup, node: NodeNumber, list: LruName, pages: Pages): Pages {
  if (list === 'inactive_anon' || list === 'inactive_file') return shrinkInactive(e, scan, m, node, list, pages)
  if (memcgBalance(e, scan, m, node).mayDeactivate[kindOf(list)]) shrinkActive(e, scan, m, node, list, pages)
  else scan.skippedDeactivate = true
  return 0
}

/** The oldest pages of a list, up to `pages` of them, batch by batch. Huge pages are taken whole. */
function* takeOldest(e: Engine, m: MemCgroup, node: NodeNumber, list: LruName, pages: Pages, scan: Scan) {
  let left = Math.min(pages, listPages(e, m, node, list))
  while (left > 0) {
    const batch = oldest(e, m, node, list)
    assert(batch !== undefined, 'a list has as many pages as it says')
    const unit = 2 ** batch.order
    const taken = Math.min(batch.pages, Math.ceil(left / unit) * unit)
    left -= taken
    yield isolate(e, batch, 0, taken, scan.cpu)
  }
}

/** Scans inactive pages; how many were freed. */
export function shrinkInactive(
  e: Engine,
  scan: Scan,
  m: MemCgroup,
  node: NodeNumber,
  list: LruName,
  pages: Pages,
): Pages {
  let scanned = 0
  let freed = 0
  let written = 0
  let activated = 0
  for (const batch of takeOldest(e, m, node, list, pages, scan)) {
    const { pages: taken } = batch
    scanned += taken
    const fate = fateOf(e, batch)
    if (fate === 'activate') {
      activated += taken
      activate(e, batch, scan)
    } else if (fate === 'keep') {
      relist(e, batch, list, scan.cpu)
      rejoin(e, batch)
    } else if (batch.lazyFree) {
      modStatTimes(e, m, STAT.pglazyfreed, scan.cpu, 1, taken)
      unmapBatch(e, batch, scan.cpu)
      freed += taken
    } else if (batch.kind === 'file') {
      evict(e, batch, evictionOf(e, batch, scan.target), scan.cpu)
      freed += taken
    } else {
      const out = writeOut(e, scan, batch)
      freed += out
      written += out
      activated += taken - out
    }
  }
  const kind = kindOf(list)
  scan.scanned += scanned
  modStat(e, m, STAT[`pgscan_${scan.by}`], scan.cpu, scanned, node)
  modStat(e, m, STAT[`pgsteal_${scan.by}`], scan.cpu, freed, node)
  noteCost(e, m, node, kind, written * CLUSTER + scanned - freed)
  noteRotation(e, m, node, list, scanned, activated)
  return freed
}

function noteRotation(e: Engine, m: MemCgroup, node: NodeNumber, list: LruName, scanned: Pages, rotated: Pages): void {
  if (e.features.scanBalance !== 'rotated') return
  addAging(e, m, node, SCANNED + kindOf(list), scanned)
  addAging(e, m, node, ROTATED + kindOf(list), rotated)
}

/**
 * What becomes of inactive memory: free it, keep it for another turn, or make it active. Looking clears what says that
 * it was used. Kernel: folio_check_references.
 */
function fateOf(e: Engine, batch: FolioBatch): 'free' | 'keep' | 'activate' {
  if (batch.writeback !== 0) return 'activate'
  if (isHeld(batch)) return 'keep'
  const users = batch.mappers.filter(mapper => mapper.young)
  const wasReferenced = batch.referenced
  for (const mapper of users) mapper.young = false
  batch.referenced = false
  if (users.length > 0) {
    // Up to 5.8 anonymous memory that comes to the end of the list and was used is active again.
    if (batch.kind !== 'file' && e.features.newAnon === 'active') return 'activate'
    batch.referenced = true
    if (wasReferenced || users.length > 1) return 'activate'
    return batch.kind === 'file' && users.some(({ vma }) => vma.isExec) ? 'activate' : 'keep'
  }
  if (batch.kind !== 'file' || !batch.dirty) return 'free'
  // Dirty page cache is left to the flusher.
  return wasReferenced ? 'keep' : 'activate'
}

function activate(e: Engine, batch: FolioBatch, { cpu }: Scan): void {
  relist(e, batch, activeList(batch), cpu)
  modStatTimes(e, batch.memcg, STAT.pgactivate, cpu, 1, batch.pages)
  rejoin(e, batch)
}

/** Writes memory to the swap device, as far as there is room for it; the rest is active again. */
function writeOut(e: Engine, scan: Scan, batch: FolioBatch): Pages {
  const room = swapRoom(e, batch.memcg, batch.pages)
  if (room > 0) {
    const out = isolate(e, batch, 0, room, scan.cpu)
    swapOut(e, out, evictionOf(e, out, scan.target), scan.cpu)
    if (out === batch) return room
  }
  activate(e, batch, scan)
  return room
}

/** Makes active pages inactive. Program text that is being run stays active. */
function shrinkActive(e: Engine, scan: Scan, m: MemCgroup, node: NodeNumber, list: LruName, pages: Pages): void {
  let taken = 0
  let rotated = 0
  for (const batch of takeOldest(e, m, node, list, pages, scan)) {
    taken += batch.pages
    const isUsedText = batch.kind === 'file' && batch.mappers.some(({ young, vma }) => young && vma.isExec)
    for (const mapper of batch.mappers) mapper.young = false
    batch.referenced = false
    if (isUsedText) {
      rotated += batch.pages
      relist(e, batch, list, scan.cpu)
    } else {
      batch.workingset = true
      relist(e, batch, inactiveList(batch), scan.cpu)
      modStatTimes(e, m, STAT.pgdeactivate, scan.cpu, 1, batch.pages)
    }
    rejoin(e, batch)
  }
  modStat(e, m, STAT.pgrefill, scan.cpu, taken, node)
  noteCost(e, m, node, kindOf(list), rotated)
  noteRotation(e, m, node, list, taken, rotated)
}
