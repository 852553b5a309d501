/**
 * The recorded kernels that are replayed, and what each means for a row: which machine it needs, where its groups stand
 * and which of its files there are so far.
 */
import type { ByteString } from '../../src/units.ts'
import type { Fields } from './row.ts'

export interface Recording {
  /** Directory of the rows. */
  readonly rows: '6.12-v2' | '6.1-v2' | '6.1-v1'
  readonly kernel: string
  readonly hierarchy: 'v2' | 'v1'
  /** Small pids of the recorded machine are kernel threads: those that stay where they are, and others (errata.md §2.3). */
  readonly boundThreads: readonly number[]
  readonly movableThreads: readonly number[]
}

export const RECORDINGS: readonly Recording[] = [
  { rows: '6.12-v2', kernel: '6.12', hierarchy: 'v2', boundThreads: [2, 5, 8], movableThreads: [3, 16] },
  { rows: '6.1-v2', kernel: '6.1', hierarchy: 'v2', boundThreads: [2, 3, 5, 8, 16], movableThreads: [] },
  { rows: '6.1-v1', kernel: '6.1', hierarchy: 'v1', boundThreads: [2, 3, 5, 8, 16], movableThreads: [] },
]

export function recordingOf(rows: unknown): Recording {
  const found = RECORDINGS.find(each => each.rows === rows)
  if (found === undefined) throw new Error(`nothing was recorded as ${rows}`)
  return found
}

export const isVersion1 = (row: Fields): boolean => recordingOf(row.recorded).hierarchy === 'v1'

export const CGROUPS = '/sys/fs/cgroup'
/** Of version 1 there is the hierarchy of the memory controller. */
export const MEMORY_HIERARCHY = `${CGROUPS}/memory`

/** Where the groups of a row are: the root of its hierarchy. */
export const rootOf = (row: Fields): ByteString => (isVersion1(row) ? MEMORY_HIERARCHY : CGROUPS)

const VERSION_2 = /^(cgroup|memory|pids)\.|^(io|cpu)\.pressure$/
const VERSION_1 = /^(cgroup\..*|tasks|notify_on_release|release_agent|memory\..*)$/

/** A file of this name is there. */
export const isThere = (name: string, version1: boolean): boolean => (version1 ? VERSION_1 : VERSION_2).test(name)

/** A file of this name is there in this directory. */
export const isThereIn = (name: string, directory: ByteString): boolean =>
  isThere(name, directory === MEMORY_HIERARCHY || directory.startsWith(`${MEMORY_HIERARCHY}/`))
