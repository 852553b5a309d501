/**
 * memory.stat of version 1: what this memcg holds, events, limits, and the same with everything below it.
 * Kernel: mm/memcontrol.c memcg_stat_show, memcg1_stats (charge-reclaim.md §12.3).
 */
import { maxOf, NO_COUNTER, PAGE_COUNTER_MAX } from '../engine/counter.ts'
import type { Engine } from '../engine/engine.ts'
import type { Machine } from '../engine/machine.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { flushForReader, printedUnit, readLocalStat, readStat, STAT, type StatName } from '../engine/vmstat.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Features } from '../profiles/features.ts'
import type { Access } from '../tree/controller.ts'

type Line = readonly [name: string, item: StatName]

const CACHE: readonly Line[] = [
  ['cache', 'file'],
  ['rss', 'anon'],
  ['rss_huge', 'anon_thp'],
]
const SHMEM: Line = ['shmem', 'shmem']
const MAPPED: readonly Line[] = [
  ['mapped_file', 'file_mapped'],
  ['dirty', 'file_dirty'],
  ['writeback', 'file_writeback'],
]
const REFAULTS: readonly Line[] = [
  ['workingset_refault_anon', 'workingset_refault_anon'],
  ['workingset_refault_file', 'workingset_refault_file'],
]
const SWAP: Line = ['swap', 'swap']
const SWAPCACHED: Line = ['swapcached', 'swapcached']

/** The first lines, by kernel. */
const MEMORY: Readonly<Record<Features['v1MemoryStat'], readonly Line[]>> = {
  '4.2': [...CACHE, ...MAPPED, SWAP],
  '4.19': [...CACHE, SHMEM, ...MAPPED, SWAP],
  '6.1': [...CACHE, SHMEM, ...MAPPED, ...REFAULTS, SWAP],
  '7.1': [...CACHE, SHMEM, ...MAPPED, ...REFAULTS, SWAP, SWAPCACHED],
}

const same = (name: StatName): Line => [name, name]
const REST: readonly Line[] = [
  ...(['pgpgin', 'pgpgout', 'pgfault', 'pgmajfault'] as const).map(same),
  ...(['inactive_anon', 'active_anon', 'inactive_file', 'active_file', 'unevictable'] as const).map(same),
]

/** Lines about swap exist where it is accounted. */
function linesOf({ v1MemoryStat }: Features, { swapAccounting }: Machine): readonly Line[] {
  const lines = [...MEMORY[v1MemoryStat], ...REST]
  return swapAccounting ? lines : lines.filter(line => line !== SWAP && line !== SWAPCACHED)
}

type Read = (e: Engine, m: MemCgroup, item: number) => number

export function showStatV1(out: TextBuffer, { css, tree: { engine } }: Access): undefined {
  const m = css.memcg!
  const { features, machine } = engine
  const show = (prefix: string, read: Read): void => {
    for (const [name, item] of linesOf(features, machine)) {
      out.text(prefix).text(name).text(' ')
      out.bytesOf(read(engine, m, STAT[item]), printedUnit(engine, STAT[item])).newline()
    }
  }
  flushForReader(engine, m)
  show('', readLocalStat)
  showLimit(out, engine, m, 'memory')
  if (machine.swapAccounting) showLimit(out, engine, m, 'memsw')
  show('total_', readStat)
}

/** The limit that holds for `m`: the least of its own and those above. */
function showLimit(out: TextBuffer, { counters, machine }: Engine, m: MemCgroup, which: 'memory' | 'memsw'): void {
  let least = PAGE_COUNTER_MAX
  for (let level: MemCgroup | null = m; level !== null && level[which] !== NO_COUNTER; level = level.parent)
    least = Math.min(least, maxOf(counters, level[which]))
  out.text(`hierarchical_${which}_limit `).limitOf(least, machine.pageSize).newline()
}
