/**
 * The in-process door: the recorded machine as a simulated kernel of its own for every case, and the recorder's
 * processes as `Process`es over its `Vfs`. Time is a manual clock that goes on when a step waits.
 */
import { boot, MANUAL_BOOT_TIME } from '../../src/api/boot.ts'
import type { InotifyWatch } from '../../src/api/inotify.ts'
import { resolveOptions } from '../../src/api/options.ts'
import { Process } from '../../src/api/process.ts'
import { ProcessTable, Vfs } from '../../src/api/vfs.ts'
import { EBADF, ENAMETOOLONG, isErrno } from '../../src/errno.ts'
import { type Attributes, S_IFDIR, S_IFMT } from '../../src/kernfs/door.ts'
import { type ByteString, milliseconds, type Pid } from '../../src/units.ts'
import type { Calls, Driver, Entry, Event, Result, Stat } from './driver.ts'
import type { LineOutcome, Tasks } from './programs.ts'
import { CGROUPS, type Recording } from './recording.ts'
import { ENABLE_ALL } from './row.ts'

/** Longest path with its closing zero: it counts from the root of the machine, not of the mount. */
const PATH_MAX = 4096

/** Neither pid 1 nor one of the small numbers that are kernel threads. */
const RECORDER: Pid = 300

/**
 * What was in memory before the first case: the root group held some page cache (layout/root/memory.stat: `file`),
 * so that a reclaim asked of it finds something.
 */
export const BOOTED = ['task boot / bare', 'file initramfs 3M', 'read boot initramfs 0 3M', 'exit boot', '']

export class InProcess implements Driver {
  readonly door = 'in process'
  readonly #recording: Recording
  #vfs!: Vfs
  #table!: ProcessTable
  /** Programs that have done something. */
  readonly #begun = new Set<string>()
  #processes = new Map<string | undefined, { pid: Pid; calls: ProcessCalls }>()

  constructor(recording: Recording) {
    this.#recording = recording
  }

