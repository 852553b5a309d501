/**
 * The door of a real mount: system calls of this process, made through koffi because Node has no function for most of
 * them. The mount has to be served by another process (a process that waits for its own mount hangs), on a manual clock,
 * as the recorded machine: 4 CPUs, 1536M of memory, 512M of swap.
 *
 * The recorder is this process. A helper with another user is this process as well, with the file-system ids of that
 * user while it acts: that is what permissions are checked with. It has no process number of its own.
 */
import { MANUAL_BOOT_TIME } from '../../src/api/boot.ts'
import { O } from '../../src/api/process.ts'
import { ENOSYS } from '../../src/errno.ts'
import type { ByteString, Pid } from '../../src/units.ts'
import type { Calls, Driver, Entry, Event, FileSystem, Result, Stat } from './driver.ts'
import { BOOTED } from './in-process.ts'
import { CGROUPS, type Recording } from './recording.ts'
import { ENABLE_ALL } from './row.ts'

/** Numbers of Linux that are the same on x86-64 and arm64, unless said. */
const AT_FDCWD = -100
const AT_EACCESS = 0x200
const PROT_READ = 1
const MAP_SHARED = 1
const FIONREAD = 0x541b
const EPOLL_CTL_ADD = 1
const EPOLLIN = 1
const SEEK = { SET: 0, CUR: 1, END: 2, DATA: 3 } as const
const SYS_GETDENTS64 = process.arch === 'arm64' ? 61 : 217
const SYS_FACCESSAT2 = 439
const DT_DIR = 4
const IN_ALL_EVENTS = 0xfff
const IN_NONBLOCK = 0o4000

/** Bits of inotify(7) from the lowest on. */
const INOTIFY_BITS: readonly (readonly [string, number])[] = [
  ['IN_ACCESS', 0x1],
  ['IN_MODIFY', 0x2],
  ['IN_ATTRIB', 0x4],
  ['IN_CLOSE_WRITE', 0x8],
  ['IN_CLOSE_NOWRITE', 0x10],
  ['IN_OPEN', 0x20],
  ['IN_MOVED_FROM', 0x40],
  ['IN_MOVED_TO', 0x80],
  ['IN_CREATE', 0x100],
  ['IN_DELETE', 0x200],
  ['IN_DELETE_SELF', 0x400],
  ['IN_MOVE_SELF', 0x800],
  ['IN_UNMOUNT', 0x2000],
  ['IN_IGNORED', 0x8000],
  ['IN_ISDIR', 0x40000000],
]

/** Wakes and changes are told by the mount's main thread: they arrive within this host time. */
const ARRIVAL_MS = 50

/** The settings of the root of version 2 as the recorded machine has them. */
const ROOT_SETTINGS = {
  'cgroup.subtree_control': ENABLE_ALL,
  'cgroup.max.depth': 'max',
  'cgroup.max.descendants': 'max',
  'cgroup.pressure': '1',
} as const

type Native = (...args: readonly unknown[]) => number | bigint

/** A function of libc by its prototype, made once. */
interface Libc {
  call(prototype: string, ...args: readonly unknown[]): Result
  address(bytes: Buffer): bigint
}

async function loadLibc(): Promise<Libc> {
  const { default: koffi } = await import('koffi')
  const libc = koffi.load(null)
  const functions = new Map<string, Native>()
  return {
    call(prototype, ...args) {
      let native = functions.get(prototype)
      if (native === undefined) {
        native = libc.func(prototype) as Native
        functions.set(prototype, native)
      }
      const result = Number(native(...args))
      return result < 0 ? -koffi.errno() : result
    },
    address: bytes => koffi.address(bytes),
  }
}

/** Bytes with a closing zero. */
const zeroEnded = (text: ByteString): Buffer => Buffer.from(`${text}\0`, 'latin1')

/** A mount as the recorded machine. */
export async function mountedDriver(dir: string, recording: Recording): Promise<Driver> {
  process.setgroups?.([])
  return new Mounted(dir, recording, await loadLibc())
}

class Mounted implements Driver {
  readonly door = 'mount'
  readonly #dir: string
  readonly #isVersion1: boolean
  readonly #libc: Libc
  readonly #recorder: SystemCalls
  #helpers = new Map<string, SystemCalls>()

