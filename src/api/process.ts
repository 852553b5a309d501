/**
 * System calls in process: what a program on the simulated machine may do with the files, with its answers.
 *
 * Every call returns what the system call returns, and a refusal as minus its error number. Paths are byte strings
 * from the root of the simulated mount. Reading and writing calls take and give byte strings, too, or bytes.
 *
 * Arguments and results are plain data, so that a call can be made from another thread (mount/home/).
 *
 * @example
 * const host = new ProcessTable()
 * host.add(100)
 * const options = resolveOptions({}, 'manual')
 * const vfs = new Vfs(boot(options, { host, bootTime: MANUAL_BOOT_TIME, owner: { uid: 0, gid: 0 } }))
 * const shell = new Process(vfs, { uid: 0, gid: 0, pid: 100 })
 * console.log(shell.mkdir('/a', 0o755)) // 0
 * console.log(shell.writeFile('/a/cgroup.procs', '0')) // 1
 * console.log(shell.rmdir('/a')) // -16
 */
import { assert } from '../assert.ts'
import {
  E2BIG,
  EACCES,
  EAGAIN,
  EBADF,
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ENODATA,
  ENODEV,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
  type Errno,
  isErrno,
  OK,
  type Ok,
} from '../errno.ts'
import { fromBytes, toBytes } from '../formats/text.ts'
import {
  type AttributeChange,
  type Attributes,
  type Caller,
  type Handle,
  type NodeId,
  PENDING,
  POLLERR,
  S_IFMT,
  S_IFREG,
  STATFS,
  type TimeChange,
} from '../kernfs/door.ts'
import { ROOT_NODE } from '../kernfs/node.ts'
import { isInGroup, MAY_EXEC, MAY_READ, MAY_WRITE } from '../kernfs/permission.ts'
import type { Credentials, Descriptor as FileDescriptor } from '../tree/controller.ts'
import { dropCounter, type EventCounter } from '../tree/listeners.ts'
import type { ByteString, Gid, Pid, Uid } from '../units.ts'
import type { InotifyEvent, InotifyWatch } from './inotify.ts'
import type { Vfs } from './vfs.ts'

/** Flags of open(2), Linux on x86-64. */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DIRECT: 0o40000,
  DIRECTORY: 0o200000,
  TMPFILE: 0o20200000,
} as const
const O_ACCMODE = 3

export type Whence = 'SET' | 'CUR' | 'END' | 'DATA'

export interface ProcessOptions {
  readonly uid?: Uid
  readonly gid?: Gid
  readonly groups?: readonly Gid[]
  readonly pid?: Pid
}

/** Plain data. */
export interface ProcessState {
  readonly options: ProcessOptions
  readonly fds: Map<number, Descriptor>
  /** Descriptors that are eventfds. */
  readonly eventfds: Map<number, EventCounter>
  /** Below it no number is free. */
  nextFd: number
  umask: number
  cwd: NodeId
}

interface Descriptor {
  readonly node: NodeId
  /** Undefined for a directory. */
  readonly handle: Handle | undefined
  readonly flags: number
  position: number
}

/** A directory entry as getdents(2) gives it. */
export interface DirectoryEntry {
  readonly name: ByteString
  readonly ino: number
  readonly isDirectory: boolean
  readonly offset: number
}

const MAX_READ = 1 << 20
/** Limits of the VFS. */
const XATTR_NAME_MAX = 255
const XATTR_SIZE_MAX = 65536
const S_ISGID = 0o2000

export class Process {
  readonly #vfs: Vfs
  readonly #caller: Caller
  readonly #who: Credentials
  readonly #buffer = new Uint8Array(MAX_READ)
  readonly state: ProcessState

