/**
 * What the kernel has above kernfs, in process: paths, permission checks, descriptors, inotify. It is the door for
 * programs that want the simulated files without a mount; `Process` (process.ts) is its system-call interface.
 * Kernel: fs/namei.c, fs/notify/.
 */
import { EACCES, ENAMETOOLONG, ENOENT, ENOTDIR, type Errno, isErrno } from '../errno.ts'
import { type Attributes, emptyAttributes, type NodeId, type Notice, PENDING, S_IFDIR, S_IFMT } from '../kernfs/door.ts'
import type { Kernfs } from '../kernfs/kernfs.ts'
import { ROOT_NODE } from '../kernfs/node.ts'
import { MAY_EXEC, mayAccess } from '../kernfs/permission.ts'
import type { Credentials } from '../tree/controller.ts'
import { type Host, NO_HOST, type RealProcess } from '../tree/host.ts'
import type { ByteString, Nanoseconds, Pid, Uid } from '../units.ts'
import { Inotify, type InotifyWatch } from './inotify.ts'

/** Longest path with its closing zero. */
const PATH_MAX = 4096

/** Where a path leads. `last` is what its final component names: a node, or a free name in `parent`. */
export interface Place {
  readonly parent: NodeId
  readonly name: ByteString
  readonly node: NodeId | Errno
  /** The path ends in `/`: it must be a directory. */
  readonly slash: boolean
}

/** Plain data. */
export interface ProcessTableState {
  readonly processes: Map<Pid, RealProcess>
  nextToken: number
}

/** Processes that exist on the simulated host: those that use the door, whatever a test adds, and perhaps real ones. */
export class ProcessTable implements Host {
  readonly state: ProcessTableState
  readonly #others: Host

  constructor(others: Host = NO_HOST, state: ProcessTableState = { processes: new Map(), nextToken: 1 }) {
    this.#others = others
    this.state = state
  }

  add(pid: Pid, { kind = 'user', uid = 0 }: Partial<Pick<RealProcess, 'kind' | 'uid'>> = {}): void {
    this.state.processes.set(pid, { tgid: pid, kind, uid, token: this.state.nextToken++ })
  }

  /** setuid(2). */
  setUid(pid: Pid, uid: Uid): void {
    const process = this.state.processes.get(pid)
    if (process !== undefined) this.state.processes.set(pid, { ...process, uid })
  }

  exit(pid: Pid): void {
    this.state.processes.delete(pid)
  }

  find(pid: Pid): RealProcess | Errno {
    return this.state.processes.get(pid) ?? this.#others.find(pid)
  }

  alive(pid: Pid, token: number): boolean {
    return this.state.processes.get(pid)?.token === token || this.#others.alive(pid, token)
  }
}

/** The host's time, for a real clock. */
export interface HostTime {
  readonly now: () => Nanoseconds
  /** Blocks this thread. Absent where others wait for it: then a write that has to wait is answered PENDING. */
  readonly sleep?: (time: Nanoseconds) => void
  /** Told after each operation when deferred work is next due: `poke` shall be called then. */
  readonly wakeBy?: (time: Nanoseconds) => void
}

/** For a manual clock, which never looks at it. */
const STOPPED: HostTime = { now: () => 0 }

export class Vfs {
  readonly door: Kernfs
  readonly inotify: Inotify
  readonly #time: HostTime
  readonly #attributes: Attributes = emptyAttributes()
  /** Told of every notice after an operation: how a view learns of changes. */
  readonly #followers: ((notice: Notice) => void)[] = []
  /** Told after an operation that put something into the queue of a watcher. */
  readonly #readers: (() => void)[] = []

  constructor(door: Kernfs, time: HostTime = STOPPED, inotify = new Inotify()) {
    this.door = door
    this.inotify = inotify
    this.#time = time
  }

