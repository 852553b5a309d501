/**
 * The recorder's programs in the `memory` rows, as simulated tasks: what each did is a line of the workload language, or
 * a few (workload.md §10). A program that was killed for want of memory answers nothing, as the recorded one did.
 */
import type { ByteString } from '../../src/units.ts'
import type { Fields, Step } from './row.ts'

/** What came of a line. */
export interface LineOutcome {
  /** 0, or minus the error number. */
  readonly errno: number
  /** Accepted, and done later. */
  readonly waits: boolean
  /** Its line of the result. */
  readonly text: string
}

/** Simulated tasks, driven from the root. */
export interface Tasks {
  run(line: ByteString): LineOutcome
  /** Makes a task in the root; other steps may act in its name. */
  spawn(name: string): number
  isAlive(name: string): boolean
  /** Whether it does something for the first time. */
  begins(name: string): boolean
}

/** The arguments of a step; absent is empty. */
type Arguments = (key: string) => ByteString

/** Names on the file system of the rows: `/mnt` is ext4, everything else of the recorded machine tmpfs. */
function fileOf(path: ByteString): { name: ByteString; fs: string } {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return { name, fs: path.startsWith('/mnt/') ? 'ext4' : 'tmpfs' }
}

const nameSpaceOf = (directory: ByteString): string =>
  directory === '/mnt' ? 'ext4' : directory === '/proc' ? 'proc' : 'tmpfs'

const numbered = (count: number, line: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => line(i + 1))

/** How programs took memory, by the kind the recorder gave it. */
const ALLOCATIONS: Readonly<Record<string, (who: string, region: string, size: string) => string[]>> = {
  anon: (who, region, size) => [`anon ${who} ${region} ${size}`],
  ro: (who, region, size) => [`anon ${who} ${region} ${size} untouched`, `touch ${who} ${region} read`],
  shm: (who, region, size) => [`shm ${who} ${region} ${size}`],
  mlock: (who, region, size) => [`anon ${who} ${region} ${size}`, `mlock ${who} ${region}`],
  thp: (who, region, size) => [`anon ${who} ${region} ${size} order=9`],
}

/** `fill=0` is said by leaving it out. */
const unlessZero = (key: string, size: string): string => (size === '0' ? '' : ` ${key}=${size}`)

/**
 * What a program faults in when it first does something where it was moved to: pages of its stack and data, which are
 * charged there, and of its text, which was charged to the root (as many faults as thirty programs made in
 * memory/dying/tmpfs, a page each).
 */
const OWN_PAGES = 2
const TEXT_FAULTS = 29
const beginning = (who: string): readonly string[] => [
  `anon ${who} own ${OWN_PAGES}p`,
  `anon ${who} text ${TEXT_FAULTS}p untouched`,
  `touch ${who} text read`,
]

/** A program's operation as lines. `who` is its name. */
const LINES: Readonly<Record<string, (who: string, given: Arguments) => readonly string[]>> = {
  // A look at its own number; what counts is that it runs.
  getpid: () => [],
  alloc: (who, given) => ALLOCATIONS[given('kind')]!(who, given('name'), given('bytes')),
  touch: (who, given) => [`touch ${who} ${given('name')} write`],
  free: (who, given) => [`free ${who} ${given('name')}`],
  advise: (who, given) => [`advise ${who} ${given('name')} ${given('advice')}`],
  fwrite: (who, given) => {
    const { name, fs } = fileOf(given('path'))
    const sync = given('sync') === '' ? [] : [`flush ${name} fs=${fs}`]
    return [
      `-unlink ${name} fs=${fs}`,
      `file ${name} 0 fs=${fs}`,
      `write ${who} ${name} 0 ${given('bytes')} fs=${fs}`,
      ...sync,
    ]
  },
  fread: (who, given) => {
    const { name, fs } = fileOf(given('path'))
    const drop = given('after') === 'dontneed' ? ['drop-caches 1'] : []
    return [`read ${who} ${name} 0 1G fs=${fs}`, ...drop]
  },
  fmap: (who, given) => {
    const { name, fs } = fileOf(given('path'))
    return [`map ${who} ${name} m fs=${fs}`, `touch ${who} m read`]
  },
  negdent: (who, given) => [
    `lookup ${who} ${nameSpaceOf(given('dir'))} ${given('count')} negative len=${given('namelen')} prefix=${given('prefix')}`,
  ],
  threads: (who, given) => [`thread ${who} ${who}-${given('count')} count=${given('count')}`],
  forks: (who, given) => [
    `fork ${who} ${who}-child count=${given('count')}`,
    ...numbered(Number(given('count')), i => `exit ${who}-child.${i}`),
  ],
  pipes: (who, given) => [`pipe ${who} ${given('count')}${unlessZero('fill', given('bytes_each'))}`],
  socks: (who, given) => [`sock ${who} ${given('count')} kind=unix${unlessZero('data', given('bytes_each'))}`],
  tcp: (who, given) => [`sock ${who} 1 kind=tcp data=${given('bytes')}`],
  openfiles: (who, given) => [`open ${who} ${given('count')}`],
}

