// Many equal updates in one step leave exactly what they leave one by one, on every generation of statistics.
import fc from 'fast-check'
import t from 'tap'
import type { Engine } from '../../src/engine/engine.ts'
import type { MemCgroup } from '../../src/engine/memcg.ts'
import {
  flushForReader,
  modStat,
  modStatTimes,
  readLocalStat,
  readNodeStat,
  readStat,
  STAT,
  trueStat,
} from '../../src/engine/vmstat.ts'
import { KERNEL_IDS, type KernelId } from '../../src/profiles/features.ts'
import { engineOf, memcgBelow } from '../engine/helpers.ts'

const CPUS = 2

interface Update {
  readonly item: number
  readonly cpu: number
  readonly node: number
  readonly value: number
  readonly times: number
  readonly read: boolean
}

const update = fc.record<Update>({
  item: fc.constantFrom(STAT.anon, STAT.slab_reclaimable, STAT.kernel_stack),
  cpu: fc.nat(CPUS - 1),
  node: fc.nat(1),
  value: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9000, max: 9000 })),
  times: fc.nat(300),
  read: fc.boolean(),
})

/** What readers see, of every memcg after every update. */
function seen(kernel: KernelId, updates: readonly Update[], apply: typeof modStatTimes): number[][] {
  const e = engineOf(kernel, { cpus: CPUS, nodes: 2 })
  const m = memcgBelow(e, memcgBelow(e))
  return updates.map(({ item, cpu, node, value, times, read }) => {
    apply(e, m, item, cpu, value, times, node)
    if (read) flushForReader(e, m)
    return e.memcgs.flatMap(each => [
      readStat(e, each!, item),
      readLocalStat(e, each!, item),
      readNodeStat(e, each!, item, node),
      trueStat(e, each!, item),
    ])
  })
}

const oneByOne = (
  e: Engine,
  m: MemCgroup,
  item: number,
  cpu: number,
  value: number,
  times: number,
  node?: number,
): void => {
  for (let i = 0; i < times; i++) modStat(e, m, item, cpu, value, node)
}

for (const kernel of KERNEL_IDS)
  t.test(`updates at once and one by one, ${kernel}`, async t => {
    fc.assert(
      fc.property(fc.array(update, { maxLength: 20 }), updates => {
        t.same(seen(kernel, updates, modStatTimes), seen(kernel, updates, oneByOne))
      }),
      { numRuns: Number(process.env.MEMCGFS_RUNS ?? 20) },
    )
  })
