/** An answer as text for people, in lines of a terminal. */
import type { ByteString } from '../units.ts'
import type { Answer, Deciding, Refusal, Told } from './explain.ts'

const WIDTH = 100
const INDENT = 2

export function answerText(answer: Answer): string {
  const { path, kernel, refused } = answer
  const lines = [`${path} on Linux ${kernel}`, '', ...told(answer)]
  if (refused !== undefined) lines.push('', headingOf(refused), '', ...told(refused))
  return `${lines.join('\n')}\n`
}

function told({ rule, numbers, features }: Told): string[] {
  const lines = wrap(rule, INDENT)
  const widest = Math.max(0, ...numbers.map(({ what }) => what.length))
  if (numbers.length > 0) lines.push('')
  for (const { what, value } of numbers)
    lines.push(...wrap(`${`${what}:`.padEnd(widest + 1)} ${value}`, INDENT, widest + 4))
  if (features.length > 0) lines.push('')
  for (const each of features) lines.push(...featureLines(each))
  return lines
}

const featureLines = ({ key, value, about }: Deciding): string[] => [
  `  ${key} = ${value}`,
  ...wrap(about, 2 * INDENT + 2),
]

const LONGEST = 60

function headingOf({ op, errno, text, ago, uid }: Refusal): string {
  const asked = op === 'write' ? ` of ${quoted(text)}` : op === 'mkdir' ? ` of ${quoted(text)}` : ''
  const who = uid === 0 ? '' : ` by user ${uid}`
  return `The last ${op}${asked}${who} was refused with ${errno}, ${Math.round(ago / 1e6)} ms ago:`
}

function quoted(text: ByteString): string {
  const shown = JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)
  return shown.replaceAll('…', '...')
}

/** Words in lines of WIDTH, the first after `indent` blanks, the others after `hanging`. */
function wrap(text: string, indent: number, hanging = indent): string[] {
  const lines: string[] = []
  let line = ' '.repeat(indent)
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    if (line.trim() !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = ' '.repeat(hanging)
    }
    line += line.trim() === '' ? word : ` ${word}`
  }
  return [...lines, line]
}
