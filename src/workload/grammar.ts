/**
 * The grammar of a workload line: words, quotes, keys, values (workload.md §2). Nothing here knows what a verb does.
 */
import type { ByteString, Bytes, Nanoseconds } from '../units.ts'

/** Longest line in bytes. */
export const MAX_LINE = 4095

/** What is wrong with a line, for people: what was found and what would be accepted. */
export class Wrong {
  readonly why: string
  constructor(why: string) {
    this.why = why
  }
}

export interface Word {
  /** Name before an unquoted `=`, if the word has that form. */
  readonly key: ByteString | undefined
  readonly value: ByteString
}

export interface Line {
  /** Go on with the next line when this one fails. */
  readonly tolerant: boolean
  readonly verb: ByteString
  readonly words: readonly Word[]
}

const isBlank = (c: string): boolean => c === ' ' || c === '\t'
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', n: '\n', t: '\t' }
const KEY = /^[a-z_]+=/

/** Splits a line into its words; undefined for an empty or comment line. */
export function parseLine(text: ByteString): Line | Wrong | undefined {
  if (text.includes('\0')) return new Wrong('a NUL byte is no part of any word')
  if (text.endsWith('\r')) return new Wrong('the line ends in \\r\\n; lines end in \\n alone')
  let at = 0
  const skipBlanks = (): void => {
    while (at < text.length && isBlank(text[at]!)) at++
  }
  const words: Word[] = []
  skipBlanks()
  const tolerant = text[at] === '-' && (at + 1 === text.length || text[at + 1] !== '-')
  if (tolerant) at++
  skipBlanks()
  while (at < text.length && text[at] !== '#') {
    const word = parseWord(text, at)
    if (word instanceof Wrong) return word
    words.push(word.word)
    at = word.end
    skipBlanks()
  }
  const verb = words[0]
  if (verb === undefined) return undefined
  if (verb.key !== undefined) return new Wrong(`a line begins with a verb, not with ${verb.key}=`)
  return { tolerant, verb: verb.value, words: words.slice(1) }
}

function parseWord(text: ByteString, from: number): { word: Word; end: number } | Wrong {
  const key = KEY.exec(text.slice(from))?.[0].slice(0, -1)
  let at = key === undefined ? from : from + key.length + 1
  let value = ''
  while (at < text.length && !isBlank(text[at]!)) {
    const quote = text[at]!
    if (quote !== '"' && quote !== "'") {
      value += quote
      at++
      continue
    }
    const quoted = parseQuoted(text, at)
    if (quoted instanceof Wrong) return quoted
    value += quoted.value
    at = quoted.end
  }
  return { word: { key, value }, end: at }
}

function parseQuoted(text: ByteString, from: number): { value: ByteString; end: number } | Wrong {
  const quote = text[from]!
  let value = ''
  for (let at = from + 1; at < text.length; at++) {
    const c = text[at]!
    if (c === quote) return { value, end: at + 1 }
    if (quote === "'" || c !== '\\') {
      value += c
      continue
    }
    at++
    const escaped = text[at] ?? ''
    const hex = /^x([0-9a-fA-F]{2})/.exec(text.slice(at))
    if (hex !== null) {
      value += String.fromCharCode(Number.parseInt(hex[1]!, 16))
      at += 2
    } else if (escaped in ESCAPES) value += ESCAPES[escaped]!
    else return new Wrong(`\\${escaped} means nothing in "..."; known are \\" \\\\ \\n \\t \\xHH`)
  }
  return new Wrong(`a quote ${quote} is not closed`)
}

const SIZE_UNITS = 'KMGT'

/** `N`, `NK` … `NT` bytes or `Np` pages; undefined if it is none of these. */
export function parseWorkloadSize(text: ByteString, pageSize: Bytes): Bytes | undefined {
  const match = /^(\d+)([KMGTkmgtp]?)$/.exec(text)
  if (match === null) return undefined
  const count = Number(match[1])
  const unit = match[2]!
  if (unit === 'p') return count * pageSize
  return count * 1024 ** (unit === '' ? 0 : SIZE_UNITS.indexOf(unit.toUpperCase()) + 1)
}

const TIME_UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** A time with its unit; undefined if it is none. */
export function parseTime(text: ByteString): Nanoseconds | undefined {
  const match = /^(\d+)(ns|us|ms|s|m|h)$/.exec(text)
  return match === null ? undefined : Number(match[1]) * TIME_UNITS[match[2]!]!
}

/** `40%`, `12.5%` in hundredths of a percent; undefined if it is none, or more than the whole. */
export function parsePercent(text: ByteString): number | undefined {
  const match = /^(\d{1,3})(?:\.(\d{1,2}))?%$/.exec(text)
  if (match === null) return undefined
  const hundredths = Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'))
  return hundredths <= 10_000 ? hundredths : undefined
}

/** `0-3,6` as numbers; undefined if it is no list. */
export function parseList(text: ByteString): number[] | undefined {
  const numbers: number[] = []
  for (const part of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part)
    if (match === null) return undefined
    const from = Number(match[1])
    const to = match[2] === undefined ? from : Number(match[2])
    if (to < from) return undefined
    for (let n = from; n <= to; n++) numbers.push(n)
  }
  return numbers
}

/** Name of a task or region. */
export const isName = (text: ByteString): boolean => /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/.test(text)

/** The known words nearest to one that is not known; what begins with it is near whatever its length. */
export function nearest(word: string, known: readonly string[], count = 1): string[] {
  const ranked = known
    .map(each => ({ each, distance: each.startsWith(word) ? 1 : editDistance(word, each) }))
    .sort((a, b) => a.distance - b.distance)
  return ranked.slice(0, count).map(({ each }) => each)
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
