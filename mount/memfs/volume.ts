/**
 * The simulated files through memfs, which gives them the whole shape of Node's `fs`: options and their checks,
 * callbacks, promises, file handles, streams, watchFile, cp, glob.
 *
 * memfs has no extension point for a file system of another kind, so this file, and no other, knows its inside. The
 * doors of its Superblock are replaced one by one, and so are those methods of its Volume that would look into memfs's
 * own inodes; whatever is left of the Superblock throws. test/memfs/contract.test.ts compares the lists below with the
 * memfs that is installed: an update that adds a door turns it red.
 *
 * memfs is loaded when the first view is made: that takes 60 ms, and a daemon that only mounts needs none of it.
 */
import { Buffer } from 'node:buffer'
import { createReadStream, createWriteStream, type Stats } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path/posix'
import { promisify } from 'node:util'
import type { File, Superblock } from '@jsonjoy.com/fs-core'
import type { IFs, Volume } from 'memfs'
import type { DirectoryEntry } from '../../src/api/process.ts'
import { type Attributes, S_IFDIR, S_IFREG } from '../../src/kernfs/door.ts'
import { failure } from './errors.ts'
import { escapeBytes, fromByteString } from './names.ts'
import { fillStats } from './stats.ts'
import { type FsView, isDirectory, join } from './view.ts'
import { CgroupWatcher, type Watching } from './watcher.ts'

/** What a Superblock does, as own properties. `read` stays memfs's: it checks its arguments and asks the File. */
export const DOORS = [
  'open',
  'close',
  'readv',
  'writeFile',
  'ftruncate',
  'mkdir',
  'mkdirp',
  'rmdir',
  'rm',
  'unlink',
  'link',
  'symlink',
  'rename',
  'chmod',
  'lchmod',
  'fchmod',
  'chown',
  'lchown',
  'fchown',
  'utimes',
  'futimes',
] as const
export const KEPT_DOORS = ['read'] as const

/** Methods of its class that mean something here. All others throw. */
export const METHODS = ['getFileByFd', 'getFileByFdOrThrow', 'write'] as const

/** What a Volume would do with inodes, or in another way than Node. `promises.realpath` is replaced as well. */
export const SEAMS = [
  '_access',
  '_lstat',
  '_mkdtemp',
  '_opendir',
  '_readdir',
  '_readfile',
  '_readlink',
  '_stat',
  '_statfs',
  'createReadStream',
  'createWriteStream',
  'fstatBase',
  'ftruncate',
  'realpath',
  'realpathSync',
  'rm',
  'writevBase',
] as const

const require = createRequire(import.meta.url)
type Memfs = typeof import('memfs')
type Core = typeof import('@jsonjoy.com/fs-core')

/** Node's `fs` as memfs makes it, over a view. */
export function memfsOver(view: FsView, watching: Watching): IFs {
  const { Volume, createFsFromVolume } = require('memfs') as Memfs
  const core = require('@jsonjoy.com/fs-core') as Core
  const volume = new Volume(superblockOver(view, core))
  const seams = seamsOver(view, volume, core)
  Object.assign(volume, seams, { FSWatcher: watcherOf(watching) })
  volume.promises.realpath = promisify(seams.realpath.native) as typeof volume.promises.realpath
  return createFsFromVolume(volume)
}

function superblockOver(view: FsView, core: Core): Superblock {
  const superblock = new core.Superblock()
  const unused = Object.getOwnPropertyNames(core.Superblock.prototype).filter(
    name => name !== 'constructor' && !(METHODS as readonly string[]).includes(name),
  )
  const refuse = (name: string) => (): never => {
    throw new Error(`memfs: Superblock.${name} has no meaning here; was memfs updated? (mount/memfs/volume.ts)`)
  }
  return Object.assign(
    superblock,
    Object.fromEntries(unused.map(name => [name, refuse(name)])),
    doorsOver(view, core),
    methodsOver(view),
  )
}

type Doors = Pick<Superblock, (typeof DOORS)[number]>

