/**
 * The package's entry: a simulated kernel as an object. Its files are there in process, in the shape of Node's `fs` and
 * as system calls, and can be mounted; all of that at the same time, and it is the same kernel.
 */
import { MANUAL_BOOT_TIME } from '../src/api/boot.ts'
import { type KernelOptions, resolveOptions } from '../src/api/options.ts'
import type { ProcessOptions } from '../src/api/process.ts'
import type { Kernel } from '../src/kernel.ts'
import type { Owner } from '../src/tree/files.ts'
import type { Nanoseconds, Pid } from '../src/units.ts'
import { parseTime } from '../src/workload/grammar.ts'
import type { Session } from './fuse/session.ts'
import { callsOf, Home, type Seat } from './home/home.ts'
import type { Calls } from './home/messages.ts'
import type { MountChoices } from './home/mounted-machine.ts'
import { type CgroupNodeFs, type OpenedFs, openFs } from './memfs/fs.ts'

export interface CgroupFsOptions extends KernelOptions {
  /**
   * Who owns the root directory, and acts as administrator besides root. Default: the user of this process, so that he
   * can use his mount. Give one where the owners of files must be the same for everybody who runs a test.
   */
  readonly owner?: Owner
}

/** A simulated kernel: see the examples of its members. */
export class CgroupFs {
  readonly #home: Home
  readonly #owner: Owner
  readonly #opened: OpenedFs[] = []
  #own: OpenedFs | undefined

  /** Use `createCgroupFs`. */
  constructor({ owner = hostUser(), ...options }: CgroupFsOptions) {
    const resolved = resolveOptions(options, 'manual')
    const bootTime = resolved.clock === 'real' ? Math.floor(Date.now() / 1000) : MANUAL_BOOT_TIME
    this.#owner = owner
    this.#home = new Home(resolved, { bootTime, owner })
  }

  /**
   * The files, as node:fs has them. The root of the paths is the root of the mount; a process of this pid uses them as
   * the administrator.
   *
   * @example
   * const { fs } = createCgroupFs()
   * fs.mkdirSync('/a')
   * fs.writeFileSync('/a/cgroup.procs', '0')
   * console.log(fs.readFileSync('/a/cgroup.procs', 'utf8') === `${process.pid}\n`) // true
   * try {
   *   fs.rmdirSync('/a')
   * } catch (error) {
   *   console.log((error as Error).message) // EBUSY: resource busy or locked, rmdir '/a'
   * }
   */
  get fs(): CgroupNodeFs {
    this.#own ??= this.#open({})
    return this.#own.fs
  }

  /**
   * The same files, used by somebody else: a process of its own, with its own credentials and descriptors.
   *
   * @example
   * const cgroups = createCgroupFs()
   * const user = cgroups.as({ uid: 1000, gid: 1000 })
   * try {
   *   user.mkdirSync('/mine')
   * } catch (error) {
   *   console.log((error as NodeJS.ErrnoException).code) // EACCES
   * }
   * cgroups.fs.mkdirSync('/theirs')
   * cgroups.fs.chownSync('/theirs', 1000, 1000)
   * user.mkdirSync('/theirs/job')
   */
  as(who: ProcessOptions): CgroupNodeFs {
    return this.#open(who).fs
  }