  begin(): void {
    this.#table = new ProcessTable()
    this.#begun.clear()
    const { kernel, hierarchy, boundThreads, movableThreads } = this.#recording
    const options = resolveOptions({ kernel, hierarchy, cpus: 4, memory: '1536M', swap: '512M' }, 'manual')
    const surroundings = { host: this.#table, bootTime: MANUAL_BOOT_TIME, owner: { uid: 0, gid: 0 } }
    this.#vfs = new Vfs(boot(options, surroundings))
    this.#processes = new Map()
    for (const pid of [1, RECORDER]) this.#table.add(pid)
    for (const pid of boundThreads) this.#table.add(pid, { kind: 'bound-kthread' })
    for (const pid of movableThreads) this.#table.add(pid, { kind: 'kthread' })
    this.#add(undefined, RECORDER, 0)
    const recorder = new Process(this.#vfs, { pid: RECORDER })
    const root = hierarchy === 'v1' ? '/memory' : ''
    if (hierarchy === 'v2')
      expectOk('enabling every controller', recorder.writeFile('/cgroup.subtree_control', ENABLE_ALL))
    expectOk('the boot', recorder.writeFile('/.memcgfs/do', BOOTED.join('\n')))
    // Whoever exists is in the root group. A mount only lists whom it has been told of.
    for (const pid of [1, ...movableThreads, RECORDER])
      expectOk(`process ${pid}`, recorder.writeFile(`${root}/cgroup.procs`, String(pid)))
    this.sleep(5000)
  }

  /** The whole machine is forgotten. */
  end(): void {}

  process(name?: string): Calls {
    const found = this.#processes.get(name)
    if (found === undefined) throw new Error(`no process ${name} was spawned`)
    return found.calls
  }

  #add(name: string | undefined, pid: Pid, uid: number, before?: ProcessCalls): void {
    this.#processes.set(name, { pid, calls: new ProcessCalls(this.#vfs, { pid, uid, gid: uid }, before) })
  }

  spawn(name: string): Result {
    const pid = RECORDER + this.#processes.size
    this.#table.add(pid)
    this.#add(name, pid, 0)
    return 0
  }

  kill(name: string): Result {
    this.#table.exit(this.pidOf(name))
    return 0
  }

  readonly tasks: Tasks = {
    run: line => this.#run(line),
    spawn: name => {
      const { errno, text } = this.#run(`task ${name} /`)
      if (errno === 0) this.#add(name, Number(/pid=(\d+)/.exec(text)![1]), 0)
      return errno
    },
    begins: name => {
      const first = !this.#begun.has(name)
      this.#begun.add(name)
      return first
    },
    isAlive: name => this.#vfs.door.kernel.tree.tasksByName.get(name)?.state === 'alive',
  }

  /** A line of the workload language in the root, by the recorder. */
  #run(line: string): LineOutcome {
    const recorder = new Process(this.#vfs, { pid: RECORDER })
    const errno = Math.min(0, recorder.writeFile('/.memcgfs/do', line))
    const [text = ''] = String(recorder.readFile('/.memcgfs/result')).split('\n')
    const said = text.replace(/^\d+ /, '')
    return { errno, waits: said.startsWith('waits'), text: said }
  }

  setuid(name: string, uid: number): Result {
    this.#table.setUid(this.pidOf(name), uid)
    this.#add(name, this.pidOf(name), uid, this.#processes.get(name)!.calls)
    return 0
  }

  pidOf(name?: string): Pid {
    return this.#processes.get(name)!.pid
  }

  sleep(ms: number): void {
    passTime(this.#vfs, ms)
  }

  now(): number {
    return wallTime(this.#vfs)
  }
}

function expectOk(what: string, result: number): void {
  if (result < 0) throw new Error(`the recorded machine cannot be set up: ${what}: ${result}`)
}

function passTime(vfs: Vfs, ms: number): void {
  const { kernel } = vfs.door
  kernel.advanceTo(kernel.now + milliseconds(ms))
  vfs.poke()
}

const wallTime = (vfs: Vfs): number => MANUAL_BOOT_TIME + vfs.door.kernel.now / 1e9

/** Polling and inotify wait in steps of the clock no longer than this. */
const WAIT_STEP_MS = 1

/** The system calls of one process. Most are the process's own; what it has no name for is put together here. */
class ProcessCalls implements Calls {
  readonly #vfs: Vfs
  readonly #process: Process
  readonly #watches = new Map<number, InotifyWatch>()
  #nextWatch = 1000

  /** A process; one that changes its user goes on with what it has open. */
  constructor(vfs: Vfs, options: { pid: Pid; uid: number; gid: number }, before?: ProcessCalls) {
    this.#vfs = vfs
    this.#process = before === undefined ? new Process(vfs, options) : new Process(vfs, options, before.#process.state)
  }

  /** The path as it looks from the root of the mount; PATH_MAX counts the whole of it. */
  #at<T>(path: ByteString, call: (path: ByteString) => T): T | Result {
    if (path.length >= PATH_MAX) return ENAMETOOLONG
    if (!path.startsWith('/')) return call(path)
    if (path === CGROUPS) return call('/')
    if (!path.startsWith(`${CGROUPS}/`)) throw new Error(`${path} is outside the mount`)
    return call(path.slice(CGROUPS.length))
  }

  open(path: ByteString, flags: number): Result {
    return this.#at(path, at => this.#process.open(at, flags))
  }

  openat(dirfd: number, path: ByteString, flags: number): Result {
    return this.#process.openat(dirfd, path, flags)
  }

  close(fd: number): Result {
    return this.#process.close(fd)
  }

  read(fd: number, count: number): ByteString | Result {
    return this.#process.read(fd, count)
  }

  pread(fd: number, count: number, offset: number): ByteString | Result {
    return this.#process.pread(fd, count, offset)
  }

  write(fd: number, data: ByteString): Result {
    return this.#process.write(fd, data)
  }

  pwrite(fd: number, data: ByteString, offset: number): Result {
    return this.#process.pwrite(fd, data, offset)
  }

  /** The parts arrive as one write (errata.md §2.5). */
  writev(fd: number, parts: readonly ByteString[]): Result {
    return this.#process.write(fd, parts.join(''))
  }

  spliceIn(fd: number, data: ByteString): Result {
    return this.#process.write(fd, data)
  }

  sendfile(fd: number): Result {
    const text = this.#process.read(fd, 65536)
    return isErrno(text) ? text : text.length
  }

  lseek(fd: number, offset: number, whence: 'SET' | 'CUR' | 'END' | 'DATA'): Result {
    return this.#process.lseek(fd, offset, whence)
  }

  ftruncate(fd: number, _length: number): Result {
    return this.#process.ftruncate(fd)
  }

  fallocate(fd: number): Result {
    return this.#process.fallocate(fd, 4096)
  }

  fsync(fd: number): Result {
    return this.#process.fsync(fd)
  }

  mmap(fd: number): Result {
    return this.#process.mmap(fd)
  }

  fionread(fd: number): Result {
    return this.#process.fionread(fd)
  }

  /** Whatever can be polled can be added. */
  epollAdd(fd: number): Result {
    const events = this.#process.poll(fd, 0)
    return isErrno(events) ? events : 0
  }

  poll(fd: number, events: number, timeoutMs: number): Result {
    for (let waited = 0; ; waited += WAIT_STEP_MS) {
      const found = this.#process.poll(fd, events)
      if (found !== 0 || waited >= timeoutMs) return found
      passTime(this.#vfs, WAIT_STEP_MS)
    }
  }

  fstat(fd: number): Stat | Result {
    return statOf(this.#process.fstat(fd))
  }

  getdents(fd: number, rewind: boolean): Entry[] | Result {
    if (rewind) this.#process.lseek(fd, 0, 'SET')
    return this.#process.getdents(fd)
  }

  stat(path: ByteString): Stat | Result {
    return this.#at(path, at => statOf(this.#process.stat(at)))
  }

  access(path: ByteString, mode: number): Result {
    return this.#at(path, at => this.#process.access(at, mode))
  }

  statfs(path: ByteString): ReturnType<Calls['statfs']> {
    return this.#at(path, at => {
      const found = this.#process.statfs(at)
      return isErrno(found) ? found : { blocks: 0, files: 0, ...found }
    })
  }

  mkdir(path: ByteString, mode: number): Result {
    return this.#at(path, at => this.#process.mkdir(at, mode))
  }

  mkdirat(dirfd: number, path: ByteString, mode: number): Result {
    return this.#process.mkdirat(dirfd, path, mode)
  }

  rmdir(path: ByteString): Result {
    return this.#at(path, at => this.#process.rmdir(at))
  }

  unlink(path: ByteString): Result {
    return this.#at(path, at => this.#process.unlink(at))
  }

  rename(from: ByteString, to: ByteString, flags: number): Result {
    return this.#at(from, source => this.#at(to, target => this.#process.rename(source, target, flags)))
  }

  symlink(target: ByteString, path: ByteString): Result {
    return this.#at(path, at => this.#process.symlink(target, at))
  }

  link(from: ByteString, path: ByteString): Result {
    return this.#at(from, source => this.#at(path, at => this.#process.link(source, at)))
  }

  mknod(path: ByteString, mode: number): Result {
    return this.#at(path, at => this.#process.mknod(at, mode))
  }

  chmod(path: ByteString, mode: number): Result {
    return this.#at(path, at => this.#process.chmod(at, mode))
  }

  chown(path: ByteString, uid: number, gid: number): Result {
    return this.#at(path, at => this.#process.chown(at, uid, gid))
  }

  truncate(path: ByteString, _length: number): Result {
    return this.#at(path, at => this.#process.truncate(at))
  }

  utimes(path: ByteString, seconds: number): Result {
    return this.#at(path, at => this.#process.utimes(at, seconds))
  }

  chdir(path: ByteString): Result {
    return this.#at(path, at => this.#process.chdir(at))
  }

  umask(mask: number): number {
    return this.#process.umask(mask)
  }

  listxattr(path: ByteString): readonly ByteString[] | Result {
    return this.#at(path, at => this.#process.listxattr(at))
  }

  getxattr(path: ByteString, name: ByteString): ByteString | Result {
    return this.#at(path, at => this.#process.getxattr(at, name))
  }

  setxattr(path: ByteString, name: ByteString, value: ByteString): Result {
    return this.#at(path, at => this.#process.setxattr(at, name, value))
  }

  removexattr(path: ByteString, name: ByteString): Result {
    return this.#at(path, at => this.#process.removexattr(at, name))
  }

  eventfd(): Result {
    return this.#process.eventfd()
  }

  inotify(): Result {
    const fd = this.#nextWatch++
    this.#watches.set(fd, this.#process.inotify())
    return fd
  }

  watch(inotify: number, path: ByteString): Result {
    const instance = this.#watches.get(inotify)
    return instance === undefined ? EBADF : this.#at(path, at => this.#process.watch(instance, at))
  }

  inotifyRead(inotify: number, timeoutMs: number): readonly Event[] {
    const instance = this.#watches.get(inotify)
    if (instance === undefined) return []
    // What is there at once, then what comes in the time: read in between, two equal events stay two.
    const first = this.#process.inotifyRead(instance)
    passTime(this.#vfs, timeoutMs)
    return [...first, ...this.#process.inotifyRead(instance)].map(({ wd, mask, name }) =>
      name === '' ? { wd, mask } : { wd, mask, name },
    )
  }
}

function statOf(found: Attributes | Result): Stat | Result {
  if (typeof found === 'number') return found
  const { mode, uid, gid, nlink, ino, mtimeSec, mtimeNsec } = found
  return {
    isDirectory: (mode & S_IFMT) === S_IFDIR,
    mode: mode & 0o7777,
    uid,
    gid,
    // The door's contract says so of every node (door.ts, Attributes).
    size: 0,
    nlink,
    blksize: 4096,
    blocks: 0,
    ino,
    mtime: mtimeSec + mtimeNsec / 1e9,
  }
}
