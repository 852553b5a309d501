/**
 * The file system over a kernel, as doors see it. Kernel: fs/kernfs/, and the file operations of kernel/cgroup/cgroup.c.
 *
 * A request's way: time advances, the row of the file parses and acts, what that caused happens, and what watchers
 * must be told is collected as notices for the door.
 */
import { EACCES, EINVAL, EISDIR, ENOENT, EPERM, type Errno, isErrno, type Ok } from '../errno.ts'
import { fromBytes, TextBuffer } from '../formats/text.ts'
import type { Kernel } from '../kernel.ts'
import { eventsOf, type FileBlock, type StoredAttributes } from '../tree/files.ts'
import { fileKey, forgetRefused } from '../tree/refused.ts'
import type { Tree } from '../tree/tree.ts'
import type { ByteString, Nanoseconds } from '../units.ts'
import { getAttributes, setAttributes, storedAttributes } from './attributes.ts'
import {
  blocksIn,
  createListingCache,
  isHidden,
  type ListingCache,
  lookup,
  mkdir,
  readdir,
  rename,
  rmdir,
} from './directory.ts'
import {
  type AttributeChange,
  type Attributes,
  type Caller,
  type Door,
  type EmitEntry,
  FILE_SYSTEM,
  type Handle,
  type NodeId,
  type Notice,
  PENDING,
  type Pending,
  S_IFMT,
  S_IFREG,
  type Ticket,
} from './door.ts'
import { blockOf, directoryNode, indexOf, isControl, isCore, isDirectory, isTop, rowNumber, rowOf } from './node.ts'
import { fileHasChanged, HELD_CHANGE, pollMask, tellHeld, wake } from './notify.ts'
import {
  closeFile,
  createOpenFiles,
  type FileContext,
  fileOf,
  isDead,
  killHidden,
  type OpenFiles,
  openFile,
  readFile,
  writeFile,
} from './openfiles.ts'
import { fileRefused, mkdirRefused, rmdirRefused } from './refused.ts'
import { getXattr, listXattrs, removeXattr, setXattr } from './xattr.ts'

const O_ACCMODE = 3
const O_RDONLY = 0
/** Linux on x86-64 and arm64. */
const O_NONBLOCK = 0o4000
const O_DIRECT = 0o40000

export class Kernfs implements Door {
  readonly kernel: Kernel
  readonly #tree: Tree
  readonly #opens: OpenFiles
  readonly #files: FileContext
  readonly #listings: ListingCache = createListingCache()
  readonly #isReal: boolean
  /** Virtual minus host time; undefined before the first request. */
  #skew: Nanoseconds | undefined
  #hostNow: Nanoseconds = 0
  #notices: Notice[] = []

