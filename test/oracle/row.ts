/**
 * The rows of the oracle: what real kernels answered, as the recorder wrote it down. The README of the oracle gives the
 * format; this file loads it and brings the three kinds of rows (a directory entry, a single write, a list of steps) into
 * one form: steps, each with its arguments and with what the kernel answered.
 *
 * Strings hold bytes: one character U+0000..U+00FF per byte, as `ByteString` does.
 */
import { readFileSync } from 'node:fs'
import type { ByteString } from '../../src/units.ts'
import { CGROUPS, isVersion1, MEMORY_HIERARCHY, type Recording, rootOf } from './recording.ts'

/** A line of a .jsonl file. Which fields there are depends on the kind of the row. */
export type Fields = Readonly<Record<string, unknown>>

/** One operation. `given` are its arguments; `answer` is what the kernel said: `ret` is a result or minus the errno. */
export interface Step {
  /** How exceptions and messages name it: the index in a list of steps, or a word in the other kinds of rows. */
  readonly label: string
  readonly op: string
  /** The process doing it; undefined is the recorder, root, in the root group. */
  readonly by: string | undefined
  readonly given: Fields
  readonly answer: Fields
  /** It differed between two boots of the same kernel: compared by shape only (README, "Shape, not value"). */
  readonly varies: boolean
  /** It prepares what follows and was not recorded; it has to succeed. */
  readonly isSetup: boolean
}

/** One row, ready to be replayed. */
export interface Case {
  readonly id: string
  readonly about: string | undefined
  readonly steps: readonly Step[]
  /** Its helpers use memory: simulated tasks stand in for them, and quantities are compared within a band. */
  readonly programs: boolean
}

/** All tests of version 2 happen below it; each case starts with it absent. */
export const TEST_DIRECTORY = `${CGROUPS}/t`
/** Every controller of the recorded machine, in the kernel's order. */
export const ALL_CONTROLLERS = ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc'] as const
export const ENABLE_ALL = ALL_CONTROLLERS.map(name => `+${name}`).join(' ')

/** `PRE:FILL:COUNT:POST` is PRE, FILL repeated COUNT times, POST; `_` is a space and `^` a newline (README, "Format"). */
export function decodeRepetition(text: string): ByteString {
  const [pre = '', fill = '', count = '0', post = ''] = text
    .split(':')
    .map(part => part.replaceAll('_', ' ').replaceAll('^', '\n'))
  return pre + fill.repeat(Number(count)) + post
}

/** The fields of a line, with every `X_rep` turned into the `X` it stands for. */
function decoded(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) =>
      key.endsWith('_rep') ? [key.slice(0, -'_rep'.length), decodeRepetition(String(value))] : [key, value],
    ),
  )
}

/** What of a step is its result, where that is more than `ret`. The same words are arguments elsewhere. */
const STAT = ['type', 'mode', 'uid', 'gid', 'size', 'nlink', 'blksize', 'blocks', 'ino']
const RESULTS: Readonly<Record<string, readonly string[]>> = {
  r: ['open', 'data'],
  w: ['open'],
  wopen: ['open'],
  read: ['data'],
  pread: ['data'],
  stat: STAT,
  fstat: STAT,
  ls: ['entries', 'getdents'],
  lsfd: ['entries', 'getdents'],
  poll: ['revents'],
  inotify_read: ['events'],
  mtime: ['mtime', 'mtime_is_now'],
  statfs: [
    'f_type',
    'f_bsize',
    'f_blocks',
    'f_bfree',
    'f_bavail',
    'f_files',
    'f_ffree',
    'f_namelen',
    'f_frsize',
    'f_flags',
  ],
  getxattr: ['data'],
  listxattr: ['data'],
  until: ['ok'],
  efd_read: ['count'],
  rank: ['order'],
}
/** Results of every operation. */
const COMMON_RESULTS = ['ret', 'errno', 'blocked', 'worker_died', 'signaled', 'exited', 'still_running']

