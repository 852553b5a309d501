/**
 * Running an experiment and judging what came out: the report as data, and as text for people.
 */
import { assert } from '../assert.ts'
import { stream } from '../rng.ts'
import type { Band, Cell, Claim, Experiment, ParameterValues } from './experiment.ts'
import type { Figure } from './figure/figure.ts'
import { formatNumber } from './numbers.ts'

/** What no simulation can claim (slab-kmem.md §12, §12.6). Part of every report. */
export const LIMITS: readonly string[] = [
  'The rules of the kernel are sufficient to give the reported sizes with these parameters; that the reported machines had these parameters is not shown.',
  'Claimed are the mechanism, the sign, the monotony, the order of magnitude, and exact identities of bookkeeping. Not claimed: megabytes of any real fleet, latency or CPU time, fragmentation. The mixes of tasks and caches are ours.',
]

type Verdict = 'ok' | 'missed' | 'not judged'

export interface Row {
  readonly id: string
  readonly what: string
  readonly unit: string
  readonly thread: string
  readonly value: number
  /** Null when it is not judged. */
  readonly accepted: Band | null
  readonly verdict: Verdict
  readonly cell?: Cell
}

export interface Report {
  readonly experiment: string
  readonly summary: string
  readonly thread: string
  readonly seed: number
  readonly parameters: ParameterValues
  readonly rows: readonly Row[]
  readonly remarks: readonly string[]
  readonly limits: readonly string[]
  readonly missed: number
  readonly figure: Figure
}

export interface RunOptions {
  readonly seed: number
  /** Parameters that differ from their defaults. */
  readonly parameters?: ParameterValues
  readonly progress?: (line: string) => void
}

export function runExperiment(experiment: Experiment, options: RunOptions): Report {
  const { seed, progress = () => {} } = options
  const defaults = Object.fromEntries(experiment.parameters.map(({ name, value }) => [name, value]))
  const parameters = { ...defaults, ...options.parameters }
  const isDefault = Object.entries(parameters).every(([name, value]) => defaults[name] === value)
  const chance = (name: string) => stream(seed, `${experiment.name} ${name}`)
  const { values, remarks = [], figure } = experiment.measure({ seed, parameters, chance, progress })
  const rows = experiment.claims.map(claim => judge(claim, values[claim.id], parameters, isDefault))
  for (const id of Object.keys(values))
    assert(
      rows.some(row => row.id === id),
      `${experiment.name}: there is no claim about ${id}`,
    )
  return {
    experiment: experiment.name,
    summary: experiment.summary,
    thread: experiment.thread,
    seed,
    parameters,
    rows,
    remarks,
    limits: LIMITS,
    missed: rows.filter(({ verdict }) => verdict === 'missed').length,
    figure,
  }
}

function judge(claim: Claim, value: number | undefined, parameters: ParameterValues, isDefault: boolean): Row {
  const { id, what, unit, thread, band, cell } = claim
  assert(value !== undefined, `${id} was not measured`)
  const accepted = typeof band === 'function' ? band(parameters) : isDefault ? band : null
  const verdict = accepted === null ? 'not judged' : isWithin(value, accepted) ? 'ok' : 'missed'
  return { id, what, unit, thread, value, accepted, verdict, ...(cell && { cell }) }
}

const isWithin = (value: number, { least, most }: Band): boolean => value >= least && value <= most

export function formatBand(band: Band | null): string {
  if (band === null) return '-'
  const { least, most } = band
  if (least === most) return formatNumber(least)
  if (most === Number.POSITIVE_INFINITY) return `at least ${formatNumber(least)}`
  if (least === Number.NEGATIVE_INFINITY) return `at most ${formatNumber(most)}`
  return `${formatNumber(least)} … ${formatNumber(most)}`
}

/** The report for people. `width` columns for running text. */
export function reportText(report: Report, width = 100): string {
  const { rows, parameters, seed } = report
  const given = Object.entries(parameters).map(([name, value]) => `${name} ${value}`)
  return [
    `${report.experiment}: ${report.summary}`,
    ...wrap(`Thread: ${report.thread}`, width),
    ...wrap(`Workload: ${[...given, `seed ${seed}`].join(', ')}`, width),
    '',
    ...lines(rows.filter(({ cell }) => cell === undefined)),
    ...comparisons(rows),
    ...report.remarks.flatMap(remark => wrap(remark, width)),
    ...(report.remarks.length > 0 ? [''] : []),
    ...report.limits.flatMap(limit => wrap(limit, width)),
    '',
    outcome(report),
  ].join('\n')
}

/** A line for each number. */
function lines(rows: readonly Row[]): string[] {
  if (rows.length === 0) return []
  const cells = rows.map(row => [
    row.unit === '' ? row.what : `${row.what}, ${row.unit}`,
    row.thread || '-',
    formatNumber(row.value),
    formatBand(row.accepted),
    row.verdict,
  ])
  return [...table(['', 'the thread', 'here', 'accepted', ''], cells), '']
}

/** A table for all numbers that name one, in the order in which tables, rows and columns first come. */
function comparisons(rows: readonly Row[]): string[] {
  const placed = rows.filter(({ cell }) => cell !== undefined)
  const titles = [...new Set(placed.map(({ cell }) => cell!.table))]
  return titles.flatMap(title => {
    const here = placed.filter(({ cell }) => cell!.table === title)
    const columns = [...new Set(here.map(({ cell }) => cell!.column))]
    const names = [...new Set(here.map(({ cell }) => cell!.row))]
    const body = names.map(name => [
      name,
      ...columns.map(column => shown(here.find(({ cell }) => cell!.row === name && cell!.column === column))),
    ])
    return [title, ...table(['', ...columns], body), '']
  })
}

/** What came out, and what would be accepted where that is something else. */
function shown(row: Row | undefined): string {
  if (row === undefined) return ''
  const value = formatNumber(row.value)
  return row.verdict === 'missed' ? `${value} (accepted ${formatBand(row.accepted)})` : value
}

function outcome({ rows, missed }: Report): string {
  const judged = rows.filter(({ verdict }) => verdict !== 'not judged').length
  if (judged === 0) return 'Nothing was judged: the bands hold for the default parameters.'
  if (missed > 0) return `${missed} of ${judged} bands missed.`
  return judged === 1 ? 'The band holds.' : `All ${judged} bands hold.`
}

const LEFT = 0

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map(row => [...row[column]!].length)))
  const pad = (text: string, column: number): string => {
    const blanks = ' '.repeat(widths[column]! - [...text].length)
    const isWord = column === LEFT || (column === head.length - 1 && head[column] === '')
    return isWord ? text + blanks : blanks + text
  }
  return all.map(row => row.map(pad).join('   ').trimEnd())
}

export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
