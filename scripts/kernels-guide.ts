/**
 * The generated parts of docs/kernels.md: between two comments stands what the tables of the model say. Run through
 * `scripts/docs`, it writes them anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { type FeatureRow, featureRows, kernelRows, presetRows, whyIdle } from '../src/api/kernels.ts'
import { snakeCase } from '../src/profiles/names.ts'
import { type AnyKey, LATER_OPTIONS, MACHINE_KEYS, OPTION_KEYS } from '../src/workload/keys.ts'

export const GUIDE = new URL('../docs/kernels.md', import.meta.url)

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const code = (text: string): string => `\`${text}\``
const table = (heads: readonly string[], rows: readonly string[]): string =>
  [row(...heads), `|${'---|'.repeat(heads.length)}`, ...rows].join('\n')

const kernels = (): string =>
  table(
    ['id', 'Linux', 'what it is for'],
    kernelRows().map(({ id, release, about }) => row(code(id), release, about)),
  )

function presets(): string {
  const rows = presetRows().map(({ setting, about, on, sets }) => {
    const settings = Object.entries(sets).map(([key, value]) => `${key}=${value}`)
    const where = on.length === kernelRows().length ? 'all' : `${on[0]} to ${on.at(-1)}`
    return row(code(setting), where, about, code(settings.join(' ')))
  })
  return table(['setting', 'on', 'what it stands for', 'sets'], rows)
}

function keys(of: Readonly<Record<string, AnyKey>>): string {
  const rows = Object.entries(of).map(([name, { kind, usual, about, fixed }]) =>
    row(code(snakeCase(name)), kind.print(usual), kind.accepts, `${about}${fixed ? ' Fixed at mount.' : ''}`),
  )
  return table(['key', 'usually', 'takes', ''], rows)
}

const later = (): string => {
  const names = Object.entries(LATER_OPTIONS).map(([name, step]) => `${code(snakeCase(name))} (step ${step})`)
  return `Not modelled yet: ${names.join(', ')}.`
}

/** `32`, 6.1: `64`; a value that was not read in its tree carries a question mark. */
function history({ history, recollected }: FeatureRow): string {
  const changes = history.map(({ from, value }) => {
    const since = from === kernelRows()[0]!.id ? '' : `${from}: `
    return `${since}${code(value)}${recollected.includes(from) ? ' ?' : ''}`
  })
  return changes.join(', ')
}

function features(): string {
  const rows = featureRows()
  const sections = [...new Set(rows.map(({ section }) => section))].map(section => {
    const own = rows.filter(each => each.section === section)
    const lines = own.map(each => row(code(each.key), history(each), each.about, each.test ?? whyIdle(each)))
    return `### ${section}\n\n${table(['key', 'values', 'what differs', 'shown by'], lines)}`
  })
  return sections.join('\n\n')
}

const PARTS: Readonly<Record<string, () => string>> = {
  kernels,
  presets,
  machine: () => keys(MACHINE_KEYS),
  model: () => `${keys(OPTION_KEYS)}\n\n${later()}`,
  features,
}

/** The guide with its generated parts as they should be. */
export function fillGuide(guide: string): string {
  let filled = guide
  for (const [name, part] of Object.entries(PARTS)) {
    const [begin, end] = [`<!-- begin ${name} -->\n`, `\n<!-- end ${name} -->`]
    const from = filled.indexOf(begin)
    const to = filled.indexOf(end)
    if (from === -1 || to < from) throw new Error(`docs/kernels.md has no part ${name}`)
    filled = `${filled.slice(0, from)}${begin}${part()}${filled.slice(to)}`
  }
  return filled
}

if (argv[1] === fileURLToPath(import.meta.url)) writeFileSync(GUIDE, fillGuide(readFileSync(GUIDE, 'utf8')))
