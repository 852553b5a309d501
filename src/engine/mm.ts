/**
 * Address spaces and their regions: making, shrinking and tearing them down. Touching memory is in fault.ts.
 */
import type { Cpu, Nanoseconds, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { type PageCacheFile, putMapping } from './file.ts'
import { freeKernelPages, type KernelPages, payerOf } from './kmem.ts'
import { unmapRange } from './mapping.ts'
import type { MemCgroup } from './memcg.ts'
import { stopWaiting } from './oomwait.ts'
import { createPageMap, type PageMap } from './pagemap.ts'
import { unpinAll } from './pins.ts'
import type { PsiGroup } from './psi/group.ts'
import type { Sleep } from './sleep.ts'
import { endStalls } from './stall.ts'
import { modStat, STAT } from './vmstat.ts'

export interface Mm {
  readonly id: number
  /** Who pays for what it brings in from now on. */
  memcg: MemCgroup
  readonly vmas: Map<string, Vma>
  /** Resident pages by kind. */
  readonly rss: { anon: Pages; file: Pages; shmem: Pages }
  /** Pages on the swap device that its page tables name. */
  swapents: Pages
  /** Page-table pages, oldest first; null for an address space that is made without (a `bare` task). */
  readonly pageTables: KernelPages[] | null
  /** Pages that have an entry in the page tables. */
  mapped: Pages
  /** Pages charged above memory.high that it has to make up for before it returns to user space. */
  overHigh: Pages
  /** Where its stalls count. */
  psi: PsiGroup
  /** Its tasks that sleep waiting for memory. */
  stalls: number
  /** What its acting thread must do before it goes on (sleep.ts); whoever runs the thread takes it. */
  sleep: Sleep | null
  oomScoreAdj: number
  /** Pages it has pinned for long, each as often as it did. */
  pinned: Pages
  /** A fatal signal is pending. */
  dying: boolean
  /** When it exits as a victim of the OOM killer; null while it is none, or exits at once. */
  exitsAt: Nanoseconds | null
  /** Version 1: the memcg in which it waits for room; null while it does not. */
  waitsFor: MemCgroup | null
  /** Id of the address space it was copied from; 0 for none. */
  parent: number
  /** Its owner has CAP_SYS_ADMIN. */
  privileged: boolean
}

/** A region: anonymous when it has no file. */
export interface Vma {
  readonly mm: Mm
  readonly name: string
  pages: Pages
  readonly map: PageMap
  readonly file: PageCacheFile | null
  /** First page of the file that is shown. */
  readonly filePage: Pages
  /** Written pages become anonymous copies instead of changing the file. */
  readonly isPrivate: boolean
  /** By mlock: what it shows is not evicted. */
  isLocked: boolean
  /** Program text: reclaim is careful with it. */
  readonly isExec: boolean
}

/** Entries of one page-table page. */
export const ENTRIES_PER_TABLE = 512

/** Page-table pages for so many mapped pages: the top one, and one per 512 entries (workload.md §5). */
export const tablesFor = (mapped: Pages): number => 1 + Math.ceil(mapped / ENTRIES_PER_TABLE)

export function createMm(e: Engine, memcg: MemCgroup, pageTables: KernelPages[] | null): Mm {
  const mm: Mm = {
    id: e.nextMm++,
    memcg,
    vmas: new Map(),
    rss: { anon: 0, file: 0, shmem: 0 },
    swapents: 0,
    pageTables,
    mapped: 0,
    overHigh: 0,
    psi: e.psi.system,
    stalls: 0,
    sleep: null,
    oomScoreAdj: 0,
    pinned: 0,
    dying: false,
    exitsAt: null,
    waitsFor: null,
    parent: 0,
    privileged: false,
  }
  e.mms.set(mm.id, mm)
  memcg.mms ??= new Set()
  memcg.mms.add(mm)
  return mm
}

/** The task moved: from now on another memcg pays. What is charged stays where it is (v2). */
export function moveMm(mm: Mm, to: MemCgroup): void {
  mm.memcg.mms?.delete(mm)
  mm.memcg = to
  to.mms ??= new Set()
  to.mms.add(mm)
}

/** What a region is. */
export type NewVma = Pick<Vma, 'file' | 'filePage' | 'isPrivate'> & Partial<Pick<Vma, 'isExec'>>

export function createVma(mm: Mm, name: string, pages: Pages, of: NewVma): Vma {
  const { file, filePage, isPrivate, isExec = false } = of
  const vma: Vma = { mm, name, pages, map: createPageMap(), file, filePage, isPrivate, isExec, isLocked: false }
  mm.vmas.set(name, vma)
  if (file !== null) file.mappings++
  return vma
}

/** Unmaps the last `pages` pages of a region; all of them ends it. */
export function shrinkRegion(e: Engine, vma: Vma, pages: Pages, cpu: Cpu): void {
  const end = vma.pages - pages
  const { mm } = vma
  unmapRange(e, vma, end, vma.pages, cpu)
  vma.pages = end
  freeSpareTables(e, mm, cpu)
  if (end > 0) return
  mm.vmas.delete(vma.name)
  if (vma.file !== null) putMapping(e, vma.file, cpu)
}

function freeSpareTables(e: Engine, mm: Mm, cpu: Cpu): void {
  if (mm.pageTables === null) return
  while (mm.pageTables.length > tablesFor(mm.mapped)) freeTable(e, mm.pageTables.pop()!, cpu)
}

/** Gives a page-table page back. */
export function freeTable(e: Engine, table: KernelPages, cpu: Cpu): void {
  const payer = payerOf(table)
  if (payer !== null) modStat(e, payer, STAT.pagetables, cpu, -1)
  freeKernelPages(e, table, 1, cpu)
}

/** Everything an address space shows is unmapped and its page tables are freed. It is no candidate of the OOM killer any more. */
export function exitMm(e: Engine, mm: Mm, cpu: Cpu): void {
  for (const vma of [...mm.vmas.values()]) shrinkRegion(e, vma, vma.pages, cpu)
  for (const table of mm.pageTables ?? []) freeTable(e, table, cpu)
  if (mm.pageTables !== null) mm.pageTables.length = 0
  endStalls(e, mm)
  unpinAll(e, mm, cpu)
  stopWaiting(e, mm)
  mm.memcg.mms?.delete(mm)
  e.mms.delete(mm.id)
}
