/**
 * What the replay needs from a door: the system calls of the recorder's steps, made by named processes. Everything is
 * synchronous and answers as system calls do: a result, or minus the error number. Paths are those of the recording.
 */
import type { ByteString, Pid } from '../../src/units.ts'
import type { Tasks } from './programs.ts'

/** A result, or minus the error number. */
export type Result = number

export interface Stat {
  readonly isDirectory: boolean
  /** Permission bits, with set-id and sticky bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly nlink: number
  readonly blksize: number
  readonly blocks: number
  readonly ino: number
  /** Unix time. */
  readonly mtime: number
}

export interface Entry {
  readonly name: ByteString
  readonly isDirectory: boolean
}

export interface Event {
  /** Number of the watch, from 1 in the order they were added. */
  readonly wd: number
  /** `IN_OPEN|IN_ISDIR`. */
  readonly mask: string
  /** Absent for the watched node itself. */
  readonly name?: ByteString
}

export interface FileSystem {
  readonly type: number
  readonly bsize: number
  readonly blocks: number
  readonly files: number
  readonly namelen: number
  readonly frsize: number
}

/** One process. `flags`, `events` and modes are Linux's numbers on x86-64. */
export interface Calls {
  open(path: ByteString, flags: number): Result
  openat(dirfd: number, path: ByteString, flags: number): Result
  close(fd: number): Result
  read(fd: number, count: number): ByteString | Result
  pread(fd: number, count: number, offset: number): ByteString | Result
  write(fd: number, data: ByteString): Result
  pwrite(fd: number, data: ByteString, offset: number): Result
  writev(fd: number, parts: readonly ByteString[]): Result
  /** splice(2) of the data from a pipe. */
  spliceIn(fd: number, data: ByteString): Result
  /** sendfile(2) of as much as comes, to somewhere else. */
  sendfile(fd: number): Result
  lseek(fd: number, offset: number, whence: 'SET' | 'CUR' | 'END' | 'DATA'): Result
  ftruncate(fd: number, length: number): Result
  fallocate(fd: number): Result
  fsync(fd: number): Result
  mmap(fd: number): Result
  fionread(fd: number): Result
  /** Adds it to an epoll instance. */
  epollAdd(fd: number): Result
  /** The events that are there within the time, 0 if none. */
  poll(fd: number, events: number, timeoutMs: number): Result
  fstat(fd: number): Stat | Result
  /** `rewind`: from its start, wherever it was read to. */
  getdents(fd: number, rewind: boolean): Entry[] | Result

  stat(path: ByteString): Stat | Result
  access(path: ByteString, mode: number): Result
  statfs(path: ByteString): FileSystem | Result
  mkdir(path: ByteString, mode: number): Result
  mkdirat(dirfd: number, path: ByteString, mode: number): Result
  rmdir(path: ByteString): Result
  unlink(path: ByteString): Result
  rename(from: ByteString, to: ByteString, flags: number): Result
  symlink(target: ByteString, path: ByteString): Result
  link(from: ByteString, path: ByteString): Result
  /** `mode` with the type of the node. */
  mknod(path: ByteString, mode: number): Result
  chmod(path: ByteString, mode: number): Result
  chown(path: ByteString, uid: number, gid: number): Result
  truncate(path: ByteString, length: number): Result
  utimes(path: ByteString, seconds: number): Result
  chdir(path: ByteString): Result
  umask(mask: number): number
  listxattr(path: ByteString): readonly ByteString[] | Result
  getxattr(path: ByteString, name: ByteString): ByteString | Result
  setxattr(path: ByteString, name: ByteString, value: ByteString): Result
  removexattr(path: ByteString, name: ByteString): Result

  eventfd(): Result
  inotify(): Result
  watch(inotify: number, path: ByteString): Result
  /** The events that come until none comes for so long. */
  inotifyRead(inotify: number, timeoutMs: number): readonly Event[]
}

export type DoorName = 'in process' | 'mount'

/** One door to one simulated machine. */
export interface Driver {
  readonly door: DoorName
  /** The machine as every case finds it: the recorder in the root group, no test directory, every controller enabled. */
  begin(): void
  /** Simulated tasks in the place of helpers, for rows in which these use memory; a door may have none. */
  readonly tasks?: Tasks
  /** Leaves nothing behind. */
  end(): void
  /** The recorder, or a helper process that was spawned under that name. */
  process(name?: string): Calls
  /** Forks a helper from the recorder. */
  spawn(name: string): Result
  /** Ends a helper at once. */
  kill(name: string): Result
  /** Changes the helper's user and drops its groups. */
  setuid(name: string, uid: number): Result
  /** Number of a process: of a helper, of the recorder (undefined). */
  pidOf(name?: string): Pid
  sleep(ms: number): void
  /** Unix time on the machine. */
  now(): number
}
