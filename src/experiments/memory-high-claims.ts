/**
 * What the scenarios of the thread of 2015 come to: the tables of charge-reclaim.md §4.4, computed there with a model of
 * their own. The thread has no numbers.
 */
import type { Claim } from './experiment.ts'
import { OBJECTS, type Play, type SCENARIOS } from './slab-charge.ts'

/** What is looked at, in the order of the report; not everything in every scenario. Pages where nothing else is said. */
export const MEASURED = {
  usage: 'usage',
  stock: 'in stock',
  peak: 'peak',
  after: 'after return',
  cache: 'cache left',
  reclaimed: 'reclaimed',
  high: '`high`',
  return: '`high` at return',
  max: '`max`',
  fallback: 'small slabs',
  large: 'big slabs',
  node0: 'node 0',
  node1: 'node 1',
  hit: 'objects there',
  miss: 'elsewhere',
  refused: 'refused of 256',
} as const

const TITLES = {
  A: 'A: memory.high 4608, memory.max 16384, 4096 pages of cache. Usage at the end of the stream',
  B: 'B: no memory.high, memory.max 8192, 6144 pages of cache',
  C: 'C: the same with SLAB on two nodes: slab pages by node, objects on the wanted node',
  D: 'D: memory.high 6144, memory.max 8192, 6000 pages of cache; then requests that cannot wait',
} as const satisfies Record<keyof typeof SCENARIOS, string>

export type Measured = keyof typeof MEASURED

/** One row of a table: a way to play a scenario, and what comes out. */
export interface TableRow {
  readonly scenario: keyof typeof SCENARIOS
  readonly play: Play
  readonly expected: Readonly<Partial<Record<Measured, number>>>
}

const row = (
  scenario: TableRow['scenario'],
  charge: Play['charge'],
  perCall: number,
  expected: TableRow['expected'],
): TableRow => ({ scenario, play: { charge, perCall }, expected })

const ONE_CALL = OBJECTS

const fallen = { max: 64, reclaimed: 2048, large: 448, fallback: 512 }
const waited = { max: 64, reclaimed: 2048, large: 512, fallback: 0 }
const missed = { node0: 64, node1: 4032, hit: 16_128, miss: 256, max: 64 }
const local = { node0: 0, node1: 4096, hit: 16_384, miss: 0, max: 64 }
const honoured = { usage: 6128, stock: 0, max: 0, fallback: 0, cache: 2032, refused: 0 }

export const TABLES: readonly TableRow[] = [
  row('A', 'none', ONE_CALL, { usage: 8192, peak: 8192, after: 8192, cache: 4096, high: 0, max: 0, fallback: 0 }),
  row('A', 'with-wait', ONE_CALL, { usage: 4608, peak: 4640, after: 4608, cache: 512, high: 112, max: 0, fallback: 0 }),
  row('A', 'task-work', ONE_CALL, { usage: 8192, peak: 8192, after: 4608, cache: 512, high: 1, max: 0, fallback: 0 }),
  row('A', 'task-work', 1024, { usage: 4608, peak: 4864, after: 4608, cache: 512, high: 14, max: 0, fallback: 0 }),
  row('A', 'both', ONE_CALL, { usage: 8192, peak: 8192, after: 4608, cache: 512, high: 1, max: 0, fallback: 0 }),
  row('B', 'none', ONE_CALL, fallen),
  row('B', 'task-work', ONE_CALL, fallen),
  row('B', 'with-wait', ONE_CALL, waited),
  row('B', 'both', ONE_CALL, waited),
  row('C', 'none', ONE_CALL, missed),
  row('C', 'task-work', ONE_CALL, missed),
  row('C', 'with-wait', ONE_CALL, local),
  row('C', 'both', ONE_CALL, local),
  row('D', 'none', ONE_CALL, {
    usage: 8189,
    stock: 8,
    high: 53,
    return: 0,
    max: 7,
    fallback: 53,
    cache: 4080,
    refused: 245,
  }),
  row('D', 'with-wait', ONE_CALL, { ...honoured, high: 124, return: 0 }),
  row('D', 'task-work', ONE_CALL, {
    usage: 8177,
    stock: 0,
    high: 0,
    return: 1,
    max: 60,
    fallback: 473,
    cache: 4080,
    refused: 241,
  }),
  row('D', 'task-work', 512, { ...honoured, high: 31, return: 0 }),
  row('D', 'both', ONE_CALL, {
    usage: 8176,
    stock: 0,
    high: 0,
    return: 1,
    max: 60,
    fallback: 0,
    cache: 4080,
    refused: 240,
  }),
  row('D', 'both', 512, { ...honoured, high: 31, return: 0 }),
  row('D', 'watermark', ONE_CALL, { ...honoured, usage: 7664, cache: 3568, high: 0, return: 0 }),
]

/** `A task-work 1024`, `A none`. */
export const nameOf = ({ scenario, play }: TableRow): string =>
  `${scenario} ${play.charge}${play.perCall < OBJECTS ? ` ${play.perCall}` : ''}`

export const measuredIn = ({ expected }: TableRow): readonly Measured[] =>
  (Object.keys(MEASURED) as Measured[]).filter(each => expected[each] !== undefined)

export const MEMORY_HIGH_CLAIMS: readonly Claim[] = TABLES.flatMap(each =>
  measuredIn(each).map(measured => {
    const value = each.expected[measured]!
    const name = nameOf(each)
    const column = MEASURED[measured]
    return {
      id: `${name} ${measured}`,
      what: `${name}: ${column}`,
      unit: '',
      thread: '',
      band: { least: value, most: value },
      cell: { table: TITLES[each.scenario], row: name.slice(2), column },
    }
  }),
)
