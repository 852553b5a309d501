/** Scenes for tests of the list model of reclaim: bare engines whose memory is counted in pages. */

import type { Engine } from '../../../src/engine/engine.ts'
import { touchRegion } from '../../../src/engine/fault.ts'
import { createFile, type PageCacheFile } from '../../../src/engine/file.ts'
import { type ListName, listPages } from '../../../src/engine/foliolist.ts'
import { GFP_KERNEL } from '../../../src/engine/gfp.ts'
import type { Machine, ModelOptions } from '../../../src/engine/machine.ts'
import type { MemCgroup } from '../../../src/engine/memcg.ts'
import { createMm, createVma, type Mm, type Vma } from '../../../src/engine/mm.ts'
import { accessFile } from '../../../src/engine/pagecache.ts'
import { newScan, type Scan } from '../../../src/engine/reclaim/scan.ts'
import { drainPageStocksBelow } from '../../../src/engine/stock.ts'
import type { Actor } from '../../../src/engine/usercharge.ts'
import { STAT, type StatName, trueStat } from '../../../src/engine/vmstat.ts'
import type { Features, KernelId } from '../../../src/profiles/features.ts'
import { engineOf } from '../helpers.ts'

export const classicEngine = (
  kernel: KernelId,
  machine: Partial<Machine> = {},
  choices: Partial<Features & ModelOptions> = {},
): Engine => engineOf(kernel, machine, { reclaim: 'classic', ...choices })

export const actorOf = (mm: Mm): Actor => ({ mm, cpu: 0, node: 0, gfp: GFP_KERNEL })

/** Page cache that was never used again. Nothing is left in a stock. */
export function cache(e: Engine, m: MemCgroup, pages: number, name = `f${e.files.byName.size}`): PageCacheFile {
  const file = createFile(e, 'ext4', name, pages, true)
  accessFile(e, file, 0, pages, actorOf(createMm(e, m, null)))
  drainPageStocksBelow(e, e.root)
  return file
}

export function anon(e: Engine, mm: Mm, pages: number, name = 'heap'): Vma {
  const vma = createVma(mm, name, pages, { file: null, filePage: 0, isPrivate: false })
  touchRegion(e, vma, 0, pages, { write: true, order: 0 }, actorOf(mm))
  drainPageStocksBelow(e, e.root)
  return vma
}

export const onList = (e: Engine, m: MemCgroup, list: ListName): number => listPages(e, m, 0, list)

export const stat = (e: Engine, m: MemCgroup, name: StatName): number => trueStat(e, m, STAT[name])

/** A reclaim in progress, to call parts of it. */
export const scanOf = (target: MemCgroup, how: Partial<Scan> = {}): Scan =>
  newScan({ target, want: 32, cpu: 0, by: 'direct', swappiness: 60, priority: 12, ...how })
