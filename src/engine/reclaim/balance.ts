/**
 * How many pages of each list are scanned at a priority: anonymous memory against page cache. Kernel: mm/vmscan.c
 * get_scan_count, prepare_scan_control (prepare_scan_count), inactive_is_low.
 */
import type { NodeNumber, Pages } from '../../units.ts'
import { usage } from '../counter.ts'
import type { Engine } from '../engine.ts'
import { freePages, highWatermark } from '../freepages.ts'
import {
  ACTIVATED,
  ANON,
  agingOf,
  COST,
  FILE,
  type Kind,
  kindOf,
  type ListSizes,
  LRU,
  type LruName,
  ROTATED,
  SCANNED,
  setAging,
  sizesBelow,
  sizesOf,
} from '../lruvec.ts'
import type { MemCgroup } from '../memcg.ts'
import { swappinessOf } from '../memcg-v1.ts'
import { type Protection, scaledSize, scalesScan, scalingSkips } from '../protection.ts'
import { availableSwap } from '../swapcharge.ts'
import { STAT, trueStat } from '../vmstat.ts'
import { CLUSTER, type Scan, type TargetBalance } from './scan.ts'

/** The largest swappiness; that of page cache is the rest. */
const SWAPPINESS_SUM = 200

const GIB_SHIFT = 18

/** So many times as many inactive pages must an active list have to be too long. */
export function inactiveRatio(pages: Pages): number {
  const gib = Math.floor(pages / 2 ** GIB_SHIFT)
  return gib === 0 ? 1 : Math.floor(Math.sqrt(10 * gib))
}

/** Too few inactive pages of that kind: active ones should become inactive. */
export function inactiveIsLow(e: Engine, sizes: ListSizes, kind: Kind): boolean {
  const inactive = kind === FILE ? sizes.inactive_file : sizes.inactive_anon
  const active = kind === FILE ? sizes.active_file : sizes.active_anon
  // Up to 4.4 inactive page cache is to be at least as much as active, however large.
  const ratio = kind === FILE && !tracksActivations(e) ? 1 : inactiveRatio(inactive + active)
  return inactive * ratio < active
}

/** Since 4.12 page cache that comes back makes active pages inactive, whatever the sizes. */
const tracksActivations = ({ features }: Engine): boolean => features.reclaimSecondChance !== 'low'

const activationItem = (kind: Kind): number =>
  kind === FILE ? STAT.workingset_activate_file : STAT.workingset_activate_anon

const activations = (e: Engine, m: MemCgroup, kind: Kind): number => trueStat(e, m, activationItem(kind))

function mayDeactivate(e: Engine, m: MemCgroup, node: NodeNumber, sizes: ListSizes, kind: Kind): boolean {
  if (inactiveIsLow(e, sizes, kind)) return true
  return tracksActivations(e) && activations(e, m, kind) !== agingOf(e, m, node, ACTIVATED + kind)
}

/** What the next reclaim compares with. Kernel: snapshot_refaults. */
export function rememberActivations(e: Engine, target: MemCgroup): void {
  for (let node = 0; node < e.machine.nodes; node++)
    for (const kind of [ANON, FILE] as const) setAging(e, target, node, ACTIVATED + kind, activations(e, target, kind))
}

/** Looks at the target before its memcgs are visited; costs that grew past a quarter of the lists are halved. */
export function balanceOf(e: Engine, scan: Scan, m: MemCgroup, node: NodeNumber, sizes: ListSizes): TargetBalance {
  const may = (kind: Kind): boolean => scan.forceDeactivate || mayDeactivate(e, m, node, sizes, kind)
  const mayAnon = may(ANON)
  const mayFile = may(FILE)
  return {
    cost: costOf(e, m, node, sizes),
    mayDeactivate: [mayAnon, mayFile],
    cacheTrim: shifted(sizes.inactive_file, scan.priority) > 0 && !mayFile,
    fileIsTiny: m.parent === null && !mayAnon && isFileTiny(e, scan, sizes),
  }
}

/** Hardly any page cache is left on the machine, and there is anonymous memory to scan. */
const isFileTiny = (e: Engine, { priority }: Scan, sizes: ListSizes): boolean =>
  sizes.inactive_file + sizes.active_file + freePages(e) <= highWatermark(e) &&
  shifted(sizes.inactive_anon, priority) > 0

/** At the level the feature names: that of the target for all of its memcgs, or that of each memcg. */
export const targetBalance = (e: Engine, scan: Scan, node: NodeNumber): TargetBalance =>
  balanceOf(e, scan, scan.target, node, sizesBelow(e, scan.target, node))

export const memcgBalance = (e: Engine, scan: Scan, m: MemCgroup, node: NodeNumber): TargetBalance =>
  e.features.balanceScope === 'target' ? scan.balance : balanceOf(e, scan, m, node, sizesOf(e, m, node))

const total = (sizes: ListSizes): Pages => LRU.reduce((sum, list) => sum + sizes[list], 0)

function costOf(e: Engine, m: MemCgroup, node: NodeNumber, sizes: ListSizes): [Pages, Pages] {
  let anon = agingOf(e, m, node, COST + ANON)
  let file = agingOf(e, m, node, COST + FILE)
  while (anon + file > total(sizes) / 4 && anon + file > 0) {
    anon = Math.floor(anon / 2)
    file = Math.floor(file / 2)
    setAging(e, m, node, COST + ANON, anon)
    setAging(e, m, node, COST + FILE, file)
  }
  return [anon, file]
}