function step(label: string, fields: Fields, { varies = false, isSetup = false } = {}): Step {
  const { op, by, ...rest } = decoded(fields)
  const results = [...COMMON_RESULTS, ...(RESULTS[String(op)] ?? [])]
  const given: Record<string, unknown> = {}
  const answer: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(rest)) (results.includes(key) ? answer : given)[key] = value
  return { label, op: String(op), by: by as string | undefined, given, answer, varies, isSetup }
}

const setup = (fields: Fields): Step => step('setup', fields, { isSetup: true })
const makeDirectory = (path: string): Step => setup({ op: 'mkdir', path, mode: '0755' })
const write = (path: string, data: ByteString): Step => setup({ op: 'w', path, data })

/** A list of steps. `varies` names the steps that differed, or all of them. */
function caseOfSteps(row: Fields): Case {
  const varies = (row.varies ?? []) as readonly (number | string)[]
  const steps = (row.steps as readonly Fields[]).map((fields, i) =>
    step(String(i), fields, { varies: varies.includes('all') || varies.includes(i) }),
  )
  const id = String(row.id)
  const programs = id.startsWith('memory/')
  return { id, about: row.about as string | undefined, steps: programs ? withPaths(steps) : steps, programs }
}

/** Reads of a descriptor say which file it is, so that its text is compared as that file's. */
function withPaths(steps: readonly Step[]): Step[] {
  const paths = new Map(steps.filter(({ op }) => op === 'open').map(({ given }) => [given.fd, given.path]))
  return steps.map(each =>
    each.op === 'read' ? { ...each, given: { ...each.given, path: paths.get(each.given.fd) } } : each,
  )
}

/** Files that show what happened; writing them makes triggers. */
const IS_PRESSURE = /^(io|memory|cpu)\.pressure$/

/**
 * A single write. A fresh child is made, `prev` is written to the file first, `before` is the content then. On the root
 * group (`writes-root`) the rows ran one after the other, `before` is the state they found, and the test directory is
 * there with every controller on (errata.md §2.1). On version 1 the fresh child is `w`.
 */
function caseOfWrite(row: Fields): Case {
  const id = String(row.id)
  const file = String(row.file)
  const onRoot = id.startsWith('writes-root')
  const child = isVersion1(row) ? `${MEMORY_HIERARCHY}/w` : `${TEST_DIRECTORY}/c`
  const path = `${onRoot ? rootOf(row) : child}/${file}`
  const steps = isVersion1(row)
    ? [makeDirectory(child)]
    : [
        makeDirectory(TEST_DIRECTORY),
        write(`${TEST_DIRECTORY}/cgroup.subtree_control`, ENABLE_ALL),
        makeDirectory(child),
      ]
  if (row.prev !== undefined) steps.push(write(path, String(row.prev)))
  // Rows in between may be missing here, so each is given the setting it found. Names of processes are no setting, nor is
  // pressure.
  const { before } = row
  if (onRoot && typeof before === 'string' && !before.includes('${') && !IS_PRESSURE.test(file))
    steps.push(setup({ op: 'establish', path, data: before }))
  const { varies = [] } = row as { varies?: readonly string[] }
  steps.push(step('before', reading(path, row, 'before'), { varies: varies.includes('before') }))
  const { data, flags, ret, open } = row
  steps.push(
    step('write', {
      op: flags === undefined ? 'w' : 'wopen',
      path,
      data,
      ...(flags !== undefined && { flags }),
      ...(open === undefined ? { ret } : { open }),
    }),
  )
  steps.push(step('readback', reading(path, row, 'readback'), { varies: varies.includes('readback') }))
  return { id, about: undefined, steps, programs: false }
}

/** What reading a file answered in a row that tells it by fields: `before`, `before_open`, `before_read`. */
function reading(path: string, row: Fields, field: string): Fields {
  const refusedAt = (how: string): unknown => row[`${field}_${how}`]
  if (refusedAt('open') !== undefined) return { op: 'r', path, open: refusedAt('open') }
  if (refusedAt('read') !== undefined) return { op: 'r', path, ret: refusedAt('read') }
  const data = String(row[field])
  return { op: 'r', path, ret: data.length, data }
}