  /** A fresh process, or one that goes on with what another of a copied kernel had open. */
  constructor(vfs: Vfs, options: ProcessOptions = {}, state: ProcessState = freshState(options)) {
    const { uid = 0, gid = 0, groups = [], pid = 1 } = options
    this.#vfs = vfs
    this.state = state
    const privileged = uid === 0 || uid === vfs.door.kernel.setup.owner.uid
    this.#who = { uid, gid, groups, privileged }
    this.#caller = {
      uid,
      gid,
      groups: () => groups,
      tgid: () => pid,
      tid: () => pid,
      inView: each => each,
      fromView: each => each,
      descriptor: fd => this.#describe(fd),
    }
  }

  #request<T>(operation: () => T): T {
    return this.#vfs.request(operation)
  }

  #resolve(path: ByteString, from: NodeId = this.state.cwd): NodeId | Errno {
    return this.#vfs.resolve(path, from, this.#who)
  }

  #may(node: NodeId, wanted: number): boolean {
    return this.#vfs.mayAccess(node, wanted, this.#who)
  }

  #fd(fd: number): Descriptor | Errno {
    return this.state.fds.get(fd) ?? EBADF
  }

  open(path: ByteString, flags: number): number | Errno {
    return this.#request(() => this.#openAt(this.state.cwd, path, flags))
  }

  openat(dirfd: number, path: ByteString, flags: number): number | Errno {
    return this.#request(() => {
      const dir = this.#fd(dirfd)
      return isErrno(dir) ? dir : this.#openAt(dir.node, path, flags)
    })
  }

  #openAt(from: NodeId, path: ByteString, flags: number): number | Errno {
    const place = this.#vfs.walk(path, from, this.#who)
    if (isErrno(place)) return place
    const { node, parent, slash } = place
    if ((flags & O.TMPFILE) === O.TMPFILE) return EOPNOTSUPP
    const create = (flags & O.CREAT) !== 0
    if (create && (flags & O.DIRECTORY) !== 0) return EINVAL
    if (isErrno(node)) {
      if (!create) return node
      if (this.#vfs.door.isRemovedNode(parent)) return ENOENT
      // A missing name: kernfs has no files that anybody makes.
      return slash ? EISDIR : this.#vfs.isDirectory(parent) ? EACCES : ENOTDIR
    }
    if (create && (flags & O.EXCL) !== 0) return EEXIST
    const isDirectory = this.#vfs.isDirectory(node)
    const access = flags & O_ACCMODE
    if (!isDirectory && (slash || (flags & O.DIRECTORY) !== 0)) return ENOTDIR
    if (isDirectory && (access !== O.RDONLY || create || (flags & O.TRUNC) !== 0)) return EISDIR
    if (!this.#may(node, wantedFor(flags))) return EACCES
    if (isDirectory) {
      // What is open stays known when it is removed.
      this.#vfs.door.remember(node)
      this.#vfs.notify(node, 'IN_OPEN|IN_ISDIR')
      return this.#install({ node, handle: undefined, flags, position: 0 })
    }
    const handle = this.#vfs.door.open(node, flags, this.#caller)
    if (isErrno(handle)) return handle
    this.#vfs.notify(node, 'IN_OPEN')
    return this.#install({ node, handle, flags, position: 0 })
  }

  #install(descriptor: Descriptor): number {
    const fd = this.#freeFd()
    this.state.fds.set(fd, descriptor)
    return fd
  }

  #freeFd(): number {
    const { fds, eventfds, nextFd } = this.state
    let fd = nextFd
    while (fds.has(fd) || eventfds.has(fd)) fd++
    this.state.nextFd = fd + 1
    return fd
  }

  /** eventfd(2), for cgroup.event_control. A read gives its 8 bytes, or EAGAIN while it is 0: it never waits. */
  eventfd(): number {
    const fd = this.#freeFd()
    this.state.eventfds.set(fd, { count: 0 })
    return fd
  }

  #readEventfd(event: EventCounter, count: number): ByteString | Errno {
    if (count < 8) return EINVAL
    if (event.count === 0) return EAGAIN
    const bytes = new DataView(new ArrayBuffer(8))
    bytes.setBigUint64(0, BigInt(event.count), true)
    event.count = 0
    return fromBytes(new Uint8Array(bytes.buffer), 0, 8)
  }

  #describe(fd: number): FileDescriptor | Errno {
    const counter = this.state.eventfds.get(fd)
    if (counter !== undefined) return { kind: 'eventfd', take: () => ({ kind: 'counter', counter }) }
    const file = this.#fd(fd)
    if (isErrno(file)) return file
    const attributes = this.#vfs.attributes(file.node)
    return isErrno(attributes) ? { kind: 'other' } : { kind: 'file', ino: attributes.ino }
  }

  close(fd: number): Ok | Errno {
    return this.#request(() => {
      const event = this.state.eventfds.get(fd)
      if (event !== undefined) {
        dropCounter(this.#vfs.door.kernel.tree, event)
        this.state.eventfds.delete(fd)
        this.state.nextFd = Math.min(this.state.nextFd, fd)
        return OK
      }
      const file = this.#fd(fd)
      if (isErrno(file)) return file
      this.state.fds.delete(fd)
      this.state.nextFd = Math.min(this.state.nextFd, fd)
      const isWriter = (file.flags & O_ACCMODE) !== O.RDONLY
      this.#vfs.notify(
        file.node,
        `${isWriter ? 'IN_CLOSE_WRITE' : 'IN_CLOSE_NOWRITE'}${file.handle === undefined ? '|IN_ISDIR' : ''}`,
      )
      if (file.handle === undefined) this.#vfs.door.forget(file.node, 1)
      else this.#vfs.door.release(file.handle)
      return OK
    })
  }

  read(fd: number, count: number): ByteString | Errno {
    return this.#request(() => {
      const event = this.state.eventfds.get(fd)
      if (event !== undefined) return this.#readEventfd(event, count)
      const file = this.#fd(fd)
      if (isErrno(file)) return file
      const text = this.#readAt(file, file.position, count)
      if (!isErrno(text)) file.position += text.length
      return text
    })
  }

  pread(fd: number, count: number, offset: number): ByteString | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      return isErrno(file) ? file : this.#readAt(file, offset, count)
    })
  }

  /** `read`, or `pread` with an offset. The bytes are good until the next call of this process. */
  readBytes(fd: number, count: number, offset?: number): Uint8Array | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      if (isErrno(file)) return file
      const got = this.#readInto(file, offset ?? file.position, count)
      if (isErrno(got)) return got
      if (offset === undefined) file.position += got
      return this.#buffer.subarray(0, got)
    })
  }

  #readAt(file: Descriptor, offset: number, count: number): ByteString | Errno {
    const got = this.#readInto(file, offset, count)
    return isErrno(got) ? got : fromBytes(this.#buffer, 0, got)
  }

  #readInto(file: Descriptor, offset: number, count: number): number | Errno {
    if (file.handle === undefined) return EISDIR
    if ((file.flags & O_ACCMODE) === O.WRONLY) return EBADF
    const size = Math.min(count, MAX_READ)
    const got = this.#vfs.door.read(file.handle, offset, size, this.#buffer, 0, this.#caller)
    if (got > 0) this.#vfs.notify(file.node, 'IN_ACCESS')
    return got
  }

  write(fd: number, data: ByteString | Uint8Array): number | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      if (isErrno(file)) return file
      const written = this.#writeTo(file, data)
      if (written > 0) file.position += written
      return written
    })
  }

  pwrite(fd: number, data: ByteString | Uint8Array, _offset: number): number | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      return isErrno(file) ? file : this.#writeTo(file, data)
    })
  }

  #writeTo(file: Descriptor, data: ByteString | Uint8Array): number | Errno {
    if (file.handle === undefined || (file.flags & O_ACCMODE) === O.RDONLY) return EBADF
    const bytes = typeof data === 'string' ? toBytes(data) : data
    const written = this.#vfs.door.write(file.handle, bytes, 0, bytes.length, this.#caller)
    const result = written === PENDING ? this.#vfs.await(this.#vfs.door.lastTicket) : written
    if (result > 0) {
      // What the write caused in other files is told before the write itself (recorded).
      this.#vfs.deliver()
      this.#vfs.notify(file.node, 'IN_MODIFY')
    }
    return result as number | Errno
  }

  /** lseek(2). The end of every file is 0; a removed file cannot be sought on kernels that say so. */
  lseek(fd: number, offset: number, whence: Whence): number | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      if (isErrno(file)) return file
      const { door } = this.#vfs
      if (
        file.handle !== undefined &&
        door.isRemoved(file.handle) &&
        door.kernel.engine.features.removedLseek === 'ENODEV'
      )
        return ENODEV
      if (whence === 'DATA') return ENXIO
      const position = offset + (whence === 'CUR' ? file.position : 0)
      if (position < 0) return EINVAL
      file.position = position
      return position
    })
  }

  ftruncate(fd: number): Ok | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      if (isErrno(file)) return file
      return (file.flags & O_ACCMODE) === O.RDONLY || file.handle === undefined ? EINVAL : OK
    })
  }

  truncate(path: ByteString): Ok | Errno {
    return this.#request(() => {
      const node = this.#resolve(path)
      if (isErrno(node)) return node
      if (this.#vfs.isDirectory(node)) return EISDIR
      return this.#may(node, MAY_WRITE) ? OK : EACCES
    })
  }

  fallocate(fd: number, length: number): Errno {
    const file = this.#fd(fd)
    if (isErrno(file)) return file
    if (length <= 0) return EINVAL
    return (file.flags & O_ACCMODE) === O.RDONLY ? EBADF : EOPNOTSUPP
  }

  fsync(fd: number): Ok | Errno {
    const file = this.#fd(fd)
    return isErrno(file) ? file : OK
  }

  mmap(fd: number): Errno {
    const file = this.#fd(fd)
    return isErrno(file) ? file : ENODEV
  }

  /** ioctl FIONREAD: bytes between the position and a size of 0. */
  fionread(fd: number): number | Errno {
    const file = this.#fd(fd)
    return isErrno(file) ? file : 0
  }

  poll(fd: number, events: number): number | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      if (isErrno(file)) return file
      if (file.handle === undefined) return EPERM
      return this.#vfs.door.poll(file.handle, 0) & (events | POLLERR)
    })
  }

  stat(path: ByteString): Attributes | Errno {
    return this.#request(() => {
      const node = this.#resolve(path)
      return isErrno(node) ? node : this.#vfs.attributes(node)
    })
  }

  fstat(fd: number): Attributes | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      return isErrno(file) ? file : this.#vfs.attributes(file.node)
    })
  }

  /** access(2): `mode` of R_OK 4, W_OK 2, X_OK 1. */
  access(path: ByteString, mode: number): Ok | Errno {
    return this.#request(() => {
      const node = this.#resolve(path)
      if (isErrno(node)) return node
      return this.#may(node, mode) ? OK : EACCES
    })
  }

  statfs(path: ByteString): (typeof STATFS & { readonly type: number }) | Errno {
    return this.#request(() => {
      const node = this.#resolve(path)
      return isErrno(node) ? node : { ...STATFS, type: this.#vfs.door.fileSystemOf(node) }
    })
  }

  mkdir(path: ByteString, mode: number): Ok | Errno {
    return this.#request(() => this.#mkdirAt(this.state.cwd, path, mode))
  }

  mkdirat(dirfd: number, path: ByteString, mode: number): Ok | Errno {
    return this.#request(() => {
      const dir = this.#fd(dirfd)
      return isErrno(dir) ? dir : this.#mkdirAt(dir.node, path, mode)
    })
  }

  #mkdirAt(from: NodeId, path: ByteString, mode: number): Ok | Errno {
    const place = this.#vfs.walk(path, from, this.#who)
    if (isErrno(place)) return place
    const { parent, name, node } = place
    if (!isErrno(node)) return EEXIST
    if (!this.#vfs.isDirectory(parent)) return ENOTDIR
    if (this.#vfs.door.isRemovedNode(parent)) return ENOENT
    if (!this.#may(parent, MAY_WRITE | MAY_EXEC)) return EACCES
    const made = this.#vfs.door.mkdir(parent, name, mode & ~this.state.umask, this.#caller)
    if (isErrno(made)) return made
    this.#vfs.inotify.raise(parent, 'IN_CREATE|IN_ISDIR', name)
    return OK
  }

  rmdir(path: ByteString): Ok | Errno {
    return this.#request(() => {
      const place = this.#vfs.walk(path, this.state.cwd, this.#who)
      if (isErrno(place)) return place
      const { parent, name, node, slash } = place
      if (name === '.') return EINVAL
      if (name === '..') return ENOTEMPTY
      if (isErrno(node)) return node
      if (node === ROOT_NODE) return EBUSY
      if (!this.#may(parent, MAY_WRITE | MAY_EXEC)) return EACCES
      if (!this.#vfs.isDirectory(node)) return ENOTDIR
      assert(!slash || this.#vfs.isDirectory(node), 'a path with a slash at its end names a directory')
      const removed = this.#vfs.door.rmdir(parent, name)
      if (!isErrno(removed)) this.#vfs.inotify.raise(parent, 'IN_DELETE|IN_ISDIR', name)
      return removed
    })
  }

  unlink(path: ByteString): Errno {
    return this.#request(() => {
      const place = this.#vfs.walk(path, this.state.cwd, this.#who)
      if (isErrno(place)) return place
      const { parent, name, node } = place
      if (isErrno(node)) return node
      if (!this.#may(parent, MAY_WRITE | MAY_EXEC)) return EACCES
      return this.#vfs.isDirectory(node) ? EISDIR : this.#vfs.door.unlink(parent, name)
    })
  }

  /** rename(2), or renameat2(2) with flags. */
  rename(from: ByteString, to: ByteString, flags = 0): Ok | Errno {
    return this.#request(() => {
      const source = this.#vfs.walk(from, this.state.cwd, this.#who)
      if (isErrno(source)) return source
      const target = this.#vfs.walk(to, this.state.cwd, this.#who)
      if (isErrno(target)) return target
      if (isErrno(source.node)) return source.node
      if (!this.#may(source.parent, MAY_WRITE | MAY_EXEC) || !this.#may(target.parent, MAY_WRITE | MAY_EXEC))
        return EACCES
      const renamed = this.#vfs.door.rename(source.parent, source.name, target.parent, target.name, flags)
      if (!isErrno(renamed) && source.node !== target.node) {
        this.#vfs.inotify.raise(source.parent, 'IN_MOVED_FROM|IN_ISDIR', source.name)
        this.#vfs.inotify.raise(target.parent, 'IN_MOVED_TO|IN_ISDIR', target.name)
      }
      return renamed
    })
  }

  symlink(_target: ByteString, path: ByteString): Errno {
    return this.#makeNode(path, EPERM)
  }

  link(from: ByteString, path: ByteString): Errno {
    const node = this.#request(() => this.#resolve(from))
    return isErrno(node) ? node : this.#makeNode(path, EPERM)
  }

  /** mknod(2); `mode` with the type of the node. */
  mknod(path: ByteString, mode: number): Errno {
    return this.#makeNode(path, (mode & S_IFMT) === S_IFREG || (mode & S_IFMT) === 0 ? EACCES : EPERM)
  }

  /** Nothing but directories can be made: the checks of the path come first, then the kernel's refusal. */
  #makeNode(path: ByteString, refusal: Errno): Errno {
    return this.#request(() => {
      const place = this.#vfs.walk(path, this.state.cwd, this.#who)
      if (isErrno(place)) return place
      if (!isErrno(place.node)) return EEXIST
      if (place.slash || this.#vfs.door.isRemovedNode(place.parent)) return ENOENT
      return this.#may(place.parent, MAY_WRITE | MAY_EXEC) ? refusal : EACCES
    })
  }

  chmod(path: ByteString, mode: number): Ok | Errno {
    return this.#request(() => {
      const node = this.#resolve(path)
      return isErrno(node) ? node : this.#chmodNode(node, mode)
    })
  }

  fchmod(fd: number, mode: number): Ok | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      return isErrno(file) ? file : this.#chmodNode(file.node, mode)
    })
  }

  #chmodNode(node: NodeId, mode: number): Ok | Errno {
    const attributes = this.#vfs.attributes(node)
    if (isErrno(attributes)) return attributes
    if (!this.#who.privileged && this.#who.uid !== attributes.uid) return EPERM
    const keepsGroup = this.#who.privileged || isInGroup(this.#who, attributes.gid)
    return this.#setattr(node, { mode: keepsGroup ? mode : mode & ~S_ISGID })
  }

  #setattr(node: NodeId, change: AttributeChange): Ok | Errno {
    const set = this.#vfs.door.setattr(node, change)
    if (!isErrno(set)) this.#vfs.notify(node, this.#vfs.isDirectory(node) ? 'IN_ATTRIB|IN_ISDIR' : 'IN_ATTRIB')
    return set
  }

  /** lchown(2); -1 leaves an id as it is. */
  chown(path: ByteString, uid: number, gid: number): Ok | Errno {
    return this.#request(() => {
      const node = this.#resolve(path)
      return isErrno(node) ? node : this.#chownNode(node, uid, gid)
    })
  }

  fchown(fd: number, uid: number, gid: number): Ok | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      return isErrno(file) ? file : this.#chownNode(file.node, uid, gid)
    })
  }

  #chownNode(node: NodeId, uid: number, gid: number): Ok | Errno {
    const attributes = this.#vfs.attributes(node)
    if (isErrno(attributes)) return attributes
    if (!this.#who.privileged) {
      const isOwner = this.#who.uid === attributes.uid
      const mayUid = uid === -1 || (isOwner && uid === attributes.uid)
      const mayGid = gid === -1 || (isOwner && isInGroup(this.#who, gid))
      if (!mayUid || !mayGid) return EPERM
    }
    return this.#setattr(node, { ...(uid !== -1 && { uid }), ...(gid !== -1 && { gid }) })
  }

  /** Sets both times; a plain number is whole seconds since 1970. */
  utimes(path: ByteString, atime: TimeChange | number, mtime: TimeChange | number = atime): Ok | Errno {
    return this.#request(() => {
      const node = this.#resolve(path)
      return isErrno(node) ? node : this.#utimesNode(node, atime, mtime)
    })
  }

  futimes(fd: number, atime: TimeChange | number, mtime: TimeChange | number = atime): Ok | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      return isErrno(file) ? file : this.#utimesNode(file.node, atime, mtime)
    })
  }

  #utimesNode(node: NodeId, atime: TimeChange | number, mtime: TimeChange | number): Ok | Errno {
    const attributes = this.#vfs.attributes(node)
    if (isErrno(attributes)) return attributes
    if (!this.#who.privileged && this.#who.uid !== attributes.uid) return EPERM
    return this.#setattr(node, { atime: timeChange(atime), mtime: timeChange(mtime) })
  }

  /** Every entry of a directory, `.` and `..` included. */
  list(path: ByteString): DirectoryEntry[] | Errno {
    const fd = this.open(path, O.RDONLY | O.DIRECTORY)
    if (isErrno(fd)) return fd
    const entries = this.getdents(fd)
    this.close(fd)
    return entries
  }

  /** The entries of an open directory from its position on. */
  getdents(fd: number): DirectoryEntry[] | Errno {
    return this.#request(() => {
      const file = this.#fd(fd)
      if (isErrno(file)) return file
      if (file.handle !== undefined) return ENOTDIR
      const entries: DirectoryEntry[] = []
      const read = this.#vfs.door.readdir(file.node, file.position, (name, _, ino, isDirectory, offset) => {
        entries.push({ name, ino, isDirectory, offset })
        return true
      })
      if (isErrno(read)) return read
      file.position = entries.at(-1)?.offset ?? file.position
      if (entries.length > 0) this.#vfs.notify(file.node, 'IN_ACCESS|IN_ISDIR')
      return entries
    })
  }

  chdir(path: ByteString): Ok | Errno {
    return this.#request(() => {
      const node = this.#resolve(path)
      if (isErrno(node)) return node
      if (!this.#vfs.isDirectory(node)) return ENOTDIR
      if (!this.#may(node, MAY_EXEC)) return EACCES
      this.#vfs.door.remember(node)
      this.#vfs.door.forget(this.state.cwd, 1)
      this.state.cwd = node
      return OK
    })
  }

  umask(mask: number): number {
    const old = this.state.umask
    this.state.umask = mask & 0o777
    return old
  }

  getxattr(path: ByteString, name: ByteString): ByteString | Errno {
    return this.#request(() => {
      const node = this.#resolve(path)
      if (isErrno(node)) return node
      if (name.startsWith('trusted.') && !this.#who.privileged) return ENODATA
      if (name.startsWith('user.') && !this.#may(node, MAY_READ)) return EACCES
      const value = this.#vfs.door.getxattr(node, name)
      return isErrno(value) ? value : fromBytes(value, 0, value.length)
    })
  }

  /** setxattr(2); `flags` 1 = create only, 2 = replace only. */
  setxattr(path: ByteString, name: ByteString, value: ByteString, flags = 0): Ok | Errno {
    return this.#request(() => {
      if (name.length === 0 || name.length > XATTR_NAME_MAX) return ERANGE
      if (value.length > XATTR_SIZE_MAX) return E2BIG
      const node = this.#xattrNode(path, name)
      return isErrno(node) ? node : this.#vfs.door.setxattr(node, name, toBytes(value), flags)
    })
  }

  removexattr(path: ByteString, name: ByteString): Ok | Errno {
    return this.#request(() => {
      const node = this.#xattrNode(path, name)
      return isErrno(node) ? node : this.#vfs.door.removexattr(node, name)
    })
  }

  /** The node, if the caller may change an attribute of that name on it. */
  #xattrNode(path: ByteString, name: ByteString): NodeId | Errno {
    const node = this.#resolve(path)
    if (isErrno(node)) return node
    if (name.startsWith('user.')) return this.#may(node, MAY_WRITE) ? node : EACCES
    const isGuarded = name.startsWith('trusted.') || name.startsWith('security.')
    return isGuarded && !this.#who.privileged ? EPERM : node
  }

  listxattr(path: ByteString): readonly ByteString[] | Errno {
    return this.#request(() => {
      const node = this.#resolve(path)
      if (isErrno(node)) return node
      const names = this.#vfs.door.listxattr(node)
      if (isErrno(names)) return names
      return this.#who.privileged ? names : names.filter(name => !name.startsWith('trusted.'))
    })
  }

  inotify(): InotifyWatch {
    return this.#vfs.inotify.open()
  }

  inotifyClose(watch: InotifyWatch): void {
    this.#vfs.inotify.close(watch)
  }

  /** Watches a path, for all events or the named ones; the number of the watch. */
  watch(watch: InotifyWatch, path: ByteString, events?: readonly string[]): number | Errno {
    return this.#request(() => {
      const node = this.#resolve(path)
      if (isErrno(node)) return node
      if (!this.#may(node, MAY_READ)) return EACCES
      return this.#vfs.inotify.add(watch, node, events)
    })
  }

  inotifyRead(watch: InotifyWatch): InotifyEvent[] {
    this.#vfs.poke()
    return this.#vfs.inotify.read(watch)
  }

  /** Opens, reads to the end, closes. */
  readFile(path: ByteString, chunk = MAX_READ): ByteString | Errno {
    const fd = this.open(path, O.RDONLY)
    if (isErrno(fd)) return fd
    let text = ''
    for (;;) {
      const part = this.read(fd, chunk)
      if (isErrno(part) || part === '') {
        this.close(fd)
        return isErrno(part) ? part : text
      }
      text += part
    }
  }

  /** Opens, writes once, closes. */
  writeFile(path: ByteString, data: ByteString, flags: number = O.WRONLY): number | Errno {
    const fd = this.open(path, flags)
    if (isErrno(fd)) return fd
    const written = this.write(fd, data)
    this.close(fd)
    return written
  }
}

const timeChange = (time: TimeChange | number): TimeChange => (typeof time === 'number' ? { sec: time, nsec: 0 } : time)

const freshState = (options: ProcessOptions): ProcessState => ({
  options,
  fds: new Map(),
  eventfds: new Map(),
  nextFd: 3,
  umask: 0o022,
  cwd: ROOT_NODE,
})

function wantedFor(flags: number): number {
  switch (flags & O_ACCMODE) {
    case O.RDONLY:
      return MAY_READ | ((flags & O.TRUNC) !== 0 ? MAY_WRITE : 0)
    case O.WRONLY:
      return MAY_WRITE
    default:
      return MAY_READ | MAY_WRITE
  }
}
