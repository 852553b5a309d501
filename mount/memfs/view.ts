/**
 * The simulated files as Node's synchronous `fs` functions use them: each does the system calls that Node does, in its
 * order, and throws what Node throws. Paths are JavaScript strings (names.ts). Options, callbacks, promises and streams
 * are the affair of memfs (volume.ts); how Node 24 behaves was looked up by running it on a mount.
 */
import { Buffer } from 'node:buffer'
import type { DirectoryEntry } from '../../src/api/process.ts'
import { EACCES, EBADF, EEXIST, EINVAL, ENOENT, ENOSPC, ENOTDIR, EPERM, type Errno, isErrno } from '../../src/errno.ts'
import { type Attributes, S_IFDIR, S_IFMT, type TimeChange } from '../../src/kernfs/door.ts'
import type { ByteString } from '../../src/units.ts'
import type { Seat } from '../home/home.ts'
import { failure, type Where } from './errors.ts'
import { escapeBytes, toByteString } from './names.ts'

/** Bytes of one read(2) of Node's readFile. */
const READ_CHUNK = 64 * 1024

export class FsView {
  readonly #seat: Seat
  /** Added to the descriptors of the process, so that they are mistaken neither for the host's nor for those of another view. */
  readonly #firstFd: number
  readonly #open = new Set<number>()

  constructor(seat: Seat, firstFd: number) {
    this.#seat = seat
    this.#firstFd = firstFd
  }

  get calls(): Seat['calls'] {
    return this.#seat.calls
  }

  open(path: string, flags: number): number {
    const fd = check(this.calls.open(toByteString(path), flags), { syscall: 'open', path }) + this.#firstFd
    this.#open.add(fd)
    return fd
  }

