/** Taking memory away for good: page cache that can be read again. Kernel: mm/vmscan.c __remove_mapping. */
import type { Cpu } from '../../units.ts'
import type { Engine } from '../engine.ts'
import { type FolioBatch, freeBatch, removeFromFile } from '../folio.ts'
import { unmapBatch } from '../mapping.ts'
import { extentAt, extentOf, insertExtent } from '../pagemap.ts'
import type { Shadow } from '../workingset.ts'

/** Frees clean page cache. Where it was, what is remembered of it stays. */
export function evict(e: Engine, batch: FolioBatch, shadow: Shadow | null, cpu: Cpu): void {
  const { file, filePage, pages } = batch
  unmapBatch(e, batch, cpu)
  removeFromFile(e, batch, cpu)
  freeBatch(e, batch, cpu)
  if (file === null || shadow === null) return
  insertExtent(file.evicted, extentOf(filePage, pages, { shadow }))
  const index = extentAt(file.evicted, filePage)
  const before = file.evicted.extents[index - 1]
  if (before === undefined || before.start + before.pages !== filePage || !follows(before.shadow, before.pages, shadow))
    return
  before.pages += pages
  file.evicted.extents.splice(index, 1)
}

/** Evicted right after the `pages` pages of the other. */
const follows = (first: Shadow | null, pages: number, second: Shadow): boolean =>
  first !== null &&
  first.memcg === second.memcg &&
  first.node === second.node &&
  first.workingset === second.workingset &&
  first.age + pages === second.age