  /** A fresh file system, or one that goes on with the open files of another over a copy of its kernel. */
  constructor(kernel: Kernel, opens: OpenFiles = createOpenFiles()) {
    this.#opens = opens
    this.kernel = kernel
    this.#tree = kernel.tree
    this.#isReal = kernel.setup.clock === 'real'
    this.#files = { tree: kernel.tree, opens: this.#opens, text: new TextBuffer() }
    kernel.handle(HELD_CHANGE, (_, serial, row) => tellHeld(this.#tree, this.#opens, serial, row, this.#notices))
  }

  get opens(): OpenFiles {
    return this.#opens
  }

  enter(hostNow: Nanoseconds): void {
    this.#hostNow = hostNow
    if (!this.#isReal) return
    this.#skew ??= this.kernel.now - hostNow
    this.kernel.advanceTo(hostNow + this.#skew)
  }

  nextDue(): Nanoseconds {
    return this.#isReal && this.#skew !== undefined ? this.kernel.nextDue - this.#skew : Number.POSITIVE_INFINITY
  }

  takeNotices(): readonly Notice[] {
    this.#collect()
    if (this.#notices.length === 0) return NONE
    const notices = this.#notices
    this.#notices = []
    return notices
  }

  /** What the operation, and what it caused, has changed: turned into notices. */
  #collect(): void {
    const tree = this.#tree
    this.kernel.settle()
    // An operation may have moved the clock by itself: the real one goes on from there.
    if (this.#skew !== undefined && this.kernel.now > this.#hostNow + this.#skew)
      this.#skew = this.kernel.now - this.#hostNow
    for (const { ticket, result } of this.kernel.workload.answers.splice(0))
      this.#notices.push({ kind: 'done', ticket, result })
    if (tree.firedTriggers.length > 0) {
      const fired = tree.firedTriggers.splice(0)
      for (const file of this.#opens.files)
        if (file?.memory.trigger !== undefined && fired.includes(file.memory.trigger)) wake(file, this.#notices)
    }
    if (tree.changes.length > 0) {
      // Files wait to be told on a stack: the newest change comes first. Kernel: kernfs_notify_list.
      for (const { block, row } of tree.changes.splice(0).reverse())
        if (!block.dead) fileHasChanged(tree, this.#opens, block, row, this.#notices)
    }
    for (const signal of tree.signals.splice(0)) this.#notices.push({ kind: 'signal', ...signal })
    if (tree.newBlocks.length + tree.deadBlocks.length + tree.pressureChanged.length > 0) this.#collectNames()
  }

  #collectNames(): void {
    const tree = this.#tree
    tree.namesVersion++
    tree.newBlocks.length = 0
    for (const block of tree.deadBlocks.splice(0)) this.#buryBlock(block)
    for (const cg of tree.pressureChanged.splice(0)) {
      const block = cg.self.files
      if (block === null) continue
      for (const file of this.#opens.files)
        if (file?.block === block && killHidden(this.#files, file)) wake(file, this.#notices)
      this.#notices.push({
        kind: 'names',
        parent: directoryNode(block),
        names: [...blocksIn(tree, block)].flatMap(each =>
          tree.tables[each.table]!.rows.filter(row => row.pressure).map(row => row.name),
        ),
      })
    }
  }

  /** Files are gone: pollers wake up, and names of a directory that is still there must not be found any more. */
  #buryBlock(block: FileBlock): void {
    const tree = this.#tree
    if (block.control !== null) {
      block.control.dead = true
      this.#buryBlock(block.control)
    }
    if (block.opens > 0) for (const file of this.#opens.files) if (file?.block === block) wake(file, this.#notices)
    const { cgroup } = block.css
    if (!isCore(block) && cgroup.alive && block.lookups > 0)
      this.#notices.push({
        kind: 'names',
        parent: directoryNode(cgroup.self.files!),
        names: tree.tables[block.table]!.rows.map(row => row.name),
      })
    this.#forgetIfUnused(block)
  }

  #forgetIfUnused(block: FileBlock): void {
    if (block.dead && block.lookups === 0 && block.opens === 0) this.#tree.blocks.delete(block.serial)
  }

  lookup(parent: NodeId, name: ByteString): NodeId | Errno {
    const node = lookup(this.#tree, parent, name)
    if (!isErrno(node)) this.#markLookedUp(blockOf(this.#tree, node)!, node)
    return node
  }

  remember(node: NodeId): void {
    const block = blockOf(this.#tree, node)
    if (block === undefined) return
    block.lookups++
    this.#markLookedUp(block, node)
  }

  #markLookedUp(block: FileBlock, node: NodeId): void {
    if (!isDirectory(node) && rowOf(this.#tree, block, node).notifies) eventsOf(block, rowNumber(node)).lookedUp = true
  }

  forget(node: NodeId, count: number): void {
    const block = blockOf(this.#tree, node)
    if (block === undefined) return
    block.lookups = Math.max(0, block.lookups - count)
    this.#forgetIfUnused(block)
  }

  /**
   * Nobody holds references any more but those on these nodes. That something in a directory was looked up once is
   * remembered: watchers hear of its changes.
   */
  forgetAllBut(held: readonly NodeId[]): void {
    const blocks = [...this.#tree.blocks.values()]
    for (const block of blocks) block.lookups = block.dead ? 0 : Math.min(1, block.lookups)
    for (const node of held) this.remember(node)
    for (const block of blocks) this.#forgetIfUnused(block)
  }

  getattr(node: NodeId, into: Attributes): Ok | Errno {
    const block = blockOf(this.#tree, node)
    if (block === undefined) return ENOENT
    getAttributes(this.#tree, this.kernel.setup.bootTime, block, node, into)
    return 0
  }

  setattr(node: NodeId, change: AttributeChange): Ok | Errno {
    const block = blockOf(this.#tree, node)
    if (block === undefined) return ENOENT
    return setAttributes(this.#tree, this.kernel.setup.bootTime, block, node, change)
  }

  readdir(node: NodeId, cookie: number, emit: EmitEntry): Ok | Errno {
    return readdir(this.#tree, this.#listings, node, cookie, emit)
  }

  mkdir(parent: NodeId, name: ByteString, mode: number, caller: Caller): NodeId | Errno {
    const made = mkdir(this.kernel, parent, name, mode, caller)
    if (isErrno(made)) mkdirRefused(this.#tree, parent, name, made, caller.uid)
    return made
  }

  rmdir(parent: NodeId, name: ByteString): Ok | Errno {
    const removed = rmdir(this.kernel, parent, name)
    if (isErrno(removed)) rmdirRefused(this.#tree, parent, name, removed)
    return removed
  }

  rename(parent: NodeId, name: ByteString, newParent: NodeId, newName: ByteString, flags: number): Ok | Errno {
    if (flags !== 0) return EINVAL
    return rename(this.#tree, parent, name, newParent, newName)
  }

  unlink(parent: NodeId, name: ByteString): Errno {
    const node = lookup(this.#tree, parent, name)
    if (isErrno(node)) return node
    return isDirectory(node) ? EISDIR : EPERM
  }

  mknod(_parent: NodeId, _name: ByteString, mode: number): Errno {
    const type = mode & S_IFMT
    return type === S_IFREG || type === 0 ? EACCES : EPERM
  }

  open(node: NodeId, flags: number, caller: Caller): Handle | Errno {
    const block = blockOf(this.#tree, node)
    // Only who still knows the name from before its removal gets here: it is not found any more (kernfs_dop_revalidate).
    if (block === undefined || block.dead) return ENOENT
    if (isDirectory(node)) return EISDIR
    if ((flags & O_DIRECT) !== 0) return EINVAL
    const row = this.#tree.tables[block.table]!.rows[indexOf(node) - 2]!
    if (isHidden(row, block.css.cgroup)) return ENOENT
    const { uid, gid } = caller
    const privileged = uid === 0 || uid === this.kernel.setup.owner.uid
    // Groups cost a look at the process; only who writes without being root is asked for them.
    const groups = privileged || (flags & O_ACCMODE) === O_RDONLY ? NO_GROUPS : caller.groups()
    const opener = { uid, gid, groups, privileged }
    return openFile(this.#files, block, node, { opener, nonblock: (flags & O_NONBLOCK) !== 0 }).handle
  }

  release(handle: Handle): void {
    const file = fileOf(this.#opens, handle)
    closeFile(this.#files, file)
    this.#forgetIfUnused(file.block)
  }

  read(handle: Handle, offset: number, size: number, into: Uint8Array, at: number, caller: Caller): number | Errno {
    const file = fileOf(this.#opens, handle)
    const read = readFile(this.#files, file, offset, size, into, at, caller)
    if (read < 0) fileRefused(this.#tree, file, 'read', read as Errno)
    else forgetRefused(this.#tree, fileKey(file.block, file.row), 'read')
    return read
  }

  write(handle: Handle, from: Uint8Array, at: number, size: number, caller: Caller): number | Errno | Pending {
    const file = fileOf(this.#opens, handle)
    const written = writeFile(this.#files, file, from, at, size, caller)
    if (written >= 0) forgetRefused(this.#tree, fileKey(file.block, file.row), 'write')
    else if (written !== PENDING) fileRefused(this.#tree, file, 'write', written as Errno, fromBytes(from, at, size))
    return written
  }

  /** The file of this handle is gone. */
  isRemoved(handle: Handle): boolean {
    return isDead(fileOf(this.#opens, handle))
  }

  isRemovedNode(node: NodeId): boolean {
    return blockOf(this.#tree, node)?.dead ?? true
  }

  /** f_type of statfs(2). */
  fileSystemOf(node: NodeId): number {
    const block = blockOf(this.#tree, node)
    if (block !== undefined && isTop(this.#tree, block)) return FILE_SYSTEM.tmpfs
    return block?.css.cgroup.hierarchy.version === 1 ? FILE_SYSTEM.cgroup : FILE_SYSTEM.cgroup2
  }

  /** The directory a file stands in. */
  directoryOf(node: NodeId): NodeId {
    const block = blockOf(this.#tree, node)
    const core = block === undefined || isControl(this.#tree, block) ? block : block.css.cgroup.self.files
    return core ? directoryNode(core) : node
  }

  get lastTicket(): Ticket {
    return this.kernel.workload.lastTicket
  }

  cancel(ticket: Ticket): void {
    this.kernel.workload.cancel(ticket)
  }

  poll(handle: Handle, token: number): number {
    const file = fileOf(this.#opens, handle)
    if (token !== 0) file.pollToken = token
    return pollMask(this.#tree, file)
  }

  #stored(node: NodeId): StoredAttributes | undefined {
    return blockOf(this.#tree, node)?.stored?.get(indexOf(node))
  }

  getxattr(node: NodeId, name: ByteString): Uint8Array | Errno {
    return getXattr(this.#stored(node), name, this.#tree.engine.features)
  }

  setxattr(node: NodeId, name: ByteString, value: Uint8Array, flags: number): Ok | Errno {
    const block = blockOf(this.#tree, node)
    if (block === undefined) return ENOENT
    if (isControl(this.#tree, block)) return EPERM
    const stored = storedAttributes(this.#tree, this.kernel.setup.bootTime, block, node)
    stored.keepsTimes = true
    return setXattr(stored, name, value, flags, this.#tree.engine.features)
  }

  removexattr(node: NodeId, name: ByteString): Ok | Errno {
    return removeXattr(this.#stored(node), name, this.#tree.engine.features)
  }

  listxattr(node: NodeId): readonly ByteString[] | Errno {
    return listXattrs(this.#stored(node), this.#tree.engine.features)
  }
}

const NONE: readonly Notice[] = []
const NO_GROUPS: readonly number[] = []