  constructor(dir: string, { hierarchy }: Recording, libc: Libc) {
    this.#dir = dir
    this.#isVersion1 = hierarchy === 'v1'
    this.#libc = libc
    this.#recorder = new SystemCalls({ dir, libc, uid: 0, advance: ms => this.sleep(ms) })
    this.#write('.memcgfs/do', BOOTED.join('\n'))
  }

  begin(): void {
    const settings: Readonly<Record<string, string>> = this.#isVersion1 ? {} : ROOT_SETTINGS
    this.#write(this.#rootProcs, '0')
    for (const [file, text] of Object.entries(settings)) this.#write(file, text)
    this.#recorder.umask(0o022)
    this.sleep(5000)
  }

  end(): void {
    for (const calls of [this.#recorder, ...this.#helpers.values()]) calls.closeAll()
    this.#helpers = new Map()
    for (const directory of this.#isVersion1 ? ['memory/t', 'memory/w'] : ['t'])
      this.#removeTree(`${CGROUPS}/${directory}`)
  }

  get #rootProcs(): string {
    return this.#isVersion1 ? 'memory/cgroup.procs' : 'cgroup.procs'
  }

  /** rmdir from the leaves up, with whoever is inside put back into the root; nothing if it is not there. */
  #removeTree(path: ByteString): void {
    const calls = this.#recorder
    const fd = calls.open(path, O.RDONLY)
    const entries = fd < 0 ? fd : calls.getdents(fd, false)
    calls.close(fd)
    if (typeof entries === 'number') return
    for (const { name, isDirectory } of entries)
      if (isDirectory && name !== '.' && name !== '..') this.#removeTree(`${path}/${name}`)
    for (const pid of this.#processesIn(path)) this.#write(this.#rootProcs, pid)
    const removed = calls.rmdir(path)
    if (removed < 0) throw new Error(`${path} cannot be removed: ${removed}`)
  }

  #processesIn(path: ByteString): string[] {
    const fd = this.#recorder.open(`${path}/cgroup.procs`, O.RDONLY)
    const text = this.#recorder.read(fd, 65536)
    this.#recorder.close(fd)
    return typeof text === 'string' ? text.split('\n').filter(pid => pid !== '') : []
  }

  #write(file: string, text: string): void {
    const fd = this.#recorder.open(`${CGROUPS}/${file}`, O.WRONLY)
    const result = fd < 0 ? fd : this.#recorder.write(fd, text)
    this.#recorder.close(fd)
    if (result < 0) throw new Error(`${this.#dir}/${file}: writing ${JSON.stringify(text)} failed with ${result}`)
  }

  process(name?: string): Calls {
    const calls = name === undefined ? this.#recorder : this.#helpers.get(name)
    if (calls === undefined) throw new Error(`no process ${name} was spawned`)
    return calls
  }

  spawn(name: string): Result {
    this.#helpers.set(name, this.#as(0))
    return 0
  }

  kill(name: string): Result {
    throw new Error(`${name} is this process: it cannot be killed`)
  }

  setuid(name: string, uid: number): Result {
    this.#helpers.set(name, this.#as(uid))
    return 0
  }

  #as(uid: number): SystemCalls {
    return new SystemCalls({ dir: this.#dir, libc: this.#libc, uid, advance: ms => this.sleep(ms) })
  }

  pidOf(): Pid {
    return process.pid
  }

  sleep(ms: number): void {
    this.#write('.memcgfs/clock', `+${ms}ms`)
  }

  /** On a manual clock file times are counted from a fixed boot. */
  now(): number {
    const clock = this.#recorder.open(`${CGROUPS}/.memcgfs/clock`, O.RDONLY)
    const text = this.#recorder.read(clock, 100)
    this.#recorder.close(clock)
    return MANUAL_BOOT_TIME + Number(text) / 1e9
  }
}

interface Actor {
  readonly dir: string
  readonly libc: Libc
  readonly uid: number
  /** Moves the simulated clock. */
  readonly advance: (ms: number) => void
}

/** The system calls, as one user. */
class SystemCalls implements Calls {
  readonly #dir: string
  readonly #libc: Libc
  readonly #uid: number
  readonly #advance: (ms: number) => void
  readonly #fds = new Set<number>()

  constructor({ dir, libc, uid, advance }: Actor) {
    this.#dir = dir
    this.#libc = libc
    this.#uid = uid
    this.#advance = advance
  }

  /** One call, with the file-system ids of the user: they are the thread's, and permissions are checked with them. */
  #call(prototype: string, ...args: readonly unknown[]): Result {
    if (this.#uid === 0) return this.#libc.call(prototype, ...args)
    this.#become(this.#uid)
    const result = this.#libc.call(prototype, ...args)
    this.#become(0)
    return result
  }

