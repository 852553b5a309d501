/** Timing several ways of doing the same things in turns, so that a machine whose speed drifts treats them alike. */

export interface Case {
  readonly name: string
  readonly step: () => void
}

const BATCHES = 21
const BATCH_MS = 20
const WARM_UP_MS = 500

/** Microseconds of a step: for each case, in the order of the first subject's, one figure per subject. */
export function batchesInTurns(subjects: readonly (readonly Case[])[]): Map<string, number[]> {
  for (const cases of subjects) for (const { step } of cases) roundsIn(WARM_UP_MS, step)
  return new Map((subjects[0] ?? []).map(({ name }, i) => [name, inTurns(subjects.map(cases => cases[i]!))]))
}

function inTurns(cases: readonly Case[]): number[] {
  const rounds = cases.map(({ step }) => roundsIn(BATCH_MS, step))
  const batches: number[][] = cases.map(() => [])
  for (let batch = 0; batch < BATCHES; batch++)
    for (const [i, { step }] of cases.entries()) batches[i]!.push(microsecondsPerRound(rounds[i]!, step))
  return batches.map(median)
}

function roundsIn(ms: number, step: () => void): number {
  const start = performance.now()
  let rounds = 0
  do {
    step()
    rounds++
  } while (performance.now() - start < ms)
  return rounds
}

function microsecondsPerRound(rounds: number, step: () => void): number {
  const start = performance.now()
  for (let i = 0; i < rounds; i++) step()
  return ((performance.now() - start) * 1000) / rounds
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
