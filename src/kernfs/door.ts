/**
 * What a door (the FUSE transport, the in-process view, the recorder replay) may ask of the filesystem, and what it
 * is told. Doors speak nodes, handles and callers; paths end at the door.
 *
 * One request is one synchronous call chain: `enter` (time), one operation, then `takeNotices`.
 */
import type { Errno, Ok } from '../errno.ts'
import type { Descriptor, Pending } from '../tree/controller.ts'
import type { HostSignal } from '../tree/listeners.ts'
import type { ByteString, Gid, InodeNumber, Nanoseconds, Pid, Uid } from '../units.ts'

/** A directory or file. 1 is the root directory of the mount; numbers are never used twice. Below 2^53. */
export type NodeId = number

/** An open file description. Reused after `release`. From 1 up, below 2^32. */
export type Handle = number

/** PENDING is the answer of a write that has to wait; its result comes as a notice with the ticket of `lastTicket`. */
export { PENDING, type Pending } from '../tree/controller.ts'
export type Ticket = number

/**
 * Who asks. The transport fills the same object in for each request, so it must not be kept; what costs a look into
 * /proc is resolved only when asked.
 */
export interface Caller {
  readonly uid: Uid
  readonly gid: Gid
  /** Supplementary groups. */
  groups(): readonly Gid[]
  /** Process id of the caller as this mount sees it; ESRCH when it has none here. */
  tgid(): Pid | Errno
  /** Thread id of the caller as this mount sees it; ESRCH when it has none here. */
  tid(): Pid | Errno
  /** A process id of this mount as the caller sees it: 0 when it is outside the caller's pid namespace. */
  inView(pid: Pid): Pid
  /** A process id the caller wrote, as this mount sees it; ESRCH when there is none. */
  fromView(pid: Pid): Pid | Errno
  /** A descriptor the caller has open; EBADF when it has not. */
  descriptor(fd: number): Descriptor | Errno
}

/** As of stat(2), filled in by `getattr`. Size is always 0, block size 4096. */
export interface Attributes {
  ino: InodeNumber
  /** With the file type bits. */
  mode: number
  nlink: number
  uid: Uid
  gid: Gid
  /** Unix time in nanoseconds may pass 2^53, so seconds and the rest are kept apart. */
  atimeSec: number
  atimeNsec: number
  mtimeSec: number
  mtimeNsec: number
  ctimeSec: number
  ctimeNsec: number
}

export const S_IFMT = 0o170000
export const S_IFDIR = 0o040000
export const S_IFREG = 0o100000

export function emptyAttributes(): Attributes {
  return {
    ino: 0,
    mode: 0,
    nlink: 0,
    uid: 0,
    gid: 0,
    atimeSec: 0,
    atimeNsec: 0,
    mtimeSec: 0,
    mtimeNsec: 0,
    ctimeSec: 0,
    ctimeNsec: 0,
  }
}

/** A time to store: `now`, or seconds and nanoseconds. */
export type TimeChange = 'now' | { readonly sec: number; readonly nsec: number }

/** What setattr changes; absent fields stay. A size is accepted on files and has no effect. */
export interface AttributeChange {
  readonly mode?: number
  readonly uid?: Uid
  readonly gid?: Gid
  readonly size?: number
  readonly atime?: TimeChange
  readonly mtime?: TimeChange
}

/** One directory entry. Return false to stop before the next one. `cookie` is where reading goes on after it. */
export type EmitEntry = (
  name: ByteString,
  node: NodeId,
  ino: InodeNumber,
  isDirectory: boolean,
  cookie: number,
) => boolean

/** What the door must do after an operation, in order. */
export type Notice =
  /** Wake the poller that gave this token to `poll`. */
  | { readonly kind: 'poll'; readonly token: number }
  /** The file changed without a write through the door: its inotify watchers see IN_MODIFY. Path from the root of the mount, beginning with `/`. */
  | { readonly kind: 'modified'; readonly node: NodeId; readonly path: ByteString }
  /** These names are gone, or new, without an operation of the door on them: nothing may be answered from a cache. */
  | { readonly kind: 'names'; readonly parent: NodeId; readonly names: readonly ByteString[] }
  /** A descriptor that was taken from a caller is an eventfd to signal; after the last time it is to be closed. */
  | ({ readonly kind: 'signal' } & HostSignal)
  /** A pending write is finished: its length or errno. */
  | { readonly kind: 'done'; readonly ticket: Ticket; readonly result: number }