/** Writes to files that are no cgroup's. */
const ELSEWHERE: Readonly<Record<string, (who: string | undefined, data: ByteString) => string>> = {
  '/proc/sys/vm/drop_caches': (_, data) => `drop-caches ${data}`,
  '/proc/self/oom_score_adj': (who, data) => `adj ${who} ${data}`,
}

/** A step without an answer in time: the recorder gave up after so long. */
const GIVES_UP = '20s'

/** Whether this step is a program's affair, or the end of one. */
export const isProgramStep = ({ op, by, given }: Step): boolean =>
  op in LINES ||
  ['spawn', 'kill', 'wait', 'join', 'unlink', 'mount'].includes(op) ||
  isElsewhere(given) ||
  by !== undefined

const isElsewhere = ({ path }: Fields): boolean => typeof path === 'string' && Object.hasOwn(ELSEWHERE, path)

/** Runs the step of a program; undefined where it is an ordinary system call of a living one. */
export function runProgram(step: Step, tasks: Tasks): Fields | undefined {
  const { op, by } = step
  const given: Arguments = key => String(step.given[key] ?? '')
  const name = given('name')
  if (by !== undefined && !tasks.isAlive(by)) return { worker_died: true }
  switch (op) {
    case 'spawn':
      return { ret: tasks.spawn(name) }
    case 'kill':
      if (tasks.isAlive(name)) tasks.run(`kill ${name}`)
      return { ret: 0 }
    case 'wait':
      return tasks.isAlive(name) ? { still_running: true } : { signaled: SIGKILL }
    case 'join':
      return waitFor(name, `${given('timeout_ms')}ms`, tasks)
    case 'unlink': {
      const { name: file, fs } = fileOf(given('path'))
      return { ret: tasks.run(`unlink ${file} fs=${fs}`).errno }
    }
    case 'mount':
      return { ret: tasks.run(`config memory_localevents=${given('data') === '' ? 'no' : 'yes'}`).errno }
  }
  const elsewhere = isElsewhere(step.given) ? ELSEWHERE[given('path')] : undefined
  if (elsewhere !== undefined) {
    const { errno } = tasks.run(elsewhere(by, given('data')))
    return { ret: errno < 0 ? errno : given('data').length }
  }
  const lines = LINES[op]?.(by!, given)
  if (lines === undefined) return undefined
  const all = tasks.begins(by!) ? [...beginning(by!), ...lines] : lines
  return given('background') === '' ? runAll(step, all, tasks) : startAll(all, tasks)
}

const SIGKILL = 9

/** Started and left alone; a later `join` asks what became of it. */
function startAll(lines: readonly string[], tasks: Tasks): Fields {
  for (const line of lines) tasks.run(line)
  return {}
}

function runAll({ by, op, answer }: Step, lines: readonly string[], tasks: Tasks): Fields {
  for (const line of lines) {
    let { errno, waits } = tasks.run(line)
    if (waits) {
      const waited = waitFor(by!, GIVES_UP, tasks)
      if (waited.ret !== 0) return waited
      errno = 0
    }
    if (!tasks.isAlive(by!)) return { worker_died: true }
    if (errno < 0 && !line.startsWith('-')) return { ret: errno, line }
  }
  // How much was asked for is what a program that got it all answers.
  return op === 'getpid' ? {} : { ret: answer.ret ?? 0 }
}

function waitFor(name: string, limit: string, tasks: Tasks): Fields {
  const { errno, text } = tasks.run(`wait ${name} max=${limit}`)
  if (!tasks.isAlive(name)) return { worker_died: true }
  if (text.startsWith('ETIMEDOUT')) return { blocked: true }
  return { ret: errno }
}
