/** The differences of two recordings as text for people: hunks of a unified diff under the line they belong to. */
import type { Difference, Found, OneSided } from './compare.ts'
import { mergeLines, unified } from './lines.ts'

/** Unchanged lines around a change. */
const CONTEXT = 1

export interface Names {
  readonly a: string
  readonly b: string
}

/** Steps that were played, for the summary. */
export interface Played {
  readonly steps: number
  readonly comparisons: number
}

export function reportText(found: readonly Found[], names: Names, played: Played): string {
  if (found.length === 0) return `${names.a} and ${names.b} do the same: ${summaryOf(played)}`
  const lines = [`--- ${names.a}`, `+++ ${names.b}`]
  for (const group of grouped(found)) {
    lines.push('', `@@ ${headingOf(group[0]!)}`)
    for (const each of group) lines.push(...(each.kind === 'only' ? namesOnly(each, names) : hunk(each)))
  }
  return [...lines, '', `${countOf(found)} in ${summaryOf(played)}`].join('\n')
}

/** What belongs to the same line of the script, together. */
function grouped(found: readonly Found[]): Found[][] {
  const groups: Found[][] = []
  for (const each of found) {
    const last = groups.at(-1)
    if (last?.at(0)?.line === each.line) last.push(each)
    else groups.push([each])
  }
  return groups
}

const headingOf = ({ line, step }: Found): string => (line === null ? step : `line ${line}: ${step}`)

const TITLES: Readonly<Record<Difference['kind'], (path: string) => string | undefined>> = {
  answer: () => undefined,
  events: () => 'files that told watchers of a change:',
  file: path => path,
  zombies: () => 'removed cgroups that are still there:',
}

function hunk({ kind, path, a, b }: Difference): string[] {
  const title = TITLES[kind](path)
  const lines = unified(mergeLines(a, b), CONTEXT).map(line =>
    line === null ? '   …' : `${line.change}  ${line.text}`,
  )
  return title === undefined ? lines : [`   ${title}`, ...lines]
}

const MANY = 3

function namesOnly({ side, name, directories }: OneSided, names: Names): string[] {
  const [first, ...more] = directories
  const where = more.length < MANY ? directories.join(', ') : `${first} and ${more.length} other directories`
  return [`${side === 'a' ? '-' : '+'}  ${name} is on ${names[side]} only: in ${where}`]
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

function countOf(found: readonly Found[]): string {
  const parts = (
    [
      ['answer', 'answer'],
      ['events', 'event'],
      ['file', 'file'],
      ['zombies', 'list of zombies'],
      ['only', 'missing file'],
    ] as const
  )
    .map(([kind, what]) => [found.filter(each => each.kind === kind).length, what] as const)
    .filter(([count]) => count > 0)
    .map(([count, what]) =>
      what === 'list of zombies' && count > 1 ? `${count} lists of zombies` : plural(count, what),
    )
  return `${found.length === 1 ? '1 difference' : `${found.length} differences`} (${parts.join(', ')})`
}

const summaryOf = ({ steps, comparisons }: Played): string =>
  `${plural(steps, 'step')}, compared ${comparisons === 1 ? 'at the end' : `${comparisons} times`}`