/** How the directories of the layout rows were made; `root` is there from the start. */
function layoutSetup(directory: string): { path: string; steps: Step[] } | undefined {
  const top = [makeDirectory(TEST_DIRECTORY), write(`${TEST_DIRECTORY}/cgroup.subtree_control`, ENABLE_ALL)]
  const below = (...names: string[]): { path: string; steps: Step[] } => {
    const paths = names.map((_, i) => `${TEST_DIRECTORY}/${names.slice(0, i + 1).join('/')}`)
    return { path: paths.at(-1)!, steps: [...top, ...paths.map(makeDirectory)] }
  }
  switch (directory) {
    case 'root':
      return { path: CGROUPS, steps: [] }
    case 'child':
      return below('c')
    case 'inner':
      return { path: TEST_DIRECTORY, steps: below('c').steps }
    case 'none':
      return below('n', 'none')
    case 'memory-root':
      return { path: MEMORY_HIERARCHY, steps: [] }
    case 'memory-child':
      return { path: `${MEMORY_HIERARCHY}/t`, steps: [makeDirectory(`${MEMORY_HIERARCHY}/t`)] }
    default: {
      const controller = /^only-(.+)$/.exec(directory)?.[1]
      if (controller === undefined) return undefined
      const parent = `o${controller}`
      const { path, steps } = below(parent, 'x')
      const enable = write(`${TEST_DIRECTORY}/${parent}/cgroup.subtree_control`, `+${controller}`)
      return { path, steps: [...steps.slice(0, -1), enable, ...steps.slice(-1)] }
    }
  }
}

/**
 * The directories were listed entry by entry, so the statistics of their making had been flushed: `percpu` of `inner`
 * says so. The flush comes every two seconds.
 */
const AT_REST = setup({ op: 'sleep', ms: '2500' })

/** A directory entry, or (`.`) the directory itself. */
function caseOfEntry(row: Fields): Case {
  const { name, order, listxattr, entries } = row as Fields & { name: string }
  const directory = layoutSetup(String(row.dir))
  if (directory === undefined) throw new Error(`${row.id}: nobody knows how the directory ${row.dir} was made`)
  const path = name === '.' ? directory.path : `${directory.path}/${name}`
  const varies = (row.varies ?? []) as readonly string[]
  const stat = Object.fromEntries(STAT.filter(key => row[key] !== undefined).map(key => [key, row[key]]))
  const steps = [...directory.steps, AT_REST, step('stat', { op: 'stat', path, ret: 0, ...stat })]
  if (entries !== undefined) steps.push(step('entries', { op: 'ls', path, ret: 0, entries }))
  if (order !== undefined) steps.push(step('order', { op: 'rank', path: directory.path, name, order }))
  if (listxattr !== undefined) steps.push(step('listxattr', { op: 'listxattr', path, ret: 0, data: listxattr }))
  if (row.content !== undefined)
    steps.push(step('content', reading(path, row, 'content'), { varies: varies.includes('content') }))
  return { id: String(row.id), about: undefined, steps, programs: false }
}

export function caseOf(line: Fields): Case {
  const row = decoded(line)
  if (row.steps !== undefined) return caseOfSteps(row)
  return row.file === undefined ? caseOfEntry(row) : caseOfWrite(row)
}

export type RowFile = 'layout' | 'writes' | 'core' | 'memory'

/** The rows of one file of a recorded kernel, in their order. Each says of which (`recorded`). */
export function loadRows(recorded: Recording['rows'], file: RowFile): Fields[] {
  const text = readFileSync(new URL(`./rows/${recorded}/${file}.jsonl`, import.meta.url), 'utf8')
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => ({ ...(JSON.parse(line) as Fields), recorded }))
}
