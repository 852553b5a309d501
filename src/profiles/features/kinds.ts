/**
 * How a row of the table of features is written: its value on every kernel id, what differs, where that was read, and
 * the test that shows it.
 *
 * A row's cells stand in the order of KERNEL_IDS. `.` repeats the value on its left, `-` means the feature does not
 * apply there (nothing reads it; the nearest value to the right is kept, or to the left where none is), and a `?` after
 * a value marks one that was bracketed or recollected rather than read in that tree. People write the names in
 * snake_case; the mapping is mechanical.
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
export interface ValueKind<T> {
  /** What is accepted, to stand after "it is" in a message. */
  readonly accepts: string
  readonly parse: (text: string) => T | undefined
  readonly print: (value: T) => string
}

/** A feature is shown by a test, has its behaviour from a later step on, or makes no difference to this model. */
type Shown =
  | { readonly test: string; readonly step?: never; readonly unseen?: never }
  | { readonly step: number; readonly test?: never; readonly unseen?: never }
  | { readonly unseen: string; readonly test?: never; readonly step?: never }

/** One row of the table. */
type Row = Shown & {
  readonly cells: string
  /** What differs, in one sentence. */
  readonly about: string
  /** Kernel file and version, commit or thread. */
  readonly source: string
}

export interface Feature<T> extends ValueKind<T> {
  readonly about: string
  readonly source: string
  /** Name of the test that shows it. */
  readonly test: string | undefined
  /** The step of the project that brings its behaviour. */
  readonly step: number | undefined
  /** Why it makes no difference to this model. */
  readonly unseen: string | undefined
  /** One value per kernel id. */
  readonly values: readonly T[]
  /** Kernel ids whose value was not read in that tree. */
  readonly recollected: readonly KernelId[]
  /** Kernel ids on which it means nothing. */
  readonly absent: readonly KernelId[]
}

function feature<T>(kind: ValueKind<T>, { cells, about, source, test, step, unseen }: Row): Feature<T> {
  const columns = cells.trim().split(/\s+/)
  if (columns.length !== KERNEL_IDS.length)
    throw new Error(`${columns.length} values for ${KERNEL_IDS.length} kernels: ${cells}`)
  const written: string[] = []
  for (const column of columns) written.push(column === '.' ? written.at(-1)! : column)
  const idsOf = (is: (cell: string) => boolean): KernelId[] => KERNEL_IDS.filter((_, i) => is(written[i]!))
  const given = written.map(cell => {
    if (cell === '-') return undefined
    const value = kind.parse(cell.replace(/\?$/, ''))
    if (value === undefined) throw new Error(`${cell} is no value of: ${about}`)
    return value
  })
  const values = given.map((value, i) => value ?? given.slice(i).find(isGiven) ?? given.slice(0, i).findLast(isGiven)!)
  const recollected = idsOf(cell => cell.endsWith('?'))
  const absent = idsOf(cell => cell === '-')
  return { ...kind, about, source, test, step, unseen, values, recollected, absent }
}

const isGiven = <T>(value: T | undefined): value is T => value !== undefined

export const INTEGER: ValueKind<number> = {
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

/** One of some words. */
export const oneOf = <const W extends readonly string[]>(words: W): ValueKind<W[number]> => ({
  accepts: words.length === 1 ? words[0]! : `one of ${words.join(', ')}`,
  parse: text => (words.includes(text) ? (text as W[number]) : undefined),
  print: value => value,
})

/** Some of these words, joined by commas; kept in the order of the list. */
const someOf = <const W extends readonly string[]>(words: W): ValueKind<readonly W[number][]> => ({
  accepts: `any of ${words.join(', ')}, joined by commas`,
  parse: text => {
    const given = text.split(',')
    return given.every(each => words.includes(each)) ? words.filter(each => given.includes(each)) : undefined
  },
  print: values => values.join(','),
})

export const integer = (row: Row): Feature<number> => feature(INTEGER, row)
export const flag = (row: Row): Feature<boolean> => feature(FLAG, row)
export const formula = (row: Row): Feature<PerNode> => feature(PER_NODE, row)

type WordRow<W extends readonly string[]> = Row & { readonly words: W }

export const word = <const W extends readonly string[]>(row: WordRow<W>): Feature<W[number]> =>
  feature(oneOf(row.words), row)
export const subset = <const W extends readonly string[]>(row: WordRow<W>): Feature<readonly W[number][]> =>
  feature(someOf(row.words), row)

/** A feature whatever its values are. */
// biome-ignore lint/suspicious/noExplicitAny: print takes what parse gives; which type that is, each row knows.
export type AnyFeature = Feature<any>
