/** What differs between two recordings of one script. */
import type { ByteString } from '../units.ts'
import { linesOf, type Played, type Recording, type Snapshot } from './play.ts'

/** One thing that differs. `a` and `b` are its lines on either kernel. */
export interface Difference {
  readonly kind: 'answer' | 'events' | 'file' | 'zombies'
  /** The line of the script it belongs to; null for the end. */
  readonly line: number | null
  /** That line, or what `compare` was given as a name. */
  readonly step: string
  /** The file; for an answer and for zombies empty. */
  readonly path: ByteString
  readonly a: readonly string[]
  readonly b: readonly string[]
}

/** Files that one kernel has and the other does not, by name. */
export interface OneSided {
  readonly kind: 'only'
  readonly line: number | null
  readonly step: string
  readonly side: 'a' | 'b'
  readonly name: string
  /** The directories where it stands. */
  readonly directories: readonly ByteString[]
}

export type Found = Difference | OneSided

/**
 * Compares two recordings in the order of the script. What was found at one comparison and has not changed since is not
 * repeated at the next.
 */
export function compareRecordings(a: Recording, b: Recording): Found[] {
  const found: Found[] = []
  const snapshots = a.snapshots.map((each, i) => ({ each, other: b.snapshots[i]!, before: i - 1 }))
  const steps = a.steps.map((each, i) => ({ each, other: b.steps[i]! }))
  for (const { each, other, before } of snapshots) {
    const line = each.step?.number ?? Number.POSITIVE_INFINITY
    while (steps.length > 0 && steps[0]!.each.step.number < line) {
      const { each: ours, other: theirs } = steps.shift()!
      found.push(...compareSteps(ours, theirs))
    }
    found.push(...compareSnapshots([each, other], before === -1 ? [] : [a.snapshots[before]!, b.snapshots[before]!]))
  }
  return found
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((line, i) => line === b[i])

function compareSteps(a: Played, b: Played): Difference[] {
  const where = { line: a.step.number, step: a.step.text, path: '' }
  const found: Difference[] = []
  if (!same(a.answer, b.answer)) found.push({ kind: 'answer', ...where, a: a.answer, b: b.answer })
  if (!same(a.told, b.told)) found.push({ kind: 'events', ...where, a: a.told, b: b.told })
  return found
}

type Pair = readonly [a: Snapshot, b: Snapshot]

function compareSnapshots([a, b]: Pair, before: Pair | readonly []): Found[] {
  const where = { line: a.step?.number ?? null, step: a.step?.text ?? 'the end' }
  const [earlierA, earlierB] = before
  const found: Found[] = [...compareNames([a, b], before, where)]
  for (const [path, text] of a.files) {
    const other = b.files.get(path)
    if (other === undefined || other === text) continue
    if (earlierA?.files.get(path) === text && earlierB?.files.get(path) === other) continue
    found.push({ kind: 'file', ...where, path, a: linesOf(text), b: linesOf(other) })
  }
  const known = earlierA?.zombies === a.zombies && earlierB?.zombies === b.zombies
  if (a.zombies !== b.zombies && !known)
    found.push({ kind: 'zombies', ...where, path: '', a: linesOf(a.zombies), b: linesOf(b.zombies) })
  return found
}

/** Files of the first that the second lacks, as paths; those that were lacking before are left out. */
const lacking = (one: Snapshot, other: Snapshot, before: Pair | readonly []): string[] =>
  [...one.files.keys()].filter(path => !other.files.has(path) && !before.some(each => each.files.has(path)))

function* compareNames([a, b]: Pair, before: Pair | readonly [], where: Pick<OneSided, 'line' | 'step'>) {
  for (const [side, paths] of [
    ['a', lacking(a, b, before)],
    ['b', lacking(b, a, before)],
  ] as const) {
    const byName = Map.groupBy(paths, path => path.slice(path.lastIndexOf('/') + 1))
    for (const [name, found] of byName) {
      const directories = found.map(path => path.slice(0, path.lastIndexOf('/')) || '/')
      yield { kind: 'only', ...where, side, name, directories } satisfies OneSided
    }
  }
}
