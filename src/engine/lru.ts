/**
 * Using memory: what makes a page young, referenced and active, so that reclaim leaves it alone. Kernel: mm/swap.c
 * folio_mark_accessed, folio_activate.
 */
import type { Cpu } from '../units.ts'
import type { Engine } from './engine.ts'
import { type FolioBatch, relist } from './folio.ts'
import { ageLists, type LruName } from './lruvec.ts'
import { modStatTimes, STAT } from './vmstat.ts'

const ACTIVE = { anon: 'active_anon', shmem: 'active_anon', file: 'active_file' } as const
const INACTIVE = { anon: 'inactive_anon', shmem: 'inactive_anon', file: 'inactive_file' } as const

export const activeList = ({ kind }: FolioBatch): LruName => ACTIVE[kind]
export const inactiveList = ({ kind }: FolioBatch): LruName => INACTIVE[kind]

export const isActive = (batch: FolioBatch): boolean => batch.list === activeList(batch)

/**
 * Read or written through a descriptor: the first time it is referenced, the second time active. Of a new page the
 * access that brought it in counts.
 */
export function markAccessed(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  if (!batch.referenced || batch.list === 'unevictable') batch.referenced = true
  else if (!isActive(batch)) {
    activate(e, batch, cpu)
    batch.referenced = false
  }
}

/** Moves an inactive batch to the head of the active list; its lists age, as when something is evicted. */
function activate(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  const { memcg, pages, node } = batch
  relist(e, batch, activeList(batch), cpu)
  modStatTimes(e, memcg, STAT.pgactivate, cpu, 1, pages)
  ageLists(e, memcg, node, pages)
}
