/**
 * Names in directories: looking them up, listing them, making, removing and renaming cgroups.
 */
import {
  EBUSY,
  EEXIST,
  EINVAL,
  EIO,
  EISDIR,
  ENOENT,
  ENOTDIR,
  EPERM,
  type Errno,
  isErrno,
  OK,
  type Ok,
} from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Cgroup } from '../tree/cgroup.ts'
import type { FileRow } from '../tree/controller.ts'
import { createBlock, type FileBlock } from '../tree/files.ts'
import { makeCgroup, removeCgroup, renameCgroup } from '../tree/hierarchy.ts'
import { ownTables, type Tree } from '../tree/tree.ts'
import type { ByteString } from '../units.ts'
import {
  DIRECTORY_MODE,
  inheritedGid,
  inheritedMode,
  ownership,
  storedAttributes,
  touchDirectory,
} from './attributes.ts'
import type { Caller, EmitEntry, NodeId } from './door.ts'
import {
  blockOf,
  cgroupIn,
  directoryNode,
  fileNode,
  inodeOf,
  isControl,
  isDirectory,
  isTop,
  ROOT_NODE,
} from './node.ts'
import { AFTER_DOT, END_OF_DIRECTORY, nameHash } from './readdir.ts'

/** The control directory: reachable by name in every cgroup, never listed. */
export const CONTROL_DIRECTORY = '.memcgfs'

/** Pressure files can be hidden, one cgroup at a time. */
export const isHidden = (row: FileRow, cg: Cgroup): boolean => row.pressure === true && cg.pressureOff

/** The blocks whose files stand in the directory of this block. */
export function* blocksIn(tree: Tree, block: FileBlock): Generator<FileBlock> {
  yield block
  for (const css of cgroupIn(tree, block)?.css ?? []) if (css?.files) yield css.files
}

/** The control directory of a cgroup or of the machine, made when it is first asked for. */
function controlBlock(tree: Tree, block: FileBlock): FileBlock {
  const { control, machineControl } = ownTables(tree)
  const isMachines = directoryNode(block) === ROOT_NODE
  block.control ??= createBlock(tree, block.css, isMachines ? machineControl : control, 0, block)
  return block.control
}

/** The cgroups whose directories stand in the directory of this block, by name. */
function* cgroupsIn(tree: Tree, block: FileBlock): Generator<readonly [ByteString, Cgroup]> {
  if (isTop(tree, block)) for (const { name, root } of tree.hierarchies) yield [name, root]
  else yield* cgroupIn(tree, block)?.children ?? []
}

function findCgroup(tree: Tree, block: FileBlock, name: ByteString): Cgroup | undefined {
  if (isTop(tree, block)) return tree.hierarchies.find(each => each.name === name)?.root
  return cgroupIn(tree, block)?.children?.get(name)
}

export function lookup(tree: Tree, parent: NodeId, name: ByteString): NodeId | Errno {
  const block = blockOf(tree, parent)
  if (block === undefined || block.dead) return ENOENT
  if (!isDirectory(parent)) return ENOTDIR
  const { cgroup } = block.css
  const child = findCgroup(tree, block, name)
  if (child !== undefined) return directoryNode(child.self.files!)
  if (name === CONTROL_DIRECTORY && !isControl(tree, block)) return directoryNode(controlBlock(tree, block))
  for (const each of blocksIn(tree, block)) {
    const row = tree.tables[each.table]!.index.get(name)
    if (row !== undefined && !isHidden(tree.tables[each.table]!.rows[row]!, cgroup)) return fileNode(each, row)
  }
  return ENOENT
}

interface Entry {
  readonly hash: number
  readonly name: ByteString
  readonly node: NodeId
}

/** Hashes of the names that tables use, and of the directory that was listed last. */
export interface ListingCache {
  readonly hashes: Map<ByteString, number>
  node: NodeId
  version: number
  entries: Entry[]
}

export const createListingCache = (): ListingCache => ({ hashes: new Map(), node: 0, version: -1, entries: [] })

/** Everything in a directory in the order of the hash, names of equal hash by name. */
function listing(tree: Tree, cache: ListingCache, block: FileBlock): Entry[] {
  const directory = directoryNode(block)
  if (cache.node === directory && cache.version === tree.namesVersion) return cache.entries
  const { features } = tree.engine
  const entries: Entry[] = []
  for (const each of blocksIn(tree, block)) {
    tree.tables[each.table]!.rows.forEach((row, i) => {
      if (isHidden(row, block.css.cgroup)) return
      const hash = cache.hashes.get(row.name) ?? nameHash(row.name, features)
      cache.hashes.set(row.name, hash)
      entries.push({ hash, name: row.name, node: fileNode(each, i) })
    })
  }
  for (const [name, child] of cgroupsIn(tree, block))
    entries.push({ hash: nameHash(name, features), name, node: directoryNode(child.self.files!) })
  entries.sort((a, b) => a.hash - b.hash || (a.name < b.name ? -1 : 1))
  cache.node = directory
  cache.version = tree.namesVersion
  cache.entries = entries
  return entries
}

