/** A check that refuses an operation, as a row of a table (refusals.ts). */
import type { Errno } from '../errno.ts'
import type { FeatureKey } from '../profiles/features.ts'
import type { Credentials, FileRow } from '../tree/controller.ts'
import type { Operation } from '../tree/refused.ts'
import type { ByteString } from '../units.ts'
import type { Facts, Subject } from './explanation.ts'

/** An operation that was refused. For mkdir the subject is the directory in which it was tried. */
export interface Asked extends Subject {
  readonly op: Operation
  readonly errno: Errno
  /** What was written, or the name to be made. */
  readonly text: ByteString
  readonly opener: Pick<Credentials, 'uid' | 'privileged'>
  /** Absent for directories. */
  readonly row?: FileRow
}

export interface Check {
  readonly op: Operation
  /** Names of the files; every file when absent. */
  readonly file?: RegExp
  readonly errno: Errno
  readonly holds?: (asked: Asked) => boolean
  readonly rule: string
  readonly numbers?: Facts
  readonly features?: readonly FeatureKey[]
}