function doorsOver(view: FsView, { createEisdirError, pathToFilename }: Core): Doors {
  return {
    open: (path, flags) => view.open(path, flags),
    close: fd => view.close(fd),
    readv(fd, buffers, position) {
      const all = new Uint8Array(buffers.reduce((sum, { byteLength }) => sum + byteLength, 0))
      const size = view.read(fd, all, positionOf(position))
      let at = 0
      for (const buffer of buffers) {
        bytesOf(buffer).set(all.subarray(at, Math.min(size, at + buffer.byteLength)))
        at = Math.min(size, at + buffer.byteLength)
      }
      return size
    },
    writeFile(id, bytes, flags) {
      if (typeof id === 'number') {
        view.writeAll(id, bytes)
        return
      }
      const fd = view.open(pathToFilename(id), flags)
      try {
        view.writeAll(fd, bytes)
      } finally {
        view.close(fd)
      }
    },
    ftruncate: fd => view.ftruncate(fd),
    mkdir: (path, mode) => view.mkdir(path, mode),
    mkdirp: (path, mode) => view.mkdirp(path, mode),
    rmdir: (path, recursive = false) => (recursive ? view.removeTree(path) : view.rmdir(path)),
    rm(path, force = false, recursive = false) {
      const there = force ? view.statIfAny(path, 'lstat') : view.stat(path, 'lstat')
      if (there === undefined) return
      if (isDirectory(there) && !recursive) throw createEisdirError('rm', path)
      view.removeTree(path)
    },
    unlink: path => view.unlink(path),
    link: (from, to) => view.link(from, to),
    symlink: (target, path) => view.symlink(target, path) as never,
    rename: (from, to) => view.rename(from, to),
    chmod: (path, mode) => view.chmod(path, mode),
    lchmod: (path, mode) => view.chmod(path, mode, 'lchmod'),
    fchmod: (fd, mode) => view.fchmod(fd, mode),
    chown: (path, uid, gid) => view.chown(path, uid, gid),
    lchown: (path, uid, gid) => view.chown(path, uid, gid, 'lchown'),
    fchown: (fd, uid, gid) => view.fchown(fd, uid, gid),
    utimes: (path, atime, mtime, follow = true) => view.utimes(path, atime, mtime, follow ? 'utime' : 'lutime'),
    futimes: (fd, atime, mtime) => view.futimes(fd, atime, mtime),
  }
}

function methodsOver(view: FsView): Pick<Superblock, (typeof METHODS)[number]> {
  return {
    getFileByFd: fd => fileOf(view, fd),
    getFileByFdOrThrow(fd, syscall) {
      view.mustBeOpen(fd, syscall)
      return fileOf(view, fd)
    },
    write: (fd, buffer, offset = 0, length = buffer.length - offset) =>
      view.write(fd, buffer.subarray(offset, offset + length)),
  }
}

/** As much of an open file as `read` and copying look at. libuv copies a directory without complaint: its size is 0. */
function fileOf(view: FsView, fd: number): File {
  const file = {
    fd,
    read: (buffer: ArrayBufferView, offset: number, length: number, position: number | undefined) =>
      view.read(fd, bytesOf(buffer).subarray(offset, offset + length), position),
    node: {
      isSymlink: () => false,
      isDirectory: () => false,
      getSize: () => 0,
      get mode() {
        return view.fstat(fd, 'copyfile').mode
      },
    },
  }
  return file as unknown as File
}

type Callback = (error: unknown, result?: unknown) => void
type Encoding = string | null | undefined
interface ListOptions {
  readonly encoding?: Encoding
  readonly withFileTypes?: boolean
  readonly recursive?: boolean
}
interface RemoveOptions {
  readonly force?: boolean
  readonly recursive?: boolean
}

