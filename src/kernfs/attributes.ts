/**
 * Attributes of nodes: what follows from rows and makers, and what somebody stored. Kernel: fs/kernfs/inode.c.
 */
import { EINVAL, EISDIR, type Errno, OK, type Ok } from '../errno.ts'
import { rowMode } from '../tree/controller.ts'
import type { FileBlock, StoredAttributes, StoredTime } from '../tree/files.ts'
import type { Tree } from '../tree/tree.ts'
import type { Gid, Nanoseconds } from '../units.ts'
import { type AttributeChange, type Attributes, type NodeId, S_IFDIR, S_IFREG, type TimeChange } from './door.ts'
import { cgroupIn, fileNode, indexOf, inodeOf, isControl, isDirectory, isTop, rowOf } from './node.ts'
import type { Owned } from './permission.ts'

const NSEC_PER_SEC = 1_000_000_000
/** The root of a hierarchy. */
const ROOT_MODE = 0o555
const S_ISGID = 0o2000
const S_ISUID = 0o4000
const S_IXGRP = 0o010

/** Virtual time as Unix time. */
export function wallTime(bootTime: number, at: Nanoseconds): StoredTime {
  return { sec: bootTime + Math.floor(at / NSEC_PER_SEC), nsec: at % NSEC_PER_SEC }
}

export function ownership(tree: Tree, block: FileBlock, node: NodeId): Owned {
  const stored = block.stored?.get(indexOf(node))
  if (stored !== undefined) return stored
  const mode = defaultMode(tree, block, node)
  // Control files belong to whoever the directory's cgroup.procs belongs to, so that delegation reaches them.
  const { uid, gid } = isControl(tree, block) ? procsOwner(tree, block) : block
  return { mode, uid, gid }
}

function procsOwner(tree: Tree, block: FileBlock): Owned {
  const core = block.css.files
  if (core === null) return { mode: 0, uid: block.uid, gid: block.gid }
  return ownership(tree, core, fileNode(core, tree.tables[core.table]!.index.get('cgroup.procs')!))
}

function defaultMode(tree: Tree, block: FileBlock, node: NodeId): number {
  if (!isDirectory(node)) return rowMode(rowOf(tree, block, node))
  // The mode of a cgroup's directory is stored when it is not the usual one.
  return cgroupIn(tree, block)?.parent === null ? ROOT_MODE : DIRECTORY_MODE
}

/** What mkdir(1) asks for (another mode is stored), and what directories have that are no cgroup's. */
export const DIRECTORY_MODE = 0o755

export function getAttributes(tree: Tree, bootTime: number, block: FileBlock, node: NodeId, into: Attributes): void {
  const stored = block.stored?.get(indexOf(node))
  const isDir = isDirectory(node)
  into.ino = inodeOf(tree, block, node)
  into.nlink = isDir ? 2 + subdirectories(tree, block) : 1
  const owned = ownership(tree, block, node)
  into.mode = (isDir ? S_IFDIR : S_IFREG) | owned.mode
  into.uid = owned.uid
  into.gid = owned.gid
  const created = stored === undefined ? wallTime(bootTime, block.created) : undefined
  const atime = created ?? stored!.atime
  const mtime = created ?? stored!.mtime
  const ctime = created ?? stored!.ctime
  into.atimeSec = atime.sec
  into.atimeNsec = atime.nsec
  into.mtimeSec = mtime.sec
  into.mtimeNsec = mtime.nsec
  into.ctimeSec = ctime.sec
  into.ctimeNsec = ctime.nsec
}

function subdirectories(tree: Tree, block: FileBlock): number {
  if (isTop(tree, block)) return tree.hierarchies.length
  return cgroupIn(tree, block)?.children?.size ?? 0
}

/** The attributes stored on a node, stored now if they were not. */
export function storedAttributes(tree: Tree, bootTime: number, block: FileBlock, node: NodeId): StoredAttributes {
  block.stored ??= new Map()
  const index = indexOf(node)
  let stored = block.stored.get(index)
  if (stored === undefined) {
    const time = wallTime(bootTime, block.created)
    stored = {
      ...ownership(tree, block, node),
      atime: time,
      mtime: time,
      ctime: time,
      keepsTimes: false,
      xattrs: null,
      userXattrBytes: 0,
    }
    block.stored.set(index, stored)
  }
  return stored
}

const timeOf = (change: TimeChange, now: StoredTime): StoredTime => (change === 'now' ? now : change)

/** chmod, chown, utimes; a size is accepted on files and changes nothing. Who may do it is the door's to check. */
export function setAttributes(
  tree: Tree,
  bootTime: number,
  block: FileBlock,
  node: NodeId,
  change: AttributeChange,
): Ok | Errno {
  if (change.size !== undefined) {
    if (isDirectory(node)) return EISDIR
    if (Object.keys(change).length === 1) return OK
  }
  if (isControl(tree, block)) return EINVAL
  const now = wallTime(bootTime, tree.clock.now)
  const stored = storedAttributes(tree, bootTime, block, node)
  if (change.mode !== undefined) stored.mode = change.mode & 0o7777
  if (change.uid !== undefined) stored.uid = change.uid
  if (change.gid !== undefined) stored.gid = change.gid
  if ((change.uid !== undefined || change.gid !== undefined) && !isDirectory(node)) dropSetId(stored)
  if (change.atime !== undefined) stored.atime = timeOf(change.atime, now)
  if (change.mtime !== undefined) stored.mtime = timeOf(change.mtime, now)
  stored.ctime = now
  stored.keepsTimes = true
  return OK
}

/** A chown takes the set-id bits of a file away. Kernel: setattr_should_drop_suidgid. */
function dropSetId(stored: StoredAttributes): void {
  stored.mode &= ~S_ISUID
  if ((stored.mode & S_IXGRP) !== 0) stored.mode &= ~S_ISGID
}

/** A child was made or removed: the parent's times move, if it has any of its own (recorded). */
export function touchDirectory(tree: Tree, bootTime: number, block: FileBlock, node: NodeId): void {
  const stored = block.stored?.get(indexOf(node))
  if (!stored?.keepsTimes) return
  stored.mtime = wallTime(bootTime, tree.clock.now)
  stored.ctime = stored.mtime
}

/** Group of something made in a directory: the directory's if it has the set-group-id bit, else the maker's. */
export const inheritedGid = (directory: Owned, maker: Gid): Gid =>
  (directory.mode & S_ISGID) !== 0 ? directory.gid : maker

/** Mode of a new directory: permission and sticky bits of the request, and the set-group-id bit of the parent. */
export const inheritedMode = (directory: Owned, requested: number): number =>
  (requested & 0o1777) | (directory.mode & S_ISGID)
