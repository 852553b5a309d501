/**
 * The counters of the three books of a cgroup's memory, as `stat` prints them: page counters, statistics (as a reader
 * sees them now, and as they are), and what really stands on the lists.
 */
import { failcnt, usage, watermark } from '../engine/counter.ts'
import { LISTS, listPages } from '../engine/foliolist.ts'
import { readStat, STAT, STAT_NAMES, trueStat } from '../engine/vmstat.ts'
import type { Kernel } from '../kernel.ts'
import type { Cgroup } from '../tree/cgroup.ts'
import { memcgFor } from '../tree/spawn.ts'

/** By name with its unit as the last word; zero statistics are left out. */
export function books({ engine, tree }: Kernel, cg: Cgroup): Record<string, number> {
  const m = memcgFor(tree, cg)
  const { counters } = engine
  const values: Record<string, number> = {
    memory_usage_pages: usage(counters, m.memory),
    memory_watermark_pages: watermark(counters, m.memory),
    memory_failcnt: failcnt(counters, m.memory),
    swap_usage_pages: usage(counters, m.swap),
    stocked_pages: engine.stocks.pages.reduce(
      (sum, n, slot) => sum + (engine.stocks.memcg[slot] === m.slot ? n : 0),
      0,
    ),
    folio_references: m.pins.folios,
  }
  for (const list of LISTS) {
    let pages = 0
    for (let node = 0; node < engine.machine.nodes; node++) pages += listPages(engine, m, node, list)
    if (pages > 0) values[`list_${list}_pages`] = pages
  }
  for (const name of STAT_NAMES) {
    const shown = readStat(engine, m, STAT[name])
    const real = trueStat(engine, m, STAT[name])
    if (shown !== 0 || real !== 0) {
      values[`stat_${name}`] = shown
      values[`true_${name}`] = real
    }
  }
  return values
}
