/**
 * A door with no kernel behind it, for tests and benchmarks of the transport. Directories can be made and removed, and
 * each has the same 37 files. Most hold the text last written; the first few do one thing each that a transport has
 * to deal with. Deferred work runs on the time that `enter` brings.
 */

import type { CreateDoor, Host } from '../../mount/fuse/service.ts'
import {
  E2BIG,
  EACCES,
  EBUSY,
  EEXIST,
  EINTR,
  EINVAL,
  ENODATA,
  ENODEV,
  ENOENT,
  ENOTDIR,
  EOPNOTSUPP,
  EPERM,
  type Errno,
  isErrno,
  OK,
  type Ok,
} from '../../src/errno.ts'
import {
  type AttributeChange,
  type Attributes,
  type Caller,
  type Door,
  type EmitEntry,
  type Handle,
  type NodeId,
  type Notice,
  PENDING,
  type Pending,
  POLL_DEFAULT,
  POLLERR,
  POLLPRI,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  type Ticket,
} from '../../src/kernfs/door.ts'
import { milliseconds, type Nanoseconds } from '../../src/units.ts'

/** What `call` understands. */
export type ToyMessage =
  | { readonly do: 'echo'; readonly value: unknown }
  | { readonly do: 'fail'; readonly text: string }
  | { readonly do: 'uncloneable' }
  /** As if the model changed by itself: an event in the root directory. */
  | { readonly do: 'event' }
  /** As if a file of the root directory had changed. */
  | { readonly do: 'touch'; readonly name: string }
  /** Makes the optional files of the root's children appear or vanish. */
  | { readonly do: 'optional'; readonly exist: boolean }
  /** Look-ups the kernel holds on a node. */
  | { readonly do: 'lookups'; readonly node: NodeId }
  | { readonly do: 'requests' }

interface Special {
  readonly name: string
  readonly mode: number
  show?(dir: ToyDirectory, caller: Caller): string
  write?(dir: ToyDirectory, text: string, caller: Caller): Ok | Errno | Pending
}

interface ToyDirectory {
  readonly node: NodeId
  readonly parent: ToyDirectory | undefined
  readonly name: string
  readonly children: Map<string, ToyDirectory>
  readonly texts: (string | undefined)[]
  mode: number
  uid: number
  gid: number
  dead: boolean
  events: number
  /** Its children have the optional file. */
  optional: boolean
}

interface OpenFile {
  readonly dir: ToyDirectory
  readonly index: number
  text: string
  /** Count of events at the last production of the text; -1 before that. */
  seen: number
  token: number
}

const FILES = 37
/** One more file, which comes and goes. */
const OPTIONAL = FILES
/** Node numbers of a directory: its own, and those of its files. */
const BLOCK = 64
const ROOT: NodeId = 1
const BIG_TEXT = 'x'.repeat(300_000)
const NOTHING: readonly Notice[] = []

export interface ToySetup {
  /** Mode of the root directory. Default 0755. */
  readonly rootMode?: number
}

export const createDoor: CreateDoor = (setup, host) => {
  const door = new ToyDoor(host, (setup ?? {}) as ToySetup)
  return { door, call: message => door.call(message as ToyMessage) }
}

class ToyDoor implements Door {
  readonly #host: Host
  readonly #directories = new Map<NodeId, ToyDirectory>()
  readonly #open: (OpenFile | undefined)[] = [undefined]
  readonly #free: Handle[] = []
  readonly #lookups = new Map<NodeId, number>()
  readonly #changes = new Map<NodeId, AttributeChange>()
  readonly #xattrs = new Map<NodeId, Map<string, Uint8Array>>()
  /** What to do later, and when. */
  readonly #deferred = new Map<Ticket, { readonly at: Nanoseconds; readonly run: () => void }>()
  readonly #files: readonly Special[]
  #notices: Notice[] = []
  #now: Nanoseconds = 0
  #nextBlock = 0
  #requests = 0
  #seenPid = 0
  lastTicket: Ticket = 0

  constructor(host: Host, { rootMode = 0o755 }: ToySetup) {
    this.#host = host
    this.#files = this.#createFiles()
    this.#createDirectory(undefined, '', rootMode, 0, 0)
  }

