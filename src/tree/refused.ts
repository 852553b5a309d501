/**
 * What was refused last, file by file: noted when it happens, with the reason found in the state that refused, because a
 * moment later that may be gone. A later success of the same operation clears it. Plain data, of bounded size.
 */
import type { Errno } from '../errno.ts'
import type { FeatureKey } from '../profiles/features.ts'
import type { ByteString, Nanoseconds, Uid } from '../units.ts'
import type { FileBlock } from './files.ts'
import type { Tree } from './tree.ts'

/** One number, or a word, that fed a rule. */
export interface Fact {
  readonly what: string
  /** With its unit. */
  readonly value: string
}

/** Why something is as it is: the rule in words, what fed it, and where kernels differ in it. */
export interface Reason {
  readonly rule: string
  readonly numbers: readonly Fact[]
  readonly features: readonly FeatureKey[]
}

export type Operation = 'open' | 'read' | 'write' | 'mkdir' | 'rmdir'

export interface Refused {
  readonly op: Operation
  readonly errno: Errno
  /** What was written; empty for other operations. */
  readonly text: ByteString
  readonly at: Nanoseconds
  readonly uid: Uid
  readonly reason: Reason
}

/** By place, the oldest first. */
export type Refusals = Map<string, Refused>

/** A file of a block, or (row -1) its directory. */
export const fileKey = ({ serial }: FileBlock, row: number): string => `${serial}/${row}`
export const DIRECTORY_ROW = -1
/** A cgroup that was to be made in the directory of a block. */
export const nameKey = ({ serial }: FileBlock, name: ByteString): string => `${serial}/name/${name}`

const MOST = 256

export function noteRefused({ refusals }: Tree, key: string, refused: Refused): void {
  refusals.delete(key)
  refusals.set(key, refused)
  if (refusals.size > MOST) refusals.delete(refusals.keys().next().value!)
}

/** The operation has succeeded. */
export function forgetRefused({ refusals }: Tree, key: string, op: Operation): void {
  if (refusals.size > 0 && refusals.get(key)?.op === op) refusals.delete(key)
}

export const refusedAt = ({ refusals }: Tree, key: string): Refused | undefined => refusals.get(key)
