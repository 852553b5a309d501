/**
 * Which rows are replayed: those of the files there are so far. The other controllers of version 2 exist as rows of the
 * controller table; their files come later, so listings are compared without them.
 */
import { isThere, isVersion1, MEMORY_HIERARCHY, type Recording } from './recording.ts'
import { type Fields, loadRows } from './row.ts'

/** Directories whose entries are compared. */
const DIRECTORIES = ['root', 'child', 'inner', 'none', 'only-memory', 'only-pids', 'memory-root', 'memory-child']

/** Operations of rows that come with later steps: processes that live and die, name spaces, mounts. */
const LATER_OPERATIONS = ['spawn', 'fork1', 'forks', 'thread', 'threads', 'kill', 'mount', 'unshare', 'setuid']
const LATER_OPERATIONS_V1 = ['fork1', 'forks', 'thread', 'getcwd']

const textOf = (row: Fields, key: string): string => String(row[key] ?? '')

/** The entry `.` of a directory, and the entries that are files there are. */
const isLayout = (row: Fields): boolean =>
  DIRECTORIES.includes(textOf(row, 'dir')) && (row.name === '.' || isThere(textOf(row, 'name'), isVersion1(row)))

/** Single writes by their file, lists of steps by the file their id names. */
const isWrite = (row: Fields): boolean =>
  isThere(row.file === undefined ? (textOf(row, 'id').split('/').at(-1) ?? '') : textOf(row, 'file'), isVersion1(row))

/** On version 1 helper processes and their ends are part of it, and the hierarchy is the one there is. */
function isCore(row: Fields): boolean {
  const steps = row.steps as readonly Fields[]
  const later = isVersion1(row) ? LATER_OPERATIONS_V1 : LATER_OPERATIONS
  const isElsewhere = isVersion1(row) && !steps.some(({ path }) => String(path).startsWith(`${MEMORY_HIERARCHY}/`))
  return !isElsewhere && steps.every(({ op }) => !later.includes(String(op)))
}

/** `order` is the position among all files; it is compared as the rank among those there are. */
function withRanks(entries: readonly Fields[]): Fields[] {
  return entries.map(row => {
    if (row.order === undefined) return row
    const before = entries.filter(({ dir, order }) => dir === row.dir && Number(order) < Number(row.order))
    return { ...row, order: before.length }
  })
}

/** The rows of a recorded kernel that are replayed, in their order. */
export function selectedRows(kernel: Recording['rows']): Fields[] {
  return [
    ...withRanks(loadRows(kernel, 'layout').filter(isLayout)),
    ...loadRows(kernel, 'writes').filter(isWrite),
    ...loadRows(kernel, 'core').filter(isCore),
  ]
}

/** Rows in which helpers use memory. */
export const memoryRows = (kernel: Recording['rows']): Fields[] => loadRows(kernel, 'memory')

/** Numbers of kernel threads of the recorded machine (errata.md §2.3): what they name on a real host is its own affair. */
const NAMES_KERNEL_THREAD = /^cgroup\.(procs|threads)\/\W*(?:0x)?0*(?:2|3|5|8|10|16)\W*$/i

/** Rows about kernel threads, which a real host has others of. */
const isHostsAffair = ({ id }: Fields): boolean =>
  id === 'core/procs/kernel-thread' || NAMES_KERNEL_THREAD.test(String(id).split('/').slice(-2).join('/'))

/** Helpers of a mounted replay are one process: rows in which they are told apart are for the other door. */
const tellsHelpersApart = ({ steps }: Fields): boolean =>
  ((steps ?? []) as readonly Fields[]).some(({ op, data }) => op === 'kill' || /\$\{pid:(?!main)/.test(String(data)))

/** Eventfds of a real process are for test/mounted/version1.test.ts. */
const usesEventfd = ({ steps }: Fields): boolean =>
  ((steps ?? []) as readonly Fields[]).some(({ op }) => op === 'eventfd')

/** Of the single writes below the root every so many-th is replayed on a mount: what they parse is the model's. */
const SAMPLE = 10

/** What is replayed on a real mount: everything but most of the single writes. */
export function sampleForMount(rows: readonly Fields[]): Fields[] {
  const isSingle = (row: Fields): boolean => row.file !== undefined && textOf(row, 'id').startsWith('writes/')
  const singles = rows.filter(isSingle).filter((_, i) => i % SAMPLE === 0)
  const isForMount = (row: Fields): boolean => !isHostsAffair(row) && !tellsHelpersApart(row) && !usesEventfd(row)
  return rows.filter(row => isForMount(row) && (!isSingle(row) || singles.includes(row)))
}
