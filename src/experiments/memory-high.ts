/** Is memory.high honoured while kernel memory grows? The thread of August 2015 with its answers (seed 002). */
import type { Experiment, Findings, Surroundings } from './experiment.ts'
import type { LinesPanel } from './figure/figure.ts'
import { MEMORY_HIGH_CLAIMS, type Measured, measuredIn, nameOf, TABLES, type TableRow } from './memory-high-claims.ts'
import { type Outcome, play, SCENARIOS, type Scenario } from './slab-charge.ts'

/** In scenario A the cache that is left is looked at in user space, in the others at the end of the stream. */
const cacheLeft = ({ scenario }: TableRow, { end, after }: Outcome): number => (scenario === 'A' ? after : end).cache

const VALUES: Readonly<Record<Measured, (outcome: Outcome, row: TableRow) => number>> = {
  usage: ({ end }) => end.usage,
  stock: ({ end }) => end.stock,
  peak: ({ debug }) => debug.peak!,
  after: ({ after }) => after.usage,
  cache: (outcome, row) => cacheLeft(row, outcome),
  reclaimed: ({ end }, { scenario }) => SCENARIOS[scenario].cache - end.cache,
  high: ({ end, after }, { scenario }) => (scenario === 'A' ? after : end).high,
  return: ({ end, after }) => after.high - end.high,
  max: ({ end }) => end.max,
  fallback: ({ debug }) => debug.order_fallback!,
  large: ({ debug }) => debug.high_order_slabs!,
  node0: ({ debug }) => debug.slab_pages_node0!,
  node1: ({ debug }) => debug.slab_pages_node1!,
  hit: ({ debug }) => debug.numa_hit!,
  miss: ({ debug }) => debug.numa_miss!,
  refused: ({ refused }) => refused,
}

/** With a watermark memory.high is left out: it is to be seen alone. */
function scenarioOf({ scenario, play: { charge } }: TableRow): Scenario {
  return charge === 'watermark' ? { ...SCENARIOS[scenario], high: 'max' } : SCENARIOS[scenario]
}

export const measureRow = (row: TableRow): Outcome => play(scenarioOf(row), row.play)

/** What the table has in a row. */
export const valuesOf = (row: TableRow, outcome: Outcome): Partial<Record<Measured, number>> =>
  Object.fromEntries(measuredIn(row).map(measured => [measured, VALUES[measured](outcome, row)]))

function measure({ progress }: Surroundings): Findings {
  const played = TABLES.map(row => {
    progress(nameOf(row))
    return { row, outcome: measureRow(row) }
  })
  const values = played.flatMap(({ row, outcome }) =>
    Object.entries(valuesOf(row, outcome)).map(([measured, value]) => [`${nameOf(row)} ${measured}`, value] as const),
  )
  const panel = (scenario: 'A' | 'D', title: string): LinesPanel => ({
    kind: 'lines',
    title,
    x: 'objects of 1 KiB',
    y: 'usage in pages',
    series: played
      .filter(({ row }) => row.scenario === scenario)
      .map(({ row, outcome }) => ({ name: nameOf(row).slice(2), points: outcome.points })),
  })
  return {
    values: Object.fromEntries(values),
    remarks: [
      'Reclaim on the return to user space keeps memory.high for calls of ordinary length, and does nothing for a long stay in the kernel or for memory.max. Charging with the flags of the caller keeps memory.high and needs no smaller slabs. A watermark below memory.max is what helps requests that cannot wait, whatever the allocator does.',
      'No released 4.3 charged kernel memory on version 2: slab_charge=… switches that on as well (kmem_on_v2=yes).',
    ],
    figure: {
      title: 'Kernel memory against memory.high and memory.max',
      panels: [panel('A', 'memory.high 4608, memory.max 16384'), panel('D', 'memory.high 6144, memory.max 8192')],
    },
  }
}

export const memoryHigh: Experiment = {
  name: 'memory-high',
  summary: 'kernel memory grows past memory.high on 4.3, and what was proposed against it',
  thread: 'mm/slab: skip memcg reclaim only if in atomic context, V. Davydov, August 2015 (seed 002)',
  about: [
    'A cgroup holds clean page cache and takes 16384 objects of 1 KiB, 4096 pages of slab, on one CPU of 4.3. The slab allocator asks for big slabs, or for slabs of the wanted node, without waiting, because it can fall back; a charge that may not wait looks at no memory.high, and at memory.max fails.',
    'Played with each answer of the thread: none; with-wait (charge with the flags of the caller); task-work (reclaim on the return to user space, as 4.4 has it); both; watermark (keep a gap below memory.max). A number behind the name is how many objects one system call takes; without, the task stays in the kernel for all of them.',
    'A: is memory.high honoured? B: smaller slabs at memory.max. C: objects of the other node, with SLAB. D: then 256 single pages are asked for by something that cannot wait.',
    'On a mount: memcgfs mount DIR --kernel 4.3 --cpus 1 --with slab_charge=none --with reclaim=ideal --with cache_create_bypass=0; then cache, task, file, read and kmalloc … syscall=N in .memcgfs/do, and memory.events and .memcgfs/slab_debug.',
  ],
  parameters: [],
  claims: MEMORY_HIGH_CLAIMS,
  measure,
}