  /**
   * System calls of a process: what they return, without exceptions. Paths and texts are byte strings; a refusal is
   * minus its error number.
   *
   * @example
   * const cgroups = createCgroupFs()
   * const shell = cgroups.process({ pid: 4242 })
   * console.log(shell.mkdir('/a', 0o755)) // 0
   * console.log(shell.mkdir('/a', 0o755)) // -17
   * console.log(shell.writeFile('/a/cgroup.procs', '0')) // 1
   * console.log(shell.readFile('/a/cgroup.procs') === '4242\n') // true
   */
  process(who: ProcessOptions = {}): Calls {
    return callsOf(this.#sit(who))
  }

  /**
   * Whether a process exists on the simulated machine. Those that use it do, from the first time on.
   *
   * @example
   * const { fs, processes } = createCgroupFs()
   * fs.mkdirSync('/a')
   * processes.add(4711)
   * fs.writeFileSync('/a/cgroup.procs', '4711')
   * processes.exit(4711)
   * console.log(fs.readFileSync('/a/cgroup.procs', 'utf8') === '') // true
   * fs.rmdirSync('/a')
   */
  get processes(): { add(pid: Pid): void; exit(pid: Pid): void } {
    return { add: pid => this.#home.machine.addPid(pid), exit: pid => this.#home.machine.exitPid(pid) }
  }

  /**
   * The model itself: counters, cgroups, tasks. Not while it is mounted, when it lives in another thread; ask again
   * afterwards, it is another object then.
   */
  get kernel(): Kernel {
    return this.#home.kernel
  }

  /** Simulated time since the boot. */
  get now(): Nanoseconds {
    return this.#home.machine.now()
  }

  /**
   * Lets simulated time pass, and what falls due in it happen: `2s`, `150ms`, or a number of nanoseconds.
   *
   * @example
   * const cgroups = createCgroupFs()
   * cgroups.fs.mkdirSync('/a')
   * cgroups.fs.rmdirSync('/a')
   * const dying = () => /nr_dying_descendants (.*)/.exec(cgroups.fs.readFileSync('/cgroup.stat', 'utf8'))?.[1]
   * console.log(dying()) // 1
   * cgroups.advance('2s')
   * console.log(dying()) // 0
   */
  advance(time: string | Nanoseconds): void {
    this.#home.machine.advance(nanoseconds(time))
  }

  /**
   * Mounts the files on a directory. Both ways lead to the same kernel; watchers of one hear of what is done by way of
   * the other. When the mount goes away, whoever unmounts it, the kernel goes on in process.
   *
   * Rejects with a MountError.
   */
  mount(dir: string, options: MountChoices = {}): Promise<Session> {
    return this.#home.mount(dir, options)
  }

  /** Unmounts, ends all watching and closes what is open. */
  async close(): Promise<void> {
    await this.#home.session?.unmount()
    for (const opened of this.#opened) opened.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #open(who: ProcessOptions): OpenedFs {
    const opened = openFs(this.#home, this.#sit(who), FIRST_FD - this.#opened.length * FDS_PER_VIEW)
    this.#opened.push(opened)
    return opened
  }

  #sit({ uid = this.#owner.uid, gid = this.#owner.gid, groups = [], pid = process.pid }: ProcessOptions): Seat {
    this.#home.machine.addPid(pid)
    return this.#home.sit({ uid, gid, groups, pid })
  }
}

/**
 * Boots a simulated kernel. Its clock is a manual one unless `clock: 'real'` is given: time passes when it is told to,
 * so that equal programs give equal bytes. Throws an OptionError that names the option, its value and what would be
 * accepted.
 *
 * @example
 * const { fs } = createCgroupFs({ kernel: '6.12', cpus: 2, memory: '512M' })
 * fs.writeFileSync('/cgroup.subtree_control', '+memory')
 * fs.mkdirSync('/a')
 * fs.writeFileSync('/a/memory.max', '32M')
 * fs.writeFileSync('/a/.memcgfs/do', 'task t1\nanon t1 heap 16M\n')
 * console.log(Number(fs.readFileSync('/a/memory.current', 'utf8')) >= 16 * 2 ** 20) // true
 * const fixed = createCgroupFs({ kernel: '5.3', with: { slab_flush_at_offline: 'none' } })
 * console.log(fixed.fs.readFileSync('/.memcgfs/kernel', 'utf8').split('\n')[1]) // release 5.3.1
 */
export function createCgroupFs(options: CgroupFsOptions = {}): CgroupFs {
  return new CgroupFs(options)
}

/** Above any descriptor of the host that could be mistaken for one of a view. A view with more open files reaches into the next. */
const FDS_PER_VIEW = 2 ** 20
const FIRST_FD = 2 ** 31 - FDS_PER_VIEW

const hostUser = (): Owner => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 })

function nanoseconds(time: string | Nanoseconds): Nanoseconds {
  const parsed = typeof time === 'string' ? parseTime(time) : time
  if (parsed !== undefined && Number.isSafeInteger(parsed) && parsed >= 0) return parsed
  throw new TypeError(`advance: "${time}" is no time; it is a number with a unit (2s, 150ms) or nanoseconds`)
}

export { type KernelOptions, OptionError } from '../src/api/options.ts'
export type { ProcessOptions } from '../src/api/process.ts'
export { errnoName, isErrno } from '../src/errno.ts'
export { MountError } from './fuse/errors.ts'
export type { Session } from './fuse/session.ts'
export type { Calls } from './home/messages.ts'
export type { CgroupNodeFs } from './memfs/fs.ts'
