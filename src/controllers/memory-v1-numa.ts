/** memory.numa_stat of version 1: pages on the lists by node, here and with everything below. Kernel: memcg_numa_stat_show. */
import type { Engine } from '../engine/engine.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { flushForReader, readLocalNodeStat, readNodeStat, STAT, type StatName } from '../engine/vmstat.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Access } from '../tree/controller.ts'
import type { NodeNumber, Pages } from '../units.ts'

const FILE: readonly StatName[] = ['inactive_file', 'active_file']
const ANON: readonly StatName[] = ['inactive_anon', 'active_anon']
const UNEVICTABLE: readonly StatName[] = ['unevictable']
const LINES = [
  ['total', [...FILE, ...ANON, ...UNEVICTABLE]],
  ['file', FILE],
  ['anon', ANON],
  ['unevictable', UNEVICTABLE],
] as const

type Read = (e: Engine, m: MemCgroup, item: number, node: NodeNumber) => number

export function showNumaStatV1(out: TextBuffer, { css, tree: { engine } }: Access): undefined {
  const m = css.memcg!
  flushForReader(engine, m)
  for (const [prefix, read] of [
    ['', readLocalNodeStat],
    ['hierarchical_', readNodeStat],
  ] as const satisfies readonly (readonly [string, Read])[])
    for (const [name, items] of LINES) {
      const pages: Pages[] = []
      for (let node = 0; node < engine.machine.nodes; node++)
        pages.push(items.reduce((sum, item) => sum + read(engine, m, STAT[item], node), 0))
      out.text(`${prefix}${name}=`).number(pages.reduce((sum, each) => sum + each, 0))
      for (const [node, each] of pages.entries()) out.text(` N${node}=`).number(each)
      out.newline()
    }
}
