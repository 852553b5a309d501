/**
 * Why a file has its value, and why an operation was refused, as tables (files-*.ts, refusals.ts): a rule in words, the
 * numbers that fed it as functions of the state, and the features by which kernels differ in it.
 *
 * Looking changes nothing: no statistics are flushed and nothing is drained for it.
 */
import type { MemCgroup } from '../engine/memcg.ts'
import type { FeatureKey } from '../profiles/features.ts'
import type { Cgroup } from '../tree/cgroup.ts'
import type { Css } from '../tree/css.ts'
import type { Fact } from '../tree/refused.ts'
import type { Tree } from '../tree/tree.ts'

/** A file of a cgroup that is to be explained. */
export interface Subject {
  readonly tree: Tree
  readonly cg: Cgroup
  /** The state the file belongs to. */
  readonly css: Css
  /** Name of the file. */
  readonly name: string
}

export type { Fact }

export type Facts = (subject: Subject) => readonly Fact[]

export interface Explanation {
  readonly rule: string
  readonly numbers?: Facts
  /** Features that decide how it is on this kernel. */
  readonly features?: readonly FeatureKey[]
}

export type Explanations = Readonly<Record<string, Explanation>>

export const fact = (what: string, value: string | number): Fact => ({ what, value: String(value) })

/** The same explanation for several files. */
export const forAll = (names: readonly string[], explanation: Explanation): Explanations =>
  Object.fromEntries(names.map(name => [name, explanation]))

/** All facts of several kinds, in order. */
export const all =
  (...parts: readonly Facts[]): Facts =>
  subject =>
    parts.flatMap(part => part(subject))

/** The memory state of a file of the memory controller. */
export const memcgOf = ({ css }: Subject): MemCgroup => css.memcg!