function seamsOver(view: FsView, volume: Volume, { createEisdirError, pathToFilename }: Core) {
  const { Stats: StatsClass, Dir, Dirent } = (require('memfs') as Memfs).fs
  const statsOf = (attributes: Attributes, bigint = false): Stats =>
    fillStats(new StatsClass(), attributes, bigint) as unknown as Stats

  /** Node's realpath is written in JavaScript and looks at every component; `native` is realpath(3). */
  const realpathSync = Object.assign(
    (path: unknown, options?: unknown) => {
      const whole = resolve('/', pathToFilename(path as string))
      const names = whole.split('/')
      for (let i = 2; i <= names.length; i++) view.stat(names.slice(0, i).join('/') || '/', 'lstat')
      return shown(whole, options)
    },
    {
      native: (path: unknown, options?: unknown) => {
        view.stat(pathToFilename(path as string), 'realpath')
        return shown(resolve('/', pathToFilename(path as string)), options)
      },
    },
  )

  return {
    _access: (path: string, mode: number) => view.access(path, mode),

    _stat(path: string, bigint = false, throwIfNoEntry = true) {
      try {
        const attributes = throwIfNoEntry ? view.stat(path, 'stat') : view.statIfAny(path, 'stat')
        return { ok: true, value: attributes && statsOf(attributes, bigint) }
      } catch (error) {
        return { ok: false, err: { ...(error as object), toError: () => error } }
      }
    },

    _lstat(path: string, bigint = false, throwIfNoEntry = false) {
      const attributes = throwIfNoEntry ? view.stat(path, 'lstat') : view.statIfAny(path, 'lstat')
      return attributes && statsOf(attributes, bigint)
    },

    fstatBase: (fd: number, bigint = false) => statsOf(view.fstat(fd), bigint),

    _readfile(id: number | string, flags: number, encoding: Encoding) {
      const fd = typeof id === 'number' ? id : view.open(pathToFilename(id), flags)
      try {
        const bytes = view.readAll(fd)
        return encoding && encoding !== 'buffer' ? bytes.toString(encoding as BufferEncoding) : bytes
      } finally {
        if (typeof id !== 'number') view.close(fd)
      }
    },

    /** Sorted as libuv does it, which calls scandir(3); recursively breadth first. */
    _readdir(path: string, { encoding, withFileTypes = false, recursive = false }: ListOptions) {
      const found: unknown[] = []
      const directories = [{ path, relative: '' }]
      for (const { path: directory, relative } of directories) {
        const entries = view.list(directory, { syscall: 'scandir', path: directory })
        for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
          const name = fromByteString(entry.name, encoding)
          if (withFileTypes) found.push(direntOf(new Dirent(), entry, directory, encoding))
          else found.push(relative === '' ? name : `${relative}/${name}`)
          if (recursive && entry.isDirectory)
            directories.push({ path: join(directory, entry.name), relative: `${relative && `${relative}/`}${name}` })
        }
      }
      return found
    },

    /** In the kernel's order. The synchronous form gives its errors no path, as Node's does not. */
    _opendir(path: string, options: unknown, shownPath: string | Buffer, errorPath: string) {
      const where = { syscall: 'opendir', ...(errorPath !== '' && { path: errorPath }) }
      return new Dir(directoryLink(view, path, view.list(path, where)), shownPath, options)
    },

    _readlink: (path: string) => view.readlink(path),

    _statfs(path: string, bigint = false) {
      const { type, bsize } = view.statfs(path)
      const fields = { type, bsize, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0 }
      if (!bigint) return fields
      return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, BigInt(value)]))
    },

    _mkdtemp(prefix: string, encoding: Encoding) {
      const path = `${prefix}${Math.random().toString(36).slice(2, 8).padEnd(6, '0')}`
      try {
        view.mkdir(path, 0o700)
      } catch (error) {
        throw failure((error as { errno: never }).errno, { syscall: 'mkdtemp', path: `${prefix}XXXXXX` })
      }
      return fromByteString(Buffer.from(path).toString('latin1'), encoding)
    },

    /** One operation of the kernel, whatever the number of buffers. */
    writevBase: (fd: number, buffers: readonly ArrayBufferView[]) =>
      view.write(fd, Buffer.concat(buffers.map(bytesOf))),

    ftruncate: (fd: number, ...rest: readonly unknown[]) => later(rest.at(-1) as Callback, () => view.ftruncate(fd)),

    // Node's own streams over our functions, which its option `fs` is for: memfs's lose the error of a write.
    createReadStream: (path: string, options?: unknown) => createReadStream(path, streamOptions(volume, options)),
    createWriteStream: (path: string, options?: unknown) => createWriteStream(path, streamOptions(volume, options)),

    realpathSync,
    realpath: Object.assign(withCallback(realpathSync), { native: withCallback(realpathSync.native) }),

    /** Node's asynchronous rm tries rmdir first: an empty cgroup goes, files and all. */
    rm(path: unknown, ...rest: readonly unknown[]) {
      const options = (typeof rest[0] === 'object' ? rest[0] : undefined) as RemoveOptions | undefined
      later(rest.at(-1) as Callback, () => {
        const name = pathToFilename(path as string)
        const there = options?.force ? view.statIfAny(name, 'lstat') : view.stat(name, 'lstat')
        if (there === undefined) return
        if (!isDirectory(there)) view.unlink(name)
        else if (options?.recursive) view.rmdir(name)
        else throw createEisdirError('rm', name)
      })
    },
  } satisfies Record<(typeof SEAMS)[number], unknown>
}

