/** `memcgfs kernels`: what can be mounted, and what differs. */
import {
  closeFeatures,
  differences,
  type FeatureRow,
  featureRows,
  findFeature,
  findKernel,
  type KernelRow,
  kernelRows,
  presetRows,
  whyIdle,
} from '../api/kernels.ts'
import { type Command, readArguments, UsageError } from './command.ts'

const HELP = `memcgfs kernels [ID | ID ID | KEY] [--json]

  memcgfs kernels              the kernels that can be mounted, with what each is for
  memcgfs kernels 5.3          every feature of one, with its meaning
  memcgfs kernels 5.2 5.3      what differs between two
  memcgfs kernels KEY          one feature: its values from kernel to kernel, where that was read, what shows it
  --json                       the same for programs; without a word the whole table

A kernel here is a table of features. memcgfs mount DIR --kernel ID takes one, --with KEY=VALUE switches single features
of it: mount 5.3 --with slab_flush_at_offline=none is 5.3 with one fix. docs/kernels.md has the presets, too.`

const WIDTH = 120
/** A wider value pushes its neighbour aside, and not the whole column. */
const WIDEST = 24

export const kernelsCommand: Command = {
  name: 'kernels',
  summary: 'the kernels that can be mounted, and what differs between them',
  help: HELP,
  async run(args) {
    const { values, positionals } = readArguments('kernels', args, { json: { type: 'boolean', default: false } })
    const { data, text } = answer(positionals)
    console.log(values.json ? JSON.stringify(data, undefined, 2) : text())
    return 0
  },
}

interface Answer {
  readonly data: unknown
  readonly text: () => string
}

function answer([first, second, ...more]: readonly string[]): Answer {
  if (more.length > 0) throw new UsageError(`kernels: one or two words are wanted, not also "${more[0]}"`)
  if (first === undefined)
    return { data: { kernels: kernelRows(), features: featureRows(), presets: presetRows() }, text: overview }
  if (second !== undefined) return comparison(kernelNamed(first), kernelNamed(second))
  const feature = findFeature(first)
  if (feature !== undefined) return { data: feature, text: () => oneFeature(feature) }
  const kernel = kernelNamed(first)
  const features = featureRows().map(each => onlyOf(each, [kernel.id]))
  return { data: { ...kernel, features }, text: () => oneKernel(kernel) }
}

function comparison({ id: a }: KernelRow, { id: b }: KernelRow): Answer {
  const rows = differences(a, b)
  return { data: rows.map(each => onlyOf(each, [a, b])), text: () => differencesText(a, b, rows) }
}

/** A feature with its values on these kernels alone. */
const onlyOf = (row: FeatureRow, ids: readonly KernelRow['id'][]): FeatureRow => ({
  ...row,
  values: Object.fromEntries(ids.map(id => [id, row.values[id]!])),
  recollected: row.recollected.filter(id => ids.includes(id)),
})

function kernelNamed(word: string): KernelRow {
  const kernel = findKernel(word)
  if (kernel !== undefined) return kernel
  const ids = kernelRows().map(each => each.id)
  const hint = /^v?\d/.test(word) ? '' : `; features with such a name are ${closeFeatures(word).join(', ')}`
  throw new UsageError(`kernels: "${word}" is none; kernels are ${ids.join(', ')}${hint}`)
}

function overview(): string {
  const rows = kernelRows().map(
    ({ id, release, about, default: usual }) => `${usual ? '*' : ' '} ${id.padEnd(5)} ${release.padEnd(9)} ${about}`,
  )
  return [
    '  ID    Linux     what it is for',
    ...rows,
    '',
    '* without --kernel. "memcgfs kernels 5.2 5.3" says what differs between two, "memcgfs kernels 5.3" what one has;',
    '"memcgfs mount DIR --kernel 5.3 --with KEY=VALUE" mounts it with one feature switched.',
  ].join('\n')
}

function oneKernel({ id, release, about }: KernelRow): string {
  const lines = [`Linux ${id} (${release}): ${about}`]
  let section = ''
  for (const row of featureRows()) {
    if (row.section !== section) {
      section = row.section
      lines.push('', section)
    }
    lines.push(`  ${row.key} = ${shown(row, id)}${later(row)}`, ...wrap(row.about, 6))
  }
  return [...lines, '', ...LEGEND].join('\n')
}

function differencesText(a: string, b: string, rows: readonly FeatureRow[]): string {
  if (rows.length === 0) return `Nothing is known to differ between ${a} and ${b}.`
  const cell = (row: FeatureRow, id: string): string => shown(row, id).padEnd(first)
  const first = Math.max(a.length, ...rows.map(row => shown(row, a).length).filter(length => length <= WIDEST))
  const key = Math.max(...rows.map(row => row.key.length))
  const lines = [`  ${''.padEnd(key)}  ${a.padEnd(first)}  ${b}`]
  for (const row of rows)
    lines.push(`  ${row.key.padEnd(key)}  ${cell(row, a)}  ${shown(row, b)}${later(row)}`, ...wrap(row.about, 6))
  const count = rows.length === 1 ? '1 feature differs' : `${rows.length} features differ`
  return [`${count} between Linux ${a} and ${b}`, '', ...lines, '', ...LEGEND].join('\n')
}

function oneFeature(row: FeatureRow): string {
  return [
    row.key,
    ...wrap(row.about, 2),
    '',
    ...row.history.map(({ from, value }) => `  from ${from.padEnd(5)} ${value}`),
    '',
    `  read in   ${row.source}`,
    row.modelled ? `  shown by  ${row.test}` : `  ${whyIdle(row)}`,
    `  --with ${row.key}=VALUE takes ${row.accepts}`,
    ...(row.recollected.length === 0 ? [] : [`  recollected, not read: ${row.recollected.join(', ')}`]),
  ].join('\n')
}

const LEGEND = [
  '? was bracketed or recollected, not read in that tree. - means nothing there. (step N) is not modelled yet.',
  '(no difference) is not seen in this model: "memcgfs kernels KEY" says why.',
]

const shown = ({ values, recollected }: FeatureRow, id: string): string =>
  `${values[id] ?? '-'}${recollected.some(each => each === id) ? ' ?' : ''}`

const later = ({ step, unseen }: FeatureRow): string =>
  step !== null ? `  (step ${step})` : unseen !== null ? '  (no difference)' : ''

/** Lines of at most WIDTH characters. */
function wrap(text: string, indent: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line].map(each => ' '.repeat(indent) + each)
}
