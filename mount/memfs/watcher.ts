/**
 * `fs.watch`: an inotify watch of the simulated kernel, read as libuv does it. So it tells what the kernel tells: a
 * directory's watchers hear of new and removed children and of changes in its files, with their names; those of what
 * was removed hear nothing.
 */
import { EventEmitter } from 'node:events'
import { basename } from 'node:path/posix'
import type { InotifyEvent, InotifyWatch } from '../../src/api/inotify.ts'
import { type Errno, isErrno } from '../../src/errno.ts'
import type { ByteString } from '../../src/units.ts'
import type { Home, Seat } from '../home/home.ts'
import { failure } from './errors.ts'
import { fromByteString, toByteString } from './names.ts'

/** What libuv asks for. */
const EVENTS = ['IN_ATTRIB', 'IN_CREATE', 'IN_MODIFY', 'IN_DELETE']
/** libuv calls these a change, and everything else a change of name: also an attribute of a directory (IN_ISDIR). */
const CHANGES = ['IN_ATTRIB', 'IN_MODIFY']
/** Timers take no longer time. */
const FOR_EVER_MS = 2 ** 31 - 1

/** What watchers need, and the set they are in while they watch. */
export interface Watching {
  readonly home: Home
  readonly seat: Seat
  readonly watchers: Set<{ close(): void }>
}

/** One watched directory or file. */
interface Target {
  readonly path: ByteString
  /** From the path that was asked for; empty for that itself. */
  readonly relative: ByteString
}

export class CgroupWatcher extends EventEmitter {
  readonly #watching: Watching
  readonly #targets = new Map<number, Target>()
  #encoding: string | undefined
  #recursive = false
  #instance: InotifyWatch | undefined
  #endNews: (() => void) | undefined
  #isReading = false
  #alive: NodeJS.Timeout | undefined

  constructor(watching: Watching) {
    super()
    this.#watching = watching
  }

  get #calls(): Seat['calls'] {
    return this.#watching.seat.calls
  }

  /** Called by `Volume.watch` of memfs. */
  start(path: string, persistent = true, recursive = false, encoding?: string, ignore?: unknown): void {
    if (ignore !== undefined) throw new TypeError('watch: the option "ignore" is not supported here')
    this.#encoding = encoding
    this.#recursive = recursive
    this.#instance = this.#calls.inotify()
    this.#endNews = this.#watching.home.onNews(() => this.#readSoon())
    this.#watching.watchers.add(this)
    const refused = this.#add({ path: toByteString(path), relative: '' })
    if (isErrno(refused)) {
      this.#stop()
      throw Object.assign(failure(refused, { syscall: 'watch', path }), { filename: path })
    }
    if (persistent) this.ref()
  }

  close(): void {
    if (this.#instance === undefined) return
    this.#stop()
    process.nextTick(() => this.emit('close'))
  }

  /** The process lives as long as somebody watches. */
  ref(): this {
    if (this.#instance !== undefined) this.#alive ??= setInterval(() => {}, FOR_EVER_MS)
    return this
  }

  unref(): this {
    clearInterval(this.#alive)
    this.#alive = undefined
    return this
  }

  #stop(): void {
    this.unref()
    this.#endNews?.()
    this.#watching.watchers.delete(this)
    const instance = this.#instance!
    this.#instance = undefined
    if (!this.#watching.home.ended) this.#calls.inotifyClose(instance)
  }

  #add(target: Target): Errno | number {
    const wd = this.#calls.watch(this.#instance!, target.path, EVENTS)
    if (isErrno(wd)) return wd
    this.#targets.set(wd, target)
    if (this.#recursive) this.#addBelow(target)
    return wd
  }

  #addBelow(target: Target): void {
    const entries = this.#calls.list(target.path)
    if (isErrno(entries)) return
    for (const { name, isDirectory } of entries)
      if (isDirectory && name !== '.' && name !== '..') this.#add(below(target, name))
  }

  /** Not at once: what happens in between is merged by the kernel, and nobody is called in the middle of something else. */
  #readSoon(): void {
    if (this.#isReading) return
    this.#isReading = true
    setImmediate(() => {
      this.#isReading = false
      if (this.#instance !== undefined) for (const event of this.#calls.inotifyRead(this.#instance)) this.#pass(event)
    })
  }

  #pass({ wd, mask, name }: InotifyEvent): void {
    const target = this.#targets.get(wd)
    if (target === undefined || this.#instance === undefined) return
    if (this.#recursive && mask === 'IN_CREATE|IN_ISDIR') this.#add(below(target, name))
    const type = mask.split('|').every(bit => CHANGES.includes(bit)) ? 'change' : 'rename'
    const shown = below(target, name).relative || basename(target.path)
    this.emit('change', type, fromByteString(shown, this.#encoding))
  }
}

function below({ path, relative }: Target, name: ByteString): Target {
  if (name === '') return { path, relative }
  return { path: `${path}/${name}`, relative: relative === '' ? name : `${relative}/${name}` }
}
