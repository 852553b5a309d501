/**
 * What an experiment is: a question of one of the founding threads, a workload that is generated from a seed, and what
 * is measured on simulated kernels. What the thread reported and which answers are accepted is a table of claims
 * (claims.ts); nothing that measures knows it.
 */
import type { Rng } from '../rng.ts'
import type { Figure } from './figure/figure.ts'

/** A number of the workload that can be changed on the command line: `--rounds 50`. */
export interface Parameter {
  readonly name: string
  readonly about: string
  readonly value: number
  readonly least: number
  readonly most: number
  /** May have a fraction. */
  readonly fraction?: true
}

export type ParameterValues = Readonly<Record<string, number>>

/** Accepted values, both ends included. */
export interface Band {
  readonly least: number
  readonly most: number
}

/** One row of the table: what the thread says about something that is measured, and what is accepted here. */
export interface Claim {
  /** Name of the measured value. */
  readonly id: string
  readonly what: string
  readonly unit: string
  /** The thread's own number, in its words; empty where it has none. */
  readonly thread: string
  /**
   * Null: shown and not judged. A function where the rule says how the answer depends on the parameters; a plain band
   * holds for the default parameters only.
   */
  readonly band: Band | ((parameters: ParameterValues) => Band) | null
  /** Its place, where many of the same kind are compared: printed in a table with others instead of on a line. */
  readonly cell?: Cell
}

export interface Cell {
  /** Title of the table. */
  readonly table: string
  readonly row: string
  readonly column: string
}

/** What an experiment is run with. */
export interface Surroundings {
  readonly seed: number
  readonly parameters: ParameterValues
  /** A stream of chance of its own for each name. */
  readonly chance: (name: string) => Rng
  readonly progress: (line: string) => void
}

export interface Findings {
  /** By the id of the claim. */
  readonly values: Readonly<Record<string, number>>
  /** What was found besides, in sentences. */
  readonly remarks?: readonly string[]
  readonly figure: Figure
}

export interface Experiment {
  readonly name: string
  /** One line for the list. */
  readonly summary: string
  /** The thread it comes from. */
  readonly thread: string
  /** What is done and what to look at: paragraphs. */
  readonly about: readonly string[]
  readonly parameters: readonly Parameter[]
  readonly claims: readonly Claim[]
  readonly measure: (around: Surroundings) => Findings
}
