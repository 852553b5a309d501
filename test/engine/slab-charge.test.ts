// Seed 002: kernel memory against memory.high and memory.max, with every answer of the thread. The numbers are those of
// the tables of charge-reclaim.md §4.4, which stand in memory-high-claims.ts for the experiment as well.
import t from 'tap'
import { measureRow, valuesOf } from '../../src/experiments/memory-high.ts'
import { nameOf, TABLES } from '../../src/experiments/memory-high-claims.ts'

const SCENES = {
  A: 'WE-08: is memory.high honoured while slab grows?',
  B: 'WE-09: at memory.max big slabs fall back to small ones, for nothing',
  C: 'WE-10: with SLAB objects come from the other node instead',
  D: 'WE-10b: what cannot wait fails when the task has been in the kernel for long',
} as const

for (const [scenario, title] of Object.entries(SCENES))
  t.test(title, t => {
    for (const row of TABLES.filter(each => each.scenario === scenario))
      t.strictSame(valuesOf(row, measureRow(row)), row.expected, nameOf(row))
    t.end()
  })