  /** Runs one operation as one request: time first, what it caused and who is told of it afterwards. */
  request<T>(operation: () => T): T {
    this.door.enter(this.#time.now())
    const result = operation()
    this.deliver()
    this.#time.wakeBy?.(this.door.nextDue())
    return result
  }

  /** Lets deferred work run that has come due, and tells whom it concerns. */
  poke(): void {
    this.request(() => {})
  }

  /**
   * Waits for a pending write: only a real clock makes one, so host time passes until it is answered. In the meantime
   * nothing else can happen in this thread; where that must not be, the answer is PENDING.
   */
  await(ticket: number): number {
    const { now, sleep } = this.#time
    if (sleep === undefined) return PENDING
    for (;;) {
      sleep(Math.max(0, this.door.nextDue() - now()))
      this.door.enter(now())
      const notices = this.door.takeNotices()
      this.tell(notices)
      for (const notice of notices) if (notice.kind === 'done' && notice.ticket === ticket) return notice.result
    }
  }

  follow(follower: (notice: Notice) => void): void {
    this.#followers.push(follower)
  }

  /** Watchers that do not ask by themselves are told when there is something to read. */
  onEvents(reader: () => void): void {
    this.#readers.push(reader)
  }

  /** Passes on what the operation has caused so far. */
  deliver(): void {
    this.tell(this.door.takeNotices())
  }

  /** The same, of notices that somebody else has taken. */
  tell(notices: readonly Notice[]): void {
    for (const notice of notices) this.#pass(notice)
    if (this.#readers.length > 0 && this.inotify.takeNews()) for (const reader of this.#readers) reader()
  }

  #pass(notice: Notice): void {
    if (notice.kind === 'modified') this.notify(notice.node, 'IN_MODIFY')
    for (const follower of this.#followers) follower(notice)
  }

  /** Attributes of a node; the object is reused. */
  attributes(node: NodeId): Attributes | Errno {
    const got = this.door.getattr(node, this.#attributes)
    return isErrno(got) ? got : this.#attributes
  }

  isDirectory(node: NodeId): boolean {
    const attributes = this.attributes(node)
    return !isErrno(attributes) && (attributes.mode & S_IFMT) === S_IFDIR
  }

  mayAccess(node: NodeId, wanted: number, who: Credentials): boolean {
    const attributes = this.attributes(node)
    return !isErrno(attributes) && mayAccess(attributes, wanted, who)
  }

  /** Walks a path from `from`. Every directory on the way must be one the caller may search. */
  walk(path: ByteString, from: NodeId, who: Credentials): Place | Errno {
    if (path.length >= PATH_MAX) return ENAMETOOLONG
    if (path === '') return ENOENT
    const names = path.split('/').filter(name => name !== '')
    const slash = path.endsWith('/')
    let parent: NodeId = path.startsWith('/') ? ROOT_NODE : from
    let node: NodeId | Errno = parent
    let name: ByteString = ''
    for (const [i, each] of names.entries()) {
      if (isErrno(node)) return node
      parent = node
      name = each
      if (!this.isDirectory(parent)) return ENOTDIR
      if (!this.mayAccess(parent, MAY_EXEC, who)) return EACCES
      node = this.#step(parent, each)
      if (isErrno(node) && i < names.length - 1) return node
    }
    return { parent, name, node, slash }
  }

  #step(parent: NodeId, name: ByteString): NodeId | Errno {
    if (name === '.') return parent
    if (name === '..') return this.parentOf(parent)
    return this.door.lookup(parent, name)
  }

  /** The directory above a directory. */
  parentOf(node: NodeId): NodeId {
    let up = node
    this.door.readdir(node, 1, (_, parent) => {
      up = parent
      return false
    })
    return up
  }

  /** The node a path names. */
  resolve(path: ByteString, from: NodeId, who: Credentials): NodeId | Errno {
    const place = this.walk(path, from, who)
    if (isErrno(place)) return place
    if (!isErrno(place.node) && place.slash && !this.isDirectory(place.node)) return ENOTDIR
    return place.node
  }

  /** Name of a node in its directory, found by looking through it. */
  nameOf(node: NodeId, directory: NodeId): ByteString {
    let found = ''
    this.door.readdir(directory, 0, (name, each) => {
      if (each === node && name !== '.' && name !== '..') found = name
      return found === ''
    })
    return found
  }

  /** An event on a node: its own watchers hear of it, and those of its directory with its name. */
  notify(node: NodeId, mask: string): void {
    this.inotify.raise(node, mask)
    if (!this.inotify.isWatching) return
    const parent = this.isDirectory(node) ? this.parentOf(node) : this.door.directoryOf(node)
    if (parent !== node) this.inotify.raise(parent, mask, this.nameOf(node, parent))
  }
}

export type { InotifyWatch }
