/**
 * The script of `memcgfs diff`: operations on files, and lines of the workload language (docs/diff.md).
 *
 * A script is checked as a whole before anything runs. What an operation answers is no matter of the script: refusals are
 * compared like everything else.
 */
import type { ByteString } from '../units.ts'
import { nearest, parseLine, Wrong } from '../workload/grammar.ts'
import { verbs } from '../workload/verbs.ts'

export type Operation =
  | { readonly kind: 'mkdir' | 'rmdir' | 'read'; readonly path: ByteString }
  | { readonly kind: 'write'; readonly path: ByteString; readonly text: ByteString }
  /** A line of the workload language, in the directory of a cgroup. */
  | { readonly kind: 'do'; readonly path: ByteString; readonly line: ByteString }
  | { readonly kind: 'compare'; readonly name: ByteString }

export interface Step {
  /** Number of its line, from 1. */
  readonly number: number
  /** The line without blanks around it. */
  readonly text: ByteString
  readonly operation: Operation
}

/** What is wrong with a script: the line, what was found and what would be accepted. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
  readonly line: number
  constructor(line: number, why: string) {
    super(`line ${line}: ${why}`)
    this.line = line
  }
}

const FILE_OPERATIONS = ['mkdir', 'rmdir', 'read', 'write', 'at', 'compare']

/** The steps of a script. Throws ScriptError. */
export function parseScript(script: ByteString): Step[] {
  const steps: Step[] = []
  for (const [i, line] of script.split('\n').entries()) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    steps.push({ number: i + 1, text, operation: parseOperation(i + 1, text) })
  }
  return steps
}

/** The first word and what follows it. */
function cut(text: ByteString): readonly [word: ByteString, rest: ByteString] {
  const end = text.search(/[ \t]/)
  return end === -1 ? [text, ''] : [text.slice(0, end), text.slice(end).trim()]
}

function parseOperation(number: number, text: ByteString): Operation {
  const [word, rest] = cut(text)
  const [first, more] = cut(rest)
  switch (word) {
    case 'mkdir':
    case 'rmdir':
      if (more !== '') throw new ScriptError(number, `${word} takes one directory, not also "${more}"`)
      return { kind: word, path: pathIn(number, word, first) }
    case 'compare':
      return { kind: 'compare', name: rest }
    case 'at':
      return { kind: 'do', path: pathIn(number, word, first), line: checkedLine(number, more) }
  }
  // `read` and `write` are verbs of tasks, too, and no task is called like a path.
  if (word === 'read' && first.startsWith('/')) {
    if (more !== '') throw new ScriptError(number, `read takes one file, not also "${more}"`)
    return { kind: 'read', path: first }
  }
  if (word === 'write' && first.startsWith('/')) return { kind: 'write', path: first, text: unquoted(number, more) }
  return { kind: 'do', path: '/', line: checkedLine(number, text) }
}

function pathIn(number: number, word: ByteString, path: ByteString): ByteString {
  if (path.startsWith('/')) return path
  throw new ScriptError(number, `${word} takes a path from the root of the mount, as /a/b, not "${path}"`)
}

/** What is to be written: the rest of the line, or a text in quotes with \n and the like. */
function unquoted(number: number, text: ByteString): ByteString {
  if (!text.startsWith('"') && !text.startsWith("'")) return text
  const line = parseLine(`write ${text}`)
  if (line instanceof Wrong) throw new ScriptError(number, line.why)
  return line?.words.map(({ value }) => value).join(' ') ?? ''
}

/** A workload line with a verb that is known. What its words mean is found out when it runs. */
function checkedLine(number: number, text: ByteString): ByteString {
  const line = parseLine(text)
  if (line === undefined) throw new ScriptError(number, 'a line of the workload language is wanted after the directory')
  if (line instanceof Wrong) throw new ScriptError(number, line.why)
  if (verbs.has(line.verb)) return text
  const [close] = nearest(line.verb, [...FILE_OPERATIONS, ...verbs.keys()])
  throw new ScriptError(number, `"${line.verb}" is no operation and no verb; did you mean "${close}"?`)
}