  #createFiles(): Special[] {
    const special: Special[] = [
      {
        name: 'toy.value',
        mode: 0o644,
        show: dir => dir.texts[0] ?? '0\n',
        write: (dir, text) => {
          if (!/^\d+\n?$/.test(text)) return EINVAL
          dir.texts[0] = text
          return OK
        },
      },
      { name: 'toy.events', mode: 0o444, show: dir => `events ${dir.events}\n` },
      /** Milliseconds after which an event happens. */
      { name: 'toy.later', mode: 0o200, write: (dir, text) => this.#later(Number(text), () => this.#event(dir)) },
      /** Milliseconds for which the write waits; 0 fails it at once in the same way. */
      { name: 'toy.slow', mode: 0o222, write: (_, text) => this.#slowWrite(Number(text)) },
      /** 1 or 0: whether the children have toy.optional. */
      { name: 'toy.names', mode: 0o200, write: (dir, text) => this.#setOptional(dir, text.trim() === '1') },
      { name: 'toy.caller', mode: 0o444, show: (_, caller) => describe(caller) },
      /** A process number as the writer sees it; read back as the mount and as the reader see it. */
      {
        name: 'toy.pid',
        mode: 0o666,
        show: (_, caller) => `${this.#seenPid} ${caller.inView(this.#seenPid)}\n`,
        write: (_, text, caller) => {
          const pid = caller.fromView(Number(text))
          if (isErrno(pid)) return pid
          const found = this.#host.processes.find(pid)
          if (isErrno(found)) return found
          this.#seenPid = pid
          return OK
        },
      },
      { name: 'toy.big', mode: 0o444, show: () => BIG_TEXT },
      {
        name: 'toy.crash',
        mode: 0o200,
        write: () => {
          throw new Error('the toy broke, as it was told to')
        },
      },
    ]
    const plain = Array.from({ length: FILES - special.length }, (_, i) =>
      plainFile(`toy.file${i}`, special.length + i),
    )
    return [...special, ...plain, { name: 'toy.optional', mode: 0o444, show: () => 'here\n' }]
  }

  call(message: ToyMessage): unknown {
    switch (message.do) {
      case 'echo':
        return message.value
      case 'fail':
        throw new Error(message.text)
      case 'uncloneable':
        return () => undefined
      case 'event':
        return this.#event(this.#directories.get(ROOT)!)
      case 'touch':
        return this.#notices.push({ kind: 'modified', node: ROOT, path: `/${message.name}` })
      case 'optional':
        return this.#setOptional(this.#directories.get(ROOT)!, message.exist)
      case 'lookups':
        return this.#lookups.get(message.node) ?? 0
      case 'requests':
        return this.#requests
    }
  }

  enter(hostNow: Nanoseconds): void {
    this.#now = hostNow
    this.#requests++
    if (this.#deferred.size === 0) return
    for (const [ticket, { at, run }] of this.#deferred) {
      if (at > hostNow) continue
      this.#deferred.delete(ticket)
      run()
    }
  }

  nextDue(): Nanoseconds {
    let due = Number.POSITIVE_INFINITY
    if (this.#deferred.size === 0) return due
    for (const { at } of this.#deferred.values()) due = Math.min(due, at)
    return due
  }

  takeNotices(): readonly Notice[] {
    if (this.#notices.length === 0) return NOTHING
    const notices = this.#notices
    this.#notices = []
    return notices
  }

  lookup(parent: NodeId, name: string): NodeId | Errno {
    const dir = this.#directories.get(parent)
    if (dir === undefined || dir.dead) return ENOENT
    const child = dir.children.get(name)
    if (child) return child.node
    const index = this.#files.findIndex(file => file.name === name)
    return index < 0 || !hasFile(dir, index) ? ENOENT : dir.node + 1 + index
  }

  remember(node: NodeId): void {
    this.#lookups.set(node, (this.#lookups.get(node) ?? 0) + 1)
  }

  forget(node: NodeId, count: number): void {
    const left = (this.#lookups.get(node) ?? 0) - count
    if (left > 0) this.#lookups.set(node, left)
    else this.#lookups.delete(node)
    const dir = this.#directories.get(node)
    if (left <= 0 && dir?.dead) this.#directories.delete(node)
  }

  getattr(node: NodeId, into: Attributes): Ok | Errno {
    const index = indexOf(node)
    const dir = this.#directories.get(node - index - 1)
    if (dir === undefined) return ENOENT
    const change = this.#changes.get(node)
    const mode = index < 0 ? dir.mode : S_IFREG | this.#files[index]!.mode
    into.ino = node
    into.mode = change?.mode === undefined ? mode : (mode & S_IFMT) | (change.mode & ~S_IFMT)
    into.nlink = index < 0 ? 2 + dir.children.size : 1
    into.uid = change?.uid ?? dir.uid
    into.gid = change?.gid ?? dir.gid
    into.atimeSec = timeOf(change?.atime).sec
    into.atimeNsec = timeOf(change?.atime).nsec
    into.mtimeSec = timeOf(change?.mtime).sec
    into.mtimeNsec = timeOf(change?.mtime).nsec
    into.ctimeSec = 0
    into.ctimeNsec = 0
    return OK
  }

  setattr(node: NodeId, change: AttributeChange): Ok | Errno {
    this.#changes.set(node, { ...this.#changes.get(node), ...change })
    return OK
  }

  /** Cookies: 1 and 2 for the dots, then the files from 3 on, then the node numbers of the children. */
  readdir(node: NodeId, cookie: number, emit: EmitEntry): Ok | Errno {
    const dir = this.#directories.get(node)
    if (dir === undefined || dir.dead) return ENOENT
    if (cookie < 1 && !emit('.', node, node, true, 1)) return OK
    if (cookie < 2 && !emit('..', node, dir.parent?.node ?? node, true, 2)) return OK
    for (let index = Math.max(cookie - 2, 0); index <= OPTIONAL; index++) {
      const file = node + 1 + index
      if (hasFile(dir, index) && !emit(this.#files[index]!.name, file, file, false, 3 + index)) return OK
    }
    for (const child of dir.children.values()) {
      if (child.node > cookie && !emit(child.name, child.node, child.node, true, child.node)) return OK
    }
    return OK
  }

  mkdir(parent: NodeId, name: string, mode: number, caller: Caller): NodeId | Errno {
    const dir = this.#directories.get(parent)
    if (dir === undefined || dir.dead) return ENOENT
    if (!isErrno(this.lookup(parent, name))) return EEXIST
    return this.#createDirectory(dir, name, mode, caller.uid, caller.gid).node
  }

  rmdir(parent: NodeId, name: string): Ok | Errno {
    const child = this.#directories.get(parent)?.children.get(name)
    if (child === undefined) return isErrno(this.lookup(parent, name)) ? ENOENT : ENOTDIR
    if (child.children.size > 0) return EBUSY
    this.#directories.get(parent)!.children.delete(name)
    child.dead = true
    if (!this.#lookups.has(child.node)) this.#directories.delete(child.node)
    return OK
  }

  rename(parent: NodeId, name: string, newParent: NodeId, newName: string, flags: number): Ok | Errno {
    if (flags !== 0) return EINVAL
    if (isErrno(this.lookup(parent, name))) return ENOENT
    if (!isErrno(this.lookup(newParent, newName))) return EEXIST
    return EPERM
  }

  unlink(): Errno {
    return EPERM
  }

  mknod(_parent: NodeId, _name: string, mode: number): Errno {
    return (mode & S_IFMT) === S_IFREG ? EACCES : EPERM
  }

  open(node: NodeId, flags: number): Handle | Errno {
    const index = indexOf(node)
    const dir = this.#directories.get(node - index - 1)
    if (dir === undefined || dir.dead || !hasFile(dir, index)) return ENODEV
    if ((flags & O_DIRECT) !== 0) return EINVAL
    const handle = this.#free.pop() ?? this.#open.length
    this.#open[handle] = { dir, index, text: '', seen: -1, token: 0 }
    return handle
  }

  release(handle: Handle): void {
    this.#open[handle] = undefined
    this.#free.push(handle)
  }

  read(handle: Handle, offset: number, size: number, into: Uint8Array, at: number, caller: Caller): number | Errno {
    const file = this.#open[handle]!
    if (offset === 0) {
      if (file.dir.dead) return ENODEV
      const { show } = this.#files[file.index]!
      if (show === undefined) return EINVAL
      file.text = show(file.dir, caller)
      file.seen = file.dir.events
    }
    const { text } = file
    const end = Math.min(offset + size, text.length)
    for (let i = offset; i < end; i++) into[at + i - offset] = text.charCodeAt(i)
    return Math.max(end - offset, 0)
  }

  write(handle: Handle, from: Uint8Array, at: number, size: number, caller: Caller): number | Errno | Pending {
    const file = this.#open[handle]!
    if (size > 4096) return E2BIG
    if (file.dir.dead) return ENODEV
    const { write } = this.#files[file.index]!
    if (write === undefined) return EINVAL
    let text = ''
    for (let i = at; i < at + size; i++) text += String.fromCharCode(from[i]!)
    const result = write(file.dir, text, caller)
    return result === OK ? size : result
  }

  cancel(ticket: Ticket): void {
    if (this.#deferred.delete(ticket)) this.#notices.push({ kind: 'done', ticket, result: EINTR })
  }

  poll(handle: Handle, token: number): number {
    const file = this.#open[handle]!
    file.token = token
    return file.seen === file.dir.events ? POLL_DEFAULT : POLL_DEFAULT | POLLERR | POLLPRI
  }

  getxattr(node: NodeId, name: string): Uint8Array | Errno {
    if (name.startsWith('system.')) return EOPNOTSUPP
    return this.#xattrs.get(node)?.get(name) ?? ENODATA
  }

  setxattr(node: NodeId, name: string, value: Uint8Array, flags: number): Ok | Errno {
    const attributes = this.#xattrs.get(node) ?? new Map<string, Uint8Array>()
    if (flags === 1 && attributes.has(name)) return EEXIST
    if (flags === 2 && !attributes.has(name)) return ENODATA
    this.#xattrs.set(node, attributes.set(name, value))
    return OK
  }

  removexattr(node: NodeId, name: string): Ok | Errno {
    return this.#xattrs.get(node)?.delete(name) ? OK : ENODATA
  }

  listxattr(node: NodeId): readonly string[] {
    return [...(this.#xattrs.get(node)?.keys() ?? [])]
  }

  #createDirectory(
    parent: ToyDirectory | undefined,
    name: string,
    mode: number,
    uid: number,
    gid: number,
  ): ToyDirectory {
    const dir: ToyDirectory = {
      node: ROOT + BLOCK * this.#nextBlock++,
      parent,
      name,
      children: new Map(),
      texts: [],
      mode: S_IFDIR | mode,
      uid,
      gid,
      dead: false,
      events: 0,
      optional: false,
    }
    this.#directories.set(dir.node, dir)
    parent?.children.set(name, dir)
    return dir
  }

  #event(dir: ToyDirectory): void {
    dir.events++
    this.#notices.push({ kind: 'modified', node: dir.node + 2, path: `/${pathOf(dir, 'toy.events')}` })
    for (const file of this.#open) {
      if (file?.dir !== dir || file.token === 0) continue
      this.#notices.push({ kind: 'poll', token: file.token })
      file.token = 0
    }
  }

  #later(delayMs: number, run: () => void): Ok {
    this.#deferred.set(++this.lastTicket, { at: this.#now + milliseconds(delayMs), run })
    return OK
  }

  #slowWrite(delayMs: number): Errno | Pending {
    if (delayMs === 0) return EINVAL
    const ticket = this.lastTicket + 1
    const length = String(delayMs).length
    this.#later(delayMs, () => this.#notices.push({ kind: 'done', ticket, result: length }))
    return PENDING
  }

  #setOptional(dir: ToyDirectory, exist: boolean): Ok {
    dir.optional = exist
    for (const { node } of dir.children.values()) {
      this.#notices.push({ kind: 'names', parent: node, names: ['toy.optional'] })
    }
    return OK
  }
}

const O_DIRECT = 0o40000

/** Which file of its directory a node is; -1 for the directory itself. */
const indexOf = (node: NodeId): number => ((node - ROOT) % BLOCK) - 1

const hasFile = (dir: ToyDirectory, index: number): boolean => index < FILES || (dir.parent?.optional ?? false)

const pathOf = (dir: ToyDirectory | undefined, name: string): string =>
  dir?.parent === undefined ? name : pathOf(dir.parent, `${dir.name}/${name}`)

const timeOf = (time: AttributeChange['mtime']): { sec: number; nsec: number } =>
  time === undefined || time === 'now' ? START : time

const START = { sec: 1_700_000_000, nsec: 0 }

function plainFile(name: string, index: number): Special {
  return {
    name,
    mode: 0o644,
    show: dir => dir.texts[index] ?? `${index}\n`,
    write: (dir, text) => {
      dir.texts[index] = text
      return OK
    },
  }
}

const describe = (caller: Caller): string =>
  `uid ${caller.uid} gid ${caller.gid} groups ${caller.groups().join(',')} tgid ${caller.tgid()} tid ${caller.tid()}\n`