  #become(uid: number): void {
    this.#libc.call('int setfsgid(unsigned int)', uid)
    this.#libc.call('int setfsuid(unsigned int)', uid)
  }

  #at(path: ByteString): Buffer {
    const isInside = path === CGROUPS || path.startsWith(`${CGROUPS}/`)
    return zeroEnded(isInside ? this.#dir + path.slice(CGROUPS.length) : path)
  }

  #opened(fd: Result): Result {
    if (fd >= 0) this.#fds.add(fd)
    return fd
  }

  /** Closes what the case has left open. */
  closeAll(): void {
    for (const fd of this.#fds) this.close(fd)
  }

  open(path: ByteString, flags: number): Result {
    return this.#opened(this.#call('int open(const void *, int, unsigned int)', this.#at(path), flags, 0o644))
  }

  openat(dirfd: number, path: ByteString, flags: number): Result {
    return this.#opened(
      this.#call('int openat(int, const void *, int, unsigned int)', dirfd, this.#at(path), flags, 0o644),
    )
  }

  close(fd: number): Result {
    this.#fds.delete(fd)
    return this.#call('int close(int)', fd)
  }

  #bytes(count: number, read: (into: Buffer) => Result): ByteString | Result {
    const into = Buffer.alloc(count)
    const length = read(into)
    return length < 0 ? length : into.toString('latin1', 0, length)
  }

  read(fd: number, count: number): ByteString | Result {
    return this.#bytes(count, into => this.#call('long read(int, void *, size_t)', fd, into, count))
  }

  pread(fd: number, count: number, offset: number): ByteString | Result {
    return this.#bytes(count, into => this.#call('long pread(int, void *, size_t, long)', fd, into, count, offset))
  }

  write(fd: number, data: ByteString): Result {
    return this.#call('long write(int, const void *, size_t)', fd, zeroEnded(data), data.length)
  }

  pwrite(fd: number, data: ByteString, offset: number): Result {
    return this.#call('long pwrite(int, const void *, size_t, long)', fd, zeroEnded(data), data.length, offset)
  }

  writev(fd: number, parts: readonly ByteString[]): Result {
    const vector = new BigUint64Array(parts.length * 2)
    const buffers = parts.map(zeroEnded)
    for (const [i, buffer] of buffers.entries()) {
      vector[2 * i] = this.#libc.address(buffer)
      vector[2 * i + 1] = BigInt(parts[i]!.length)
    }
    return this.#call('long writev(int, const void *, int)', fd, vector, parts.length)
  }

  spliceIn(fd: number, data: ByteString): Result {
    const pipe = new Int32Array(2)
    this.#call('int pipe(void *)', pipe)
    const [from = -1, into = -1] = pipe
    this.write(into, data)
    this.close(into)
    const prototype = 'long splice(int, void *, int, void *, size_t, unsigned int)'
    const result = this.#call(prototype, from, null, fd, null, data.length, 0)
    this.close(from)
    return result
  }

  sendfile(fd: number): Result {
    const sink = this.#call('int open(const void *, int, unsigned int)', zeroEnded('/dev/null'), 1, 0)
    const result = this.#call('long sendfile(int, int, void *, size_t)', sink, fd, null, 65536)
    this.close(sink)
    return result
  }

  lseek(fd: number, offset: number, whence: 'SET' | 'CUR' | 'END' | 'DATA'): Result {
    return this.#call('long lseek(int, long, int)', fd, offset, SEEK[whence])
  }

  ftruncate(fd: number, length: number): Result {
    return this.#call('int ftruncate(int, long)', fd, length)
  }

  fallocate(fd: number): Result {
    return this.#call('int fallocate(int, int, long, long)', fd, 0, 0, 4096)
  }

  fsync(fd: number): Result {
    return this.#call('int fsync(int)', fd)
  }

  mmap(fd: number): Result {
    return this.#call('long mmap(void *, size_t, int, int, int, long)', null, 4096, PROT_READ, MAP_SHARED, fd, 0)
  }

  fionread(fd: number): Result {
    const count = new Int32Array(1)
    const result = this.#call('int ioctl(int, unsigned long, void *)', fd, FIONREAD, count)
    return result < 0 ? result : count[0]!
  }

  epollAdd(fd: number): Result {
    const epoll = this.#call('int epoll_create1(int)', 0)
    const event = Buffer.alloc(16)
    event.writeUInt32LE(EPOLLIN)
    const result = this.#call('int epoll_ctl(int, int, int, void *)', epoll, EPOLL_CTL_ADD, fd, event)
    this.close(epoll)
    return result
  }

  poll(fd: number, events: number, timeoutMs: number): Result {
    const found = this.#pollOnce(fd, events, 0)
    if (found !== 0 || timeoutMs === 0) return found
    this.#advance(timeoutMs)
    return this.#pollOnce(fd, events, ARRIVAL_MS)
  }

  #pollOnce(fd: number, events: number, hostMs: number): Result {
    const entry = Buffer.alloc(8)
    entry.writeInt32LE(fd, 0)
    entry.writeInt16LE(events, 4)
    const result = this.#call('int poll(void *, unsigned long, int)', entry, 1, hostMs)
    return result < 0 ? result : entry.readInt16LE(6)
  }

  /** struct stat: fields by name, from fstat or lstat. */
  #stat(call: (into: Buffer) => Result): Stat | Result {
    const into = Buffer.alloc(256)
    const result = call(into)
    return result < 0 ? result : readStatx(into)
  }

  fstat(fd: number): Stat | Result {
    return this.#stat(into => this.#call(STATX, fd, zeroEnded(''), AT_EMPTY_PATH, STATX_BASIC, into))
  }

  stat(path: ByteString): Stat | Result {
    return this.#stat(into => this.#call(STATX, AT_FDCWD, this.#at(path), AT_SYMLINK_NOFOLLOW, STATX_BASIC, into))
  }

  getdents(fd: number, rewind: boolean): Entry[] | Result {
    if (rewind) this.lseek(fd, 0, 'SET')
    const entries: Entry[] = []
    const into = Buffer.alloc(1 << 16)
    for (;;) {
      const length = this.#call('long syscall(long, long, void *, size_t)', SYS_GETDENTS64, fd, into, into.length)
      if (length < 0) return length
      if (length === 0) return entries
      // struct linux_dirent64: inode, offset, length of the record, type, name.
      for (let at = 0; at < length; at += into.readUInt16LE(at + 16)) {
        const name = into.toString('latin1', at + 19, into.indexOf(0, at + 19))
        entries.push({ name, isDirectory: into[at + 18] === DT_DIR })
      }
    }
  }

  access(path: ByteString, mode: number): Result {
    const prototype = 'long syscall(long, long, const void *, long, long)'
    return this.#call(prototype, SYS_FACCESSAT2, AT_FDCWD, this.#at(path), mode, AT_EACCESS)
  }

  statfs(path: ByteString): FileSystem | Result {
    const into = Buffer.alloc(128)
    const result = this.#call('int statfs(const void *, void *)', this.#at(path), into)
    if (result < 0) return result
    const field = (i: number): number => Number(into.readBigInt64LE(8 * i))
    return { type: field(0), bsize: field(1), blocks: field(2), files: field(5), namelen: field(8), frsize: field(9) }
  }

  mkdir(path: ByteString, mode: number): Result {
    return this.#call('int mkdir(const void *, unsigned int)', this.#at(path), mode)
  }

  mkdirat(dirfd: number, path: ByteString, mode: number): Result {
    return this.#call('int mkdirat(int, const void *, unsigned int)', dirfd, this.#at(path), mode)
  }

  rmdir(path: ByteString): Result {
    return this.#call('int rmdir(const void *)', this.#at(path))
  }

  unlink(path: ByteString): Result {
    return this.#call('int unlink(const void *)', this.#at(path))
  }

  rename(from: ByteString, to: ByteString, flags: number): Result {
    const prototype = 'int renameat2(int, const void *, int, const void *, unsigned int)'
    return this.#call(prototype, AT_FDCWD, this.#at(from), AT_FDCWD, this.#at(to), flags)
  }

  symlink(target: ByteString, path: ByteString): Result {
    return this.#call('int symlink(const void *, const void *)', zeroEnded(target), this.#at(path))
  }

  link(from: ByteString, path: ByteString): Result {
    return this.#call('int link(const void *, const void *)', this.#at(from), this.#at(path))
  }

  mknod(path: ByteString, mode: number): Result {
    return this.#call('int mknod(const void *, unsigned int, unsigned long)', this.#at(path), mode, 0)
  }

  chmod(path: ByteString, mode: number): Result {
    return this.#call('int chmod(const void *, unsigned int)', this.#at(path), mode)
  }

  chown(path: ByteString, uid: number, gid: number): Result {
    return this.#call('int lchown(const void *, int, int)', this.#at(path), uid, gid)
  }

  truncate(path: ByteString, length: number): Result {
    return this.#call('int truncate(const void *, long)', this.#at(path), length)
  }

  utimes(path: ByteString, seconds: number): Result {
    const times = BigInt64Array.of(BigInt(seconds), 0n, BigInt(seconds), 0n)
    return this.#call('int utimensat(int, const void *, const void *, int)', AT_FDCWD, this.#at(path), times, 0)
  }

  chdir(path: ByteString): Result {
    return this.#call('int chdir(const void *)', this.#at(path))
  }

  umask(mask: number): number {
    return this.#call('unsigned int umask(unsigned int)', mask)
  }

  listxattr(path: ByteString): readonly ByteString[] | Result {
    const size = 65536
    const names = this.#bytes(size, into =>
      this.#call('long llistxattr(const void *, void *, size_t)', this.#at(path), into, size),
    )
    return typeof names === 'number' ? names : names.split('\0').slice(0, -1)
  }

  getxattr(path: ByteString, name: ByteString): ByteString | Result {
    const size = 65536
    const prototype = 'long lgetxattr(const void *, const void *, void *, size_t)'
    return this.#bytes(size, into => this.#call(prototype, this.#at(path), zeroEnded(name), into, size))
  }

  setxattr(path: ByteString, name: ByteString, value: ByteString): Result {
    const prototype = 'int lsetxattr(const void *, const void *, const void *, size_t, int)'
    return this.#call(prototype, this.#at(path), zeroEnded(name), zeroEnded(value), value.length, 0)
  }

  removexattr(path: ByteString, name: ByteString): Result {
    return this.#call('int lremovexattr(const void *, const void *)', this.#at(path), zeroEnded(name))
  }

  /** Node has no eventfd(2): rows with one are not replayed on a mount. */
  eventfd(): Result {
    return ENOSYS
  }

  inotify(): Result {
    return this.#opened(this.#call('int inotify_init1(int)', IN_NONBLOCK))
  }

  watch(inotify: number, path: ByteString): Result {
    return this.#call('int inotify_add_watch(int, const void *, unsigned int)', inotify, this.#at(path), IN_ALL_EVENTS)
  }

  inotifyRead(inotify: number, timeoutMs: number): readonly Event[] {
    this.#advance(timeoutMs)
    const events: Event[] = []
    while (this.#pollOnce(inotify, EPOLLIN, ARRIVAL_MS) > 0) {
      const into = Buffer.alloc(65536)
      const length = this.#call('long read(int, void *, size_t)', inotify, into, into.length)
      // struct inotify_event: watch, mask, cookie, length of the name, name.
      for (let at = 0; at < length; at += 16 + into.readUInt32LE(at + 12)) {
        const bits = into.readUInt32LE(at + 4)
        const mask = INOTIFY_BITS.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name)
        const name = into.toString('latin1', at + 16, at + 16 + into.readUInt32LE(at + 12)).replace(/\0.*$/s, '')
        const wd = into.readInt32LE(at)
        events.push({ wd, mask: mask.join('|'), ...(name !== '' && { name }) })
      }
    }
    return events
  }
}

const STATX = 'int statx(int, const void *, int, unsigned int, void *)'
const AT_EMPTY_PATH = 0x1000
const AT_SYMLINK_NOFOLLOW = 0x100
const STATX_BASIC = 0x7ff
const S_IFMT = 0o170000
const S_IFDIR = 0o040000

/** struct statx: the same on every machine. */
function readStatx(bytes: Buffer): Stat {
  const mode = bytes.readUInt16LE(28)
  return {
    isDirectory: (mode & S_IFMT) === S_IFDIR,
    mode: mode & 0o7777,
    uid: bytes.readUInt32LE(20),
    gid: bytes.readUInt32LE(24),
    size: Number(bytes.readBigUInt64LE(40)),
    nlink: bytes.readUInt32LE(16),
    blksize: bytes.readUInt32LE(4),
    blocks: Number(bytes.readBigUInt64LE(48)),
    ino: Number(bytes.readBigUInt64LE(32)),
    mtime: Number(bytes.readBigInt64LE(112)) + bytes.readUInt32LE(120) / 1e9,
  }
}