/** A file handle of memfs is closed by itself, so that it knows. */
function streamOptions(volume: Volume, options: unknown): object {
  const given = (typeof options === 'string' ? { encoding: options } : (options ?? {})) as { fd?: unknown }
  const handle = (typeof given.fd === 'object' ? given.fd : undefined) as
    | { readonly fd: number; close(): Promise<void> }
    | undefined
  const close = (fd: number, callback: Callback): void => {
    if (handle === undefined) volume.close(fd, callback as never)
    else handle.close().then(() => callback(null), callback)
  }
  const { open, read, write, writev } = volume
  return { ...given, ...(handle !== undefined && { fd: handle.fd }), fs: { open, read, write, writev, close } }
}

function watcherOf(watching: Watching): new () => CgroupWatcher {
  return class extends CgroupWatcher {
    constructor() {
      super(watching)
    }
  }
}

/** An asynchronous form: called back in a microtask, as memfs does it everywhere. */
const withCallback =
  (sync: (path: unknown, options?: unknown) => unknown) =>
  (path: unknown, ...rest: readonly unknown[]): void => {
    const options = typeof rest[0] === 'function' ? undefined : rest[0]
    later(rest.at(-1) as Callback, () => sync(path, options))
  }

function later(callback: Callback, operation: () => unknown): void {
  if (typeof callback !== 'function') throw new TypeError('the last argument must be a function')
  queueMicrotask(() => {
    let result: unknown
    try {
      result = operation()
    } catch (error) {
      callback(error)
      return
    }
    callback(null, result)
  })
}

const positionOf = (position: number | null | undefined): number | undefined =>
  typeof position === 'number' && position >= 0 ? position : undefined

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** A path in the encoding the options ask for. */
function shown(path: string, options: unknown): string | Buffer {
  const encoding = typeof options === 'string' ? options : (options as { encoding?: Encoding } | undefined)?.encoding
  return fromByteString(Buffer.from(path).toString('latin1'), encoding)
}

function direntOf<T>(dirent: T, { name, isDirectory }: DirectoryEntry, directory: string, encoding: Encoding): T {
  return Object.assign(dirent as object, {
    name: fromByteString(name, encoding),
    parentPath: directory,
    path: directory,
    mode: isDirectory ? S_IFDIR : S_IFREG,
  }) as T
}

/** What memfs's Dir walks: a directory with its entries as they were when it was opened. */
function directoryLink(view: FsView, path: string, entries: readonly DirectoryEntry[]): object {
  return {
    children: new Map(entries.map(entry => [escapeBytes(entry.name), entryLink(view, join(path, entry.name), entry)])),
  }
}

function entryLink(view: FsView, path: string, { name, isDirectory }: DirectoryEntry): object {
  return {
    getName: () => escapeBytes(name),
    getNode: () => ({ mode: isDirectory ? S_IFDIR : S_IFREG, canRead: () => true }),
    get children() {
      return (directoryLink(view, path, view.list(path, { syscall: 'opendir', path })) as { children: unknown })
        .children
    },
  }
}
