/**
 * `.memcgfs/vmstat`: each line of memory.stat as a reader would find it now, beside what is true, and how far it is off;
 * on the root, for the whole machine. Looking changes nothing: nothing is flushed.
 */
import { usage } from '../engine/counter.ts'
import type { Engine } from '../engine/engine.ts'
import { slabInStocks, stockedBelow } from '../engine/held.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { printedUnit, STAT, STAT_NAMES, statOnRead, trueStat } from '../engine/vmstat.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Kernel } from '../kernel.ts'
import type { Cgroup } from '../tree/cgroup.ts'
import { memcgFor } from '../tree/spawn.ts'

const real = (e: Engine, m: MemCgroup, item: number): number => trueStat(e, m, item) + slabInStocks(e, m, item)

const line = (out: TextBuffer, name: string, shown: number, value: number): void =>
  void out.text(`${name} ${shown} ${value} ${shown - value}\n`)

export function showVmstat(out: TextBuffer, { engine, tree }: Kernel, cg: Cgroup): void {
  const m = memcgFor(tree, cg)
  const { vmstats, features, machine, counters } = engine
  out.text(`# vmstat=${features.vmstat}\n# line shown true error\n`)
  if (m.parent !== null) {
    const charged = usage(counters, m.memory) * machine.pageSize
    line(out, 'memory.current', charged, charged - stockedBelow(engine, m) * machine.pageSize)
  }
  for (const { name, items } of vmstats.lines) {
    const unit = printedUnit(engine, items[0]!)
    const sum = (value: typeof real): number => items.reduce((total, item) => total + value(engine, m, item) * unit, 0)
    line(out, name, sum(statOnRead), sum(real))
  }
  for (const name of STAT_NAMES) {
    const item = STAT[name]
    const value = trueStat(engine, m, item) * printedUnit(engine, item)
    // The kernel has no such line; the model knows nevertheless.
    if (!vmstats.counted[item] && value !== 0) out.text(`${name} - ${value} -\n`)
  }
}