  close(fd: number): void {
    check(this.calls.close(fd - this.#firstFd), { syscall: 'close' })
    this.#open.delete(fd)
  }

  closeAll(): void {
    for (const fd of this.#open) this.close(fd)
  }

  /** One read(2), or pread(2) with a position. */
  read(fd: number, into: Uint8Array, position: number | undefined): number {
    const bytes = check(this.calls.readBytes(fd - this.#firstFd, into.length, position), { syscall: 'read' })
    into.set(bytes)
    return bytes.length
  }

  /** Everything from the position on. */
  readAll(fd: number): Buffer {
    const chunks: Uint8Array[] = []
    for (;;) {
      const bytes = check(this.calls.readBytes(fd - this.#firstFd, READ_CHUNK), { syscall: 'read' })
      if (bytes.length === 0) return Buffer.concat(chunks)
      chunks.push(bytes.slice())
    }
  }

  /** One write(2). The position plays no part. */
  write(fd: number, bytes: Uint8Array): number {
    return check(this.calls.write(fd - this.#firstFd, bytes), { syscall: 'write' })
  }

  writeAll(fd: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) done += this.write(fd, bytes.subarray(done))
  }

  stat(path: string, syscall: string): Attributes {
    return check(this.calls.stat(toByteString(path)), { syscall, path })
  }

  /** Undefined if nothing is there. */
  statIfAny(path: string, syscall: string): Attributes | undefined {
    const attributes = this.calls.stat(toByteString(path))
    if (attributes === ENOENT || attributes === ENOTDIR) return undefined
    return check(attributes, { syscall, path })
  }

  fstat(fd: number, syscall = 'fstat'): Attributes {
    return check(this.calls.fstat(fd - this.#firstFd), { syscall })
  }

  access(path: string, mode: number): void {
    check(this.calls.access(toByteString(path), mode), { syscall: 'access', path })
  }

  /** Names in the kernel's order, without the two everybody has. */
  list(path: string, where: Where): DirectoryEntry[] {
    const entries = check(this.calls.list(toByteString(path)), where)
    return entries.filter(({ name }) => name !== '.' && name !== '..')
  }

  mustBeOpen(fd: number, syscall: string): void {
    if (!this.#open.has(fd)) throw failure(EBADF, { syscall })
  }

  mkdir(path: string, mode: number, syscall = 'mkdir'): void {
    check(this.calls.mkdir(toByteString(path), mode), { syscall, path })
  }

  /** The first directory that was made. Node: src/node_file.cc, MKDirpSync. */
  mkdirp(path: string, mode: number): string | undefined {
    const where = { syscall: 'mkdir', path }
    let first: string | undefined
    const wanted = [path]
    for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
      const made = this.calls.mkdir(toByteString(next), mode)
      if (!isErrno(made)) first ??= next
      else if (made === EACCES || made === ENOSPC || made === ENOTDIR || made === EPERM) throw failure(made, where)
      else if (made === ENOENT && parentPath(next) !== next) wanted.push(next, parentPath(next))
      else if (made !== ENOENT || wanted.length === 0) {
        // What is there already may be a directory. For any other refusal Node reports what stat says of it.
        const there = check(this.calls.stat(toByteString(next)), where)
        if (!isDirectory(there)) throw failure(made === EEXIST && wanted.length > 0 ? ENOTDIR : EEXIST, where)
      }
    }
    return first
  }

  rmdir(path: string): void {
    check(this.calls.rmdir(toByteString(path)), { syscall: 'rmdir', path })
  }

  unlink(path: string): void {
    check<number>(this.calls.unlink(toByteString(path)), { syscall: 'unlink', path })
  }

  /** As rm(1): from the leaves up, file by file. So it ends at the first control file, which cannot be unlinked. */
  removeTree(path: string): void {
    check(this.#remove(toByteString(path)), { syscall: 'rm', path })
  }

  #remove(path: ByteString): number | Errno {
    const there = this.calls.stat(path)
    if (isErrno(there)) return there
    if (!isDirectory(there)) return this.calls.unlink(path)
    const entries = this.calls.list(path)
    if (isErrno(entries)) return entries
    for (const { name } of entries) {
      if (name === '.' || name === '..') continue
      const removed = this.#remove(`${path}/${name}`)
      if (isErrno(removed)) return removed
    }
    return this.calls.rmdir(path)
  }

  rename(from: string, to: string): void {
    check(this.calls.rename(toByteString(from), toByteString(to)), { syscall: 'rename', path: from, dest: to })
  }

  link(from: string, to: string): void {
    check<number>(this.calls.link(toByteString(from), toByteString(to)), { syscall: 'link', path: from, dest: to })
  }

  symlink(target: string, path: string): void {
    check<number>(this.calls.symlink(toByteString(target), toByteString(path)), {
      syscall: 'symlink',
      path: target,
      dest: path,
    })
  }

  /** There are no symbolic links. */
  readlink(path: string): never {
    this.stat(path, 'readlink')
    throw failure(EINVAL, { syscall: 'readlink', path })
  }

  ftruncate(fd: number): void {
    check(this.calls.ftruncate(fd - this.#firstFd), { syscall: 'ftruncate' })
  }

  chmod(path: string, mode: number, syscall = 'chmod'): void {
    check(this.calls.chmod(toByteString(path), mode), { syscall, path })
  }

  fchmod(fd: number, mode: number): void {
    check(this.calls.fchmod(fd - this.#firstFd, mode), { syscall: 'fchmod' })
  }

  chown(path: string, uid: number, gid: number, syscall = 'chown'): void {
    check(this.calls.chown(toByteString(path), uid, gid), { syscall, path })
  }

  fchown(fd: number, uid: number, gid: number): void {
    check(this.calls.fchown(fd - this.#firstFd, uid, gid), { syscall: 'fchown' })
  }

  utimes(path: string, atime: number, mtime: number, syscall = 'utime'): void {
    check(this.calls.utimes(toByteString(path), timeOf(atime), timeOf(mtime)), { syscall, path })
  }

  futimes(fd: number, atime: number, mtime: number): void {
    check(this.calls.futimes(fd - this.#firstFd, timeOf(atime), timeOf(mtime)), { syscall: 'futime' })
  }

  statfs(path: string): { readonly type: number; readonly bsize: number } {
    return check(this.calls.statfs(toByteString(path)), { syscall: 'statfs', path })
  }
}

export const isDirectory = ({ mode }: Attributes): boolean => (mode & S_IFMT) === S_IFDIR

/** A name in a directory as a path. */
export const join = (directory: string, name: ByteString): string =>
  `${directory}${directory.endsWith('/') ? '' : '/'}${escapeBytes(name)}`

/** What stands before the last slash; the path itself if there is none. */
const parentPath = (path: string): string => path.slice(0, path.includes('/') ? path.lastIndexOf('/') : undefined)

/** Seconds with a fraction. libuv: uv__fs_to_timespec. */
function timeOf(seconds: number): TimeChange {
  let sec = Math.trunc(seconds)
  let nsec = Math.trunc((seconds - sec) * 1e9)
  if (nsec < 0) {
    nsec += 1e9
    sec -= 1
  }
  return { sec, nsec }
}

function check<T>(result: T | Errno, where: Where): T {
  if (isErrno(result)) throw failure(result, where)
  return result
}
