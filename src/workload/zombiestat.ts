/** `.memcgfs/zombie_stat` and `.memcgfs/zombie_series`: what removed cgroups have left behind, now and over time (docs/zombies.md). */
import { METRICS, measureZombies } from '../engine/zombiemetrics.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Kernel } from '../kernel.ts'
import { pathOf } from '../tree/cgroup.ts'

/** A line `name value` for each number; behind them who pays for memory that came from removed cgroups. */
export function showZombieStat(out: TextBuffer, { engine, tree }: Kernel): undefined {
  const { values, tax, longestDeferred } = measureZombies(engine)
  for (const name of METRICS) out.text(`${name} ${values[name]}\n`)
  out.text(`deferred_longest_ns ${longestDeferred}\n`)
  for (const [m, pages] of tax)
    out.text(`parent_tax_pages:${pathOf(tree.cssOfMemcg[m.slot]!.cgroup)} ${pages}`).newline()
  return undefined
}

/** A line of names, and one for each second in which something changed: its end in nanoseconds, and the numbers. */
export function showZombieSeries(out: TextBuffer, { engine }: Kernel): undefined {
  out.text(`clock ${METRICS.join(' ')}\n`)
  for (const { at, values } of engine.zombies.series) out.text(`${at} ${values.join(' ')}\n`)
  return undefined
}
