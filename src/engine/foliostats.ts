/** What a batch of folios counts in the statistics of who pays for it, and moving that to another memcg. */
import type { Cpu } from '../units.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, foliosIn } from './folio.ts'
import type { MemCgroup } from './memcg.ts'
import { modStatTimes, STAT } from './vmstat.ts'

/** Items of memory.stat that count this batch. */
function itemsOf({ list, kind, file, mappers, order, dirty, writeback }: FolioBatch): number[] {
  const items: number[] = [STAT[list]]
  if (file !== null) items.push(STAT.file)
  if (file !== null && kind === 'shmem') items.push(STAT.shmem)
  if (dirty) items.push(STAT.file_dirty)
  if (writeback !== 0) items.push(STAT.file_writeback)
  if (mappers.length === 0) return items
  items.push(kind === 'anon' ? STAT.anon : STAT.file_mapped)
  if (order > 0) items.push(STAT.anon_thp)
  return items
}

/** Everything the batch counts in one memcg counts in another from now on. Kernel: mem_cgroup_move_account. */
export function moveFolioStats(e: Engine, batch: FolioBatch, from: MemCgroup, to: MemCgroup, cpu: Cpu): void {
  const folios = foliosIn(batch)
  for (const item of itemsOf(batch)) {
    modStatTimes(e, from, item, cpu, -(2 ** batch.order), folios, batch.node)
    modStatTimes(e, to, item, cpu, 2 ** batch.order, folios, batch.node)
  }
}
