/**
 * How a row of the table of features is written: what differs, where that was read, the test that shows it and its
 * value on every kernel id.
 *
 * A row's values stand in the order of KERNEL_IDS. `.` repeats the value on its left, `-` means the feature does not
 * apply there (the next value to the right is taken, and nothing reads it), and a `?` after a value marks one that was
 * bracketed or recollected rather than read in that tree. People write the names in snake_case; the mapping is mechanical.
 */

import type { Bytes } from '../../units.ts'

export const KERNEL_IDS = [
  '4.2',
  '4.3',
  '4.4',
  '4.19',
  '5.2',
  '5.3',
  '5.5',
  '5.8',
  '5.9',
  '5.15',
  '6.1',
  '6.12',
  '6.18',
  '7.1',
] as const
export type KernelId = (typeof KERNEL_IDS)[number]

/** How values of one kind are written. */
interface ValueKind<T> {
  /** What is accepted, for messages. */
  readonly accepts: string
  readonly parse: (text: string) => T | undefined
  readonly print: (value: T) => string
}

interface Notes {
  /** Kernel file and version, commit or thread. */
  readonly source: string
  /** Name of the test that shows it. */
  readonly test: string
}

export interface Feature<T> extends ValueKind<T>, Notes {
  /** What differs. */
  readonly about: string
  /** One value per kernel id. */
  readonly values: readonly T[]
  /** Kernel ids whose value was not read in that tree. */
  readonly recollected: readonly KernelId[]
}

function feature<T>(kind: ValueKind<T>, about: string, cells: string, notes: Notes): Feature<T> {
  const columns = cells.trim().split(/\s+/)
  if (columns.length !== KERNEL_IDS.length)
    throw new Error(`${columns.length} values for ${KERNEL_IDS.length} kernels: ${cells}`)
  const recollected: KernelId[] = []
  const values: (T | undefined)[] = []
  for (const [i, column] of columns.entries()) {
    const isRepeated = column === '.'
    if (column.endsWith('?') || (isRepeated && recollected.at(-1) === KERNEL_IDS[i - 1]))
      recollected.push(KERNEL_IDS[i]!)
    const cell = column.replace(/\?$/, '')
    const value = isRepeated ? values[i - 1] : cell === '-' ? undefined : kind.parse(cell)
    if (!isRepeated && cell !== '-' && value === undefined) throw new Error(`${cell} is no value of: ${about}`)
    values.push(value)
  }
  for (let i = values.length - 2; i >= 0; i--) values[i] ??= values[i + 1]
  return { ...kind, about, ...notes, values: values as T[], recollected }
}

const INTEGER: ValueKind<number> = {
  accepts: 'a whole number from 0 up',
  parse: text => (/^\d{1,15}$/.test(text) ? Number(text) : undefined),
  print: String,
}

const YES = ['yes', 'on', 'true', '1']
const NO = ['no', 'off', 'false', '0']
export const FLAG: ValueKind<boolean> = {
  accepts: 'yes or no',
  parse: text => (YES.includes(text) ? true : NO.includes(text) ? false : undefined),
  print: value => (value ? 'yes' : 'no'),
}

/** Bytes that grow with the number of nodes: `1024+496n`. */
export interface PerNode {
  readonly fixed: Bytes
  readonly perNode: Bytes
}

const PER_NODE: ValueKind<PerNode> = {
  accepts: 'bytes as FIXED+PERNODEn, such as 1024+496n',
  parse: text => {
    const match = /^(\d+)\+(\d+)n$/.exec(text)
    return match === null ? undefined : { fixed: Number(match[1]), perNode: Number(match[2]) }
  },
  print: ({ fixed, perNode }) => `${fixed}+${perNode}n`,
}

export const integer = (about: string, cells: string, notes: Notes): Feature<number> =>
  feature(INTEGER, about, cells, notes)
export const flag = (about: string, cells: string, notes: Notes): Feature<boolean> => feature(FLAG, about, cells, notes)
export const formula = (about: string, cells: string, notes: Notes): Feature<PerNode> =>
  feature(PER_NODE, about, cells, notes)

export const word = <const W extends readonly string[]>(
  words: W,
  about: string,
  cells: string,
  notes: Notes,
): Feature<W[number]> =>
  feature<W[number]>(
    {
      accepts: `one of ${words.join(', ')}`,
      parse: text => (words.includes(text) ? (text as W[number]) : undefined),
      print: value => value,
    },
    about,
    cells,
    notes,
  )

/** A feature whatever its values are. */
// biome-ignore lint/suspicious/noExplicitAny: print takes what parse gives; which type that is, each row knows.
export type AnyFeature = Feature<any>
