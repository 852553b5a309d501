/**
 * Plays a script on one simulated kernel and writes down what came of it: the answer of each step, which files told of a
 * change, and at every `compare` and at the end all there is to read.
 */
import { MANUAL_BOOT_TIME } from '../api/boot.ts'
import type { ResolvedOptions } from '../api/options.ts'
import { O, type Process } from '../api/process.ts'
import { System } from '../api/system.ts'
import { errnoName, isErrno } from '../errno.ts'
import type { ByteString } from '../units.ts'
import type { Operation, Step } from './script.ts'

/** What a step did on one kernel. */
export interface Played {
  readonly step: Step
  /** Lines: `ok`, the name of an error, a file's text, or the outcome of a workload line. */
  readonly answer: readonly string[]
  /** Paths of the files whose change was told to watchers meanwhile, each once, sorted. */
  readonly told: readonly string[]
}

/** Everything there is to read, at one moment. */
export interface Snapshot {
  /** The `compare` line; undefined at the end of the script. */
  readonly step: Step | undefined
  /** By path; what is refused has the name of its error, what is only written nothing. */
  readonly files: ReadonlyMap<ByteString, string>
  /** Removed cgroups that are still there: `.memcgfs/zombies`. */
  readonly zombies: string
}

export interface Recording {
  readonly steps: readonly Played[]
  readonly snapshots: readonly Snapshot[]
}

const SHELL_PID = 100
const CONTROL = '/.memcgfs'

/** Plays the script from a fresh boot. The administrator does everything; refusals end nothing. */
export function play(options: ResolvedOptions, steps: readonly Step[]): Recording {
  return new Player(options).play(steps)
}

class Player {
  readonly #system: System
  readonly #shell: Process
  readonly #told = new Set<string>()
  #namesVersion = -1

  constructor(options: ResolvedOptions) {
    this.#system = System.boot(options, { bootTime: MANUAL_BOOT_TIME, owner: { uid: 0, gid: 0 } })
    this.#system.addPid(SHELL_PID)
    this.#shell = this.#system.process(this.#system.spawn({ pid: SHELL_PID }))
    this.#system.vfs.follow(notice => {
      if (notice.kind === 'modified') this.#told.add(notice.path)
    })
  }

  play(steps: readonly Step[]): Recording {
    const played: Played[] = []
    const snapshots: Snapshot[] = []
    for (const step of steps) {
      this.#lookAround()
      if (step.operation.kind === 'compare') snapshots.push(this.#snapshot(step))
      else played.push({ step, answer: this.#answer(step.operation), told: this.#takeTold() })
    }
    snapshots.push(this.#snapshot(undefined))
    return { steps: played, snapshots }
  }

  #takeTold(): string[] {
    const told = [...this.#told].sort()
    this.#told.clear()
    return told
  }

  #answer(operation: Exclude<Operation, { kind: 'compare' }>): string[] {
    switch (operation.kind) {
      case 'mkdir':
        return [resultOf(this.#shell.mkdir(operation.path, 0o755))]
      case 'rmdir':
        return [resultOf(this.#shell.rmdir(operation.path))]
      case 'write':
        return [resultOf(this.#shell.writeFile(operation.path, operation.text))]
      case 'read':
        return linesOf(textOf(this.#shell.readFile(operation.path)))
      case 'do':
        return this.#run(operation.path, operation.line)
    }
  }

  /** Runs a workload line; what earlier lines came to meanwhile is part of the answer. */
  #run(directory: ByteString, line: ByteString): string[] {
    const { log } = this.#system.kernel.workload
    if (log.length > LOG_ROOM) log.splice(0, log.length - LOG_ROOM)
    const before = log.length
    const fd = this.#shell.open(`${directory === '/' ? '' : directory}${CONTROL}/do`, O.RDWR)
    if (isErrno(fd)) return [errnoName(fd)]
    this.#shell.write(fd, line)
    const result = linesOf(textOf(this.#shell.pread(fd, RESULT_BYTES, 0)))
    this.#shell.close(fd)
    const later = log.slice(before).filter(each => !OWN_RESULT.test(each))
    // Without the number of the line, which is always 1, and the closing line.
    return [...result.slice(0, -1).map(each => each.replace(/^\d+ /, '')), ...later.map(each => `log: ${each}`)]
  }

  /** Only files that were looked up once tell of changes. */
  #lookAround(): void {
    const { namesVersion } = this.#system.kernel.tree
    if (namesVersion === this.#namesVersion) return
    for (const path of this.#files('')) this.#shell.access(path, 0)
    this.#namesVersion = this.#system.kernel.tree.namesVersion
  }

  /** Paths of all files below a directory, in the order of their names. */
  *#files(directory: ByteString): Generator<ByteString> {
    const entries = this.#shell.list(directory === '' ? '/' : directory)
    if (isErrno(entries)) return
    const named = entries.filter(({ name }) => name !== '.' && name !== '..')
    for (const { name, isDirectory } of named.sort((a, b) => (a.name < b.name ? -1 : 1)))
      if (isDirectory) yield* this.#files(`${directory}/${name}`)
      else yield `${directory}/${name}`
  }

  #snapshot(step: Step | undefined): Snapshot {
    const files = new Map<ByteString, string>()
    for (const path of this.#files(''))
      files.set(path, this.#isReadable(path) ? textOf(this.#shell.readFile(path)) : '')
    return { step, files, zombies: textOf(this.#shell.readFile(`${CONTROL}/zombies`)) }
  }

  #isReadable(path: ByteString): boolean {
    const attributes = this.#shell.stat(path)
    return !isErrno(attributes) && (attributes.mode & 0o444) !== 0
  }
}

/** More than any line says. */
const RESULT_BYTES = 1 << 20
/** The log forgets what is older than a thousand lines: a step has room for half of them. */
const LOG_ROOM = 500
/** A line of the log that the result has, too: time, cgroup, number or summary. */
const OWN_RESULT = /^\d+ \S+ (?:\d+ |done=)/

const resultOf = (result: number): string => (isErrno(result) ? errnoName(result) : 'ok')

const textOf = (read: ByteString | number): string => (typeof read === 'number' ? errnoName(read as never) : read)

/** The lines of a text, which may lack its last newline. */
export const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))