/** Emits entries from an offset on: `.`, `..`, then by hash. The cookie of an entry is the hash of the next one. */
export function readdir(tree: Tree, cache: ListingCache, node: NodeId, cookie: number, emit: EmitEntry): 0 | Errno {
  const block = blockOf(tree, node)
  if (block === undefined || block.dead) return ENOENT
  if (!isDirectory(node)) return ENOTDIR
  const entries = listing(tree, cache, block)
  const first = entries[0]?.hash ?? END_OF_DIRECTORY
  if (cookie < AFTER_DOT && !emit('.', node, inodeOf(tree, block, node), true, AFTER_DOT)) return OK
  if (cookie <= AFTER_DOT) {
    const up = parentNode(tree, block)
    if (!emit('..', up, inodeOf(tree, blockOf(tree, up)!, up), true, first)) return OK
  }
  for (let i = firstFrom(entries, cookie); i < entries.length; i++) {
    const { name, node: entry } = entries[i]!
    const next = entries[i + 1]?.hash ?? END_OF_DIRECTORY
    if (!emit(name, entry, inodeOf(tree, blockOf(tree, entry)!, entry), isDirectory(entry), next)) return OK
  }
  return OK
}

function firstFrom(entries: readonly Entry[], hash: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (entries[middle]!.hash < hash) low = middle + 1
    else high = middle
  }
  return low
}

/** The directory above; the root is its own. */
export function parentNode(tree: Tree, block: FileBlock): NodeId {
  const { cgroup } = block.css
  if (isTop(tree, block) || block.table === ownTables(tree).machineControl) return ROOT_NODE
  const up = isControl(tree, block) ? cgroup : cgroup.parent
  return up === null ? ROOT_NODE : directoryNode(up.self.files!)
}

export function mkdir(kernel: Kernel, parent: NodeId, name: ByteString, mode: number, caller: Caller): NodeId | Errno {
  const { tree } = kernel
  const { bootTime } = kernel.setup
  const block = blockOf(tree, parent)
  if (block === undefined || block.dead) return ENOENT
  const cgroup = cgroupIn(tree, block)
  if (cgroup === null) return EPERM
  if (!isErrno(lookup(tree, parent, name))) return EEXIST
  const directory = ownership(tree, block, parent)
  const owner = { uid: caller.uid, gid: inheritedGid(directory, caller.gid) }
  const made = makeCgroup(tree, cgroup, name, owner)
  if (isErrno(made)) return made
  const node = directoryNode(made.self.files!)
  const wanted = inheritedMode(directory, mode)
  if (wanted !== DIRECTORY_MODE || owner.uid !== 0 || owner.gid !== 0) {
    const stored = storedAttributes(tree, bootTime, made.self.files!, node)
    stored.mode = wanted
    stored.keepsTimes = owner.uid !== 0 || owner.gid !== 0
  }
  touchDirectory(tree, bootTime, block, parent)
  return node
}

export function rmdir(kernel: Kernel, parent: NodeId, name: ByteString): Ok | Errno {
  const { tree } = kernel
  const block = blockOf(tree, parent)
  if (block === undefined || block.dead) return ENOENT
  const child = findCgroup(tree, block, name)
  // The root of a hierarchy is a mount point on a real machine.
  if (child?.parent === null) return EBUSY
  if (child === undefined) {
    const node = lookup(tree, parent, name)
    if (isErrno(node)) return node
    return isDirectory(node) ? EBUSY : ENOTDIR
  }
  const removed = removeCgroup(tree, child)
  if (!isErrno(removed)) touchDirectory(tree, kernel.setup.bootTime, block, parent)
  return removed
}

/**
 * Names can be changed on version 1 alone, and cgroups stay in their directory. What the VFS finds out comes first.
 * Kernel: vfs_rename, cgroup1_rename.
 */
export function rename(
  tree: Tree,
  parent: NodeId,
  name: ByteString,
  newParent: NodeId,
  newName: ByteString,
): Ok | Errno {
  const from = lookup(tree, parent, name)
  if (isErrno(from)) return from
  const to = lookup(tree, newParent, newName)
  if (to === from) return OK
  if (!isErrno(to) && isDirectory(from) !== isDirectory(to)) return isDirectory(from) ? ENOTDIR : EISDIR
  const block = blockOf(tree, parent)!
  if (isControl(tree, block) || name === CONTROL_DIRECTORY) return EPERM
  const child = findCgroup(tree, block, name)
  if (child?.parent === null) return EBUSY
  if (block.css.cgroup.hierarchy.version === 2) return EPERM
  if (newName.includes('\n')) return EINVAL
  if (child === undefined) return ENOTDIR
  if (newParent !== parent) return EIO
  return isErrno(to) ? renameCgroup(tree, child, newName) : EEXIST
}
