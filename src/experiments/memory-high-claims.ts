/**
 * What the scenarios of the thread of 2015 come to: the tables of charge-reclaim.md §4.4, computed there with a model of
 * their own. The thread has no numbers.
 */
import type { Claim } from './experiment.ts'
import { OBJECTS, type Play, type SCENARIOS } from './slab-charge.ts'

/** What is looked at, in the order of the report; not everything in every scenario. */
export const MEASURED = {
  usage: { what: 'usage at the end of the stream', unit: 'pages' },
  stock: { what: 'of these in the stock', unit: 'pages' },
  peak: { what: 'peak', unit: 'pages' },
  after: { what: 'usage back in user space', unit: 'pages' },
  cache: { what: 'cache left', unit: 'pages' },
  reclaimed: { what: 'reclaimed', unit: 'pages' },
  high: { what: '`high` events', unit: '' },
  return: { what: '`high` events of the return', unit: '' },
  max: { what: '`max` events', unit: '' },
  fallback: { what: 'slabs of the smallest order', unit: '' },
  large: { what: 'slabs of order 3', unit: '' },
  node0: { what: 'slab pages on node 0', unit: '' },
  node1: { what: 'slab pages on node 1', unit: '' },
  hit: { what: 'objects of the wanted node', unit: '' },
  miss: { what: 'objects of the other node', unit: '' },
  refused: { what: 'requests refused that cannot wait, of 256', unit: '' },
} as const

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
    const { what, unit } = MEASURED[measured]
    const value = each.expected[measured]!
    const name = nameOf(each)
    return {
      id: `${name} ${measured}`,
      what: `${name}: ${what}`,
      unit,
      thread: '',
      band: { least: value, most: value },
    }
  }),
)