/** Poll masks as of poll(2). */
export const POLLIN = 0x1
export const POLLPRI = 0x2
export const POLLOUT = 0x4
export const POLLERR = 0x8
export const POLLRDNORM = 0x40
export const POLLWRNORM = 0x100
/** What every file of the mount always is: readable and writable without waiting. */
export const POLL_DEFAULT = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM

/**
 * The filesystem as doors see it. Modes and owners are not checked here: the door is, or has, a VFS that asks
 * `mayAccess` (permission.ts) first, as the kernel does above kernfs. Rules that look at credentials (moving
 * processes, the workload language) are checked behind this interface, with those of the opener.
 */
export interface Door {
  /** Begins a request at this host time (ns, any epoch, never falling). With a manual clock only the order counts. */
  enter(hostNow: Nanoseconds): void
  /** Host time at which deferred work is next due, in the time of `enter`; Infinity if none or the clock is manual. */
  nextDue(): Nanoseconds
  /** Takes the notices of the operation; empty most of the time. */
  takeNotices(): readonly Notice[]

  lookup(parent: NodeId, name: ByteString): NodeId | Errno
  /** Counts a reference the kernel (or the door) now holds on the node, and takes `count` of them back. */
  remember(node: NodeId): void
  forget(node: NodeId, count: number): void
  getattr(node: NodeId, into: Attributes): Ok | Errno
  setattr(node: NodeId, change: AttributeChange): Ok | Errno
  /** Entries from `cookie` on (0 = from the start), `.` and `..` first, in the kernel's order. */
  readdir(node: NodeId, cookie: number, emit: EmitEntry): Ok | Errno
  mkdir(parent: NodeId, name: ByteString, mode: number, caller: Caller): NodeId | Errno
  rmdir(parent: NodeId, name: ByteString): Ok | Errno
  rename(parent: NodeId, name: ByteString, newParent: NodeId, newName: ByteString, flags: number): Ok | Errno
  unlink(parent: NodeId, name: ByteString): Errno
  /** Regular files: EACCES; anything else: EPERM. */
  mknod(parent: NodeId, name: ByteString, mode: number): Errno

  /** `flags` as of open(2). */
  open(node: NodeId, flags: number, caller: Caller): Handle | Errno
  release(handle: Handle): void
  /** Copies up to `size` bytes from `offset` to `into` at `at`; the number of bytes, 0 at the end. */
  read(handle: Handle, offset: number, size: number, into: Uint8Array, at: number, caller: Caller): number | Errno
  /** One operation per call, whatever the offset. */
  write(handle: Handle, from: Uint8Array, at: number, size: number, caller: Caller): number | Errno | Pending
  readonly lastTicket: Ticket
  /** Ends a pending write with EINTR (its notice follows), unless it is finished already. */
  cancel(ticket: Ticket): void
  /** Events now; with a token (not 0, below 2^53) also asks for one notice when they change. */
  poll(handle: Handle, token: number): number

  /** None of the four answers ENOSYS: the kernel would never ask again. */
  getxattr(node: NodeId, name: ByteString): Uint8Array | Errno
  /** `flags`: 1 = create only, 2 = replace only. */
  setxattr(node: NodeId, name: ByteString, value: Uint8Array, flags: number): Ok | Errno
  removexattr(node: NodeId, name: ByteString): Ok | Errno
  listxattr(node: NodeId): readonly ByteString[] | Errno
}

/** statfs(2) of the real thing; the door adds what it cannot know. */
export const STATFS = { bsize: 4096, namelen: 255, frsize: 4096 } as const

/** f_type of statfs(2). Where hierarchies of version 1 are mounted, the directory above them is a tmpfs. */
export const FILE_SYSTEM = { cgroup2: 0x63677270, cgroup: 0x27e0eb, tmpfs: 0x01021994 } as const