/** By kind: parts of a denominator. */
export interface Fractions {
  readonly anon: number
  readonly file: number
  readonly of: number
}

/** 5.8 and later: the more reclaim of a kind cost, the less of it is scanned. */
export function fractionsByCost(anonCost: Pages, fileCost: Pages, swappiness: number): Fractions {
  const both = anonCost + fileCost
  const sum = both + anonCost + both + fileCost
  const anon = Math.floor((swappiness * (sum + 1)) / (both + anonCost + 1))
  const file = Math.floor(((SWAPPINESS_SUM - swappiness) * (sum + 1)) / (both + fileCost + 1))
  return { anon, file, of: anon + file }
}

/** Up to 5.7: the more of what was scanned had to be rotated, the less of that kind is scanned. */
function fractionsByRotation(
  e: Engine,
  m: MemCgroup,
  node: NodeNumber,
  sizes: ListSizes,
  swappiness: number,
): Fractions {
  const part = (kind: Kind, pages: Pages, weight: number): number => {
    let scanned = agingOf(e, m, node, SCANNED + kind)
    let rotated = agingOf(e, m, node, ROTATED + kind)
    if (scanned > pages / 4) {
      scanned = Math.floor(scanned / 2)
      rotated = Math.floor(rotated / 2)
      setAging(e, m, node, SCANNED + kind, scanned)
      setAging(e, m, node, ROTATED + kind, rotated)
    }
    return Math.floor((weight * (scanned + 1)) / (rotated + 1))
  }
  const anon = part(ANON, sizes.inactive_anon + sizes.active_anon, swappiness)
  const file = part(FILE, sizes.inactive_file + sizes.active_file, SWAPPINESS_SUM - swappiness)
  return { anon, file, of: anon + file + 1 }
}

/** What of each list is scanned: all that the priority says of it, nothing, or a part. */
type Choice = 'equal' | 'anon' | 'file' | Fractions

function choose(e: Engine, scan: Scan, m: MemCgroup, node: NodeNumber, balance: TargetBalance): Choice {
  const { swappiness = swappinessOf(m), target, priority } = scan
  if (!scan.maySwap || availableSwap(e, m) <= 0) return 'file'
  if (swappiness === 'max') return 'anon'
  if (target.parent !== null && swappiness === 0) return 'file'
  if (priority === 0 && swappiness > 0) return 'equal'
  if (balance.fileIsTiny) return 'anon'
  if (hasEnoughCache(e, m, node, balance)) return 'file'
  const [anon, file] = balance.cost
  return e.features.scanBalance === 'cost'
    ? fractionsByCost(anon, file, swappiness)
    : fractionsByRotation(e, m, node, sizesOf(e, m, node), swappiness)
}

/** Up to 4.4 enough is: not fewer inactive pages than active ones, even if none of them is scanned at this priority. */
function hasEnoughCache(e: Engine, m: MemCgroup, node: NodeNumber, balance: TargetBalance): boolean {
  if (tracksActivations(e)) return balance.cacheTrim
  return !inactiveIsLow(e, sizesOf(e, m, node), FILE)
}

const shifted = (pages: Pages, priority: number): Pages => Math.floor(pages / 2 ** priority)

/** A list as far as protection leaves it to be scanned. */
function unprotected(e: Engine, scan: Scan, m: MemCgroup, size: Pages, protection: Protection): Pages {
  if (size === 0 || !scalesScan(e) || (protection.min === 0 && protection.low === 0)) return size
  const byLow = !scan.lowReclaim && protection.low > protection.min
  if (byLow && scalingSkips(e)) scan.lowSkipped = true
  return scaledSize(e, size, usage(e.counters, m.memory), byLow ? protection.low : protection.min)
}

export type Wanted = Record<LruName, Pages>

/** Pages of each list of `m` that are scanned now. */
export function scanCounts(e: Engine, scan: Scan, m: MemCgroup, node: NodeNumber, protection: Protection): Wanted {
  const choice = choose(e, scan, m, node, memcgBalance(e, scan, m, node))
  const sizes = sizesOf(e, m, node)
  const counts = countsOf(e, scan, m, sizes, protection, choice, false)
  const isForced = e.features.smallListScan === 'second-pass-32' && scan.target.parent !== null
  return isForced && LRU.every(list => counts[list] === 0)
    ? countsOf(e, scan, m, sizes, protection, choice, true)
    : counts
}

function countsOf(
  e: Engine,
  scan: Scan,
  m: MemCgroup,
  sizes: ListSizes,
  protection: Protection,
  choice: Choice,
  forced: boolean,
): Wanted {
  const isZombie = !m.online && e.features.smallListScan === 'offline-32'
  const wanted: Wanted = { inactive_anon: 0, active_anon: 0, inactive_file: 0, active_file: 0 }
  for (const list of LRU) {
    const size = unprotected(e, scan, m, sizes[list], protection)
    let pages = shifted(size, scan.priority)
    if (pages === 0 && (forced || isZombie)) pages = Math.min(size, CLUSTER)
    wanted[list] = partOf(pages, kindOf(list), choice, isZombie)
  }
  return wanted
}

function partOf(pages: Pages, kind: Kind, choice: Choice, roundUp: boolean): Pages {
  if (choice === 'equal') return pages
  if (choice === 'anon') return kind === ANON ? pages : 0
  if (choice === 'file') return kind === FILE ? pages : 0
  const part = (pages * (kind === FILE ? choice.file : choice.anon)) / choice.of
  return roundUp ? Math.ceil(part) : Math.floor(part)
}
