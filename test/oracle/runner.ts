/**
 * Replays rows through a door and says which agree, which differ as agreed, and which differ.
 */
import type { ByteString } from '../../src/units.ts'
import { compareStep, type Difference, type History } from './compare.ts'
import type { Driver } from './driver.ts'
import { EXCEPTIONS, type Exception } from './exceptions.ts'
import { isProgramStep } from './programs.ts'
import { CGROUPS, type Recording } from './recording.ts'
import { type Case, caseOf, type Fields, type Step } from './row.ts'
import { runStep, withNumbers } from './steps.ts'

/** A row that does not agree, and is not agreed to. */
export interface Failure {
  readonly id: string
  readonly differences: readonly Difference[]
  /** The row could not be replayed. */
  readonly broken?: string
}

export interface Report {
  readonly total: number
  readonly agreeing: number
  /** Rows that differ only where it was agreed. */
  readonly excepted: number
  readonly failures: readonly Failure[]
  /** Exceptions that do not apply: the row agrees there. */
  readonly stale: readonly string[]
}

/** Replays one row from a fresh start. */
export function replay(each: Case, driver: Driver, recorded: Recording['rows']): Difference[] {
  const { tasks } = driver
  const session = { driver, fds: new Map<string, number>(), ...(each.programs && tasks && { tasks }) }
  const history: History = new Map()
  const named = (text: ByteString): ByteString => withNumbers(text, session)
  const differences: Difference[] = []
  driver.begin()
  try {
    for (const step of each.steps) {
      if (isElsewhere(step) && !(each.programs && isProgramStep(step))) continue
      const got = runStep(step, session)
      if (step.isSetup) expectOk(step.given, got)
      else differences.push(...compareStep({ step, got, named, history, ...(each.programs && { banded: recorded }) }))
    }
  } finally {
    driver.end()
  }
  return differences
}

/** What is outside of the mount is not the model's: /proc, the log of a release agent. */
const isElsewhere = ({ given }: Step): boolean =>
  typeof given.path === 'string' && given.path.startsWith('/') && !given.path.startsWith(CGROUPS)

function expectOk(what: Fields, got: Fields): void {
  const result = Number(got.open ?? got.ret ?? 0)
  if (!(result >= 0)) throw new Error(`preparing the row failed: ${JSON.stringify(what)} answered ${result}`)
}

export const belongs = (pattern: Exception['rows'], id: string): boolean =>
  typeof pattern === 'string' ? pattern === id : pattern.test(id)

/** Labels of the steps of a row that an exception is about. */
function stepsOf({ steps: pattern }: Exception, steps: readonly Step[]): readonly string[] {
  if (!(pattern instanceof RegExp)) return pattern
  const file = ({ given }: Step): string => String(given.path ?? '').replace(/^.*\//s, '')
  return steps.filter(step => pattern.test(file(step))).map(({ label }) => label)
}

/** Replays rows and judges them. */
export function replayAll(rows: readonly Fields[], driver: Driver, exceptions = EXCEPTIONS): Report {
  const failures: Failure[] = []
  const stale: string[] = []
  let agreeing = 0
  let excepted = 0
  const ofDoor = exceptions.filter(({ doors }) => doors.includes(driver.door))
  const isMeant = ({ rows: pattern, recorded }: Exception, row: Fields, id: string): boolean =>
    belongs(pattern, id) && (recorded === undefined || recorded === row.recorded)
  for (const row of rows) {
    const { id, steps } = caseOf(row)
    const { differences, broken } = attempt(row, driver)
    const differs = (label: string): boolean => differences.some(({ step }) => step.label === label)
    const agreed = ofDoor
      .filter(exception => isMeant(exception, row, id))
      .map(exception => ({ ...exception, labels: stepsOf(exception, steps) }))
    const left = differences.filter(({ step }) => !agreed.some(({ labels }) => labels.includes(step.label)))
    for (const { labels, steps: pattern, hostDependent } of agreed) {
      if (hostDependent || (pattern instanceof RegExp && labels.some(differs))) continue
      for (const label of labels) if (!differs(label)) stale.push(`${id} step ${label}`)
    }
    if (broken !== undefined || left.length > 0) failures.push({ id, differences: left, ...(broken && { broken }) })
    else if (differences.length > 0) excepted++
    else agreeing++
  }
  return { total: rows.length, agreeing, excepted, failures, stale }
}

function attempt(row: Fields, driver: Driver): Failure {
  const id = String(row.id)
  try {
    return { id, differences: replay(caseOf(row), driver, row.recorded as Recording['rows']) }
  } catch (error) {
    return { id, differences: [], broken: (error as Error).stack ?? String(error) }
  }
}

export const summary = ({ total, agreeing, excepted }: Report): string =>
  `${agreeing} of ${total} rows agree, ${excepted} agreed exceptions`

const shown = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

/** A failing row: its id, and per step what was expected and what came. */
export function describeFailure({ id, differences, broken }: Failure): string {
  const lines = [id]
  if (broken !== undefined) lines.push(`  ${broken}`)
  for (const { step, field, expected, got } of differences) {
    const by = step.by === undefined ? '' : `${step.by}: `
    lines.push(`  step ${step.label}: ${by}${step.op} ${shown(step.given)}`)
    lines.push(`    ${field}: expected ${shown(expected)}`, `    ${' '.repeat(field.length)}  got      ${shown(got)}`)
  }
  return lines.join('\n')
}
