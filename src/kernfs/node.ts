/**
 * Nodes: how a directory or file is named by a number, and what is stored on it.
 *
 * The files of a state are a block with a serial number (tree/files.ts). A node is (serial, index in the block), so
 * nothing is stored per file and no number is ever used twice. Index 1 is the directory of the block, if it has one:
 * the cgroup's own directory for the block of the core files, `.memcgfs` for a control block, the directory of the
 * mount for the block of the machine (where that is no cgroup); files follow.
 */

import type { Cgroup } from '../tree/cgroup.ts'
import type { FileRow } from '../tree/controller.ts'
import { SELF } from '../tree/css.ts'
import type { FileBlock } from '../tree/files.ts'
import { ownTables, type Tree } from '../tree/tree.ts'
import type { InodeNumber } from '../units.ts'
import type { NodeId } from './door.ts'

/** Nodes per block: more than any table has rows. */
const SPAN = 256
export const DIRECTORY = 1
const FIRST_FILE = 2

/** Inode numbers of what takes none from a hierarchy: control directories and their files, a mount that is no cgroup. */
const OWN_INO: InodeNumber = 2 ** 52

/** Inode numbers start anew in each hierarchy, and all hierarchies share the device of the mount. */
const HIERARCHY_INO: InodeNumber = 2 ** 45

/** The root directory of the mount: the first block's directory. */
export const ROOT_NODE: NodeId = DIRECTORY

export const nodeOf = (block: FileBlock, index: number): NodeId => block.serial * SPAN + index
export const fileNode = (block: FileBlock, row: number): NodeId => nodeOf(block, row + FIRST_FILE)
export const directoryNode = (block: FileBlock): NodeId => nodeOf(block, DIRECTORY)

export const indexOf = (node: NodeId): number => node % SPAN
export const isDirectory = (node: NodeId): boolean => node % SPAN === DIRECTORY
/** Row of a file node. */
export const rowNumber = (node: NodeId): number => (node % SPAN) - FIRST_FILE

/** The block of a node, or undefined once it is gone for good. */
export const blockOf = (tree: Tree, node: NodeId): FileBlock | undefined => tree.blocks.get(Math.floor(node / SPAN))

export const rowOf = (tree: Tree, block: FileBlock, node: NodeId): FileRow =>
  tree.tables[block.table]!.rows[rowNumber(node)]!

/** The block is that of a `.memcgfs`. */
export function isControl(tree: Tree, { table }: FileBlock): boolean {
  const { control, machineControl } = ownTables(tree)
  return table === control || table === machineControl
}

/** The block is the directory of a mount that is no cgroup: it holds the roots of hierarchies. */
export const isTop = (tree: Tree, { table }: FileBlock): boolean => table === ownTables(tree).top

/** The cgroup whose directory this is; null for the directories that are no cgroup's. */
export const cgroupIn = (tree: Tree, block: FileBlock): Cgroup | null =>
  isControl(tree, block) || isTop(tree, block) ? null : block.css.cgroup

/** st_ino: for a cgroup's directory its id, for files what they were numbered when they appeared. */
export function inodeOf(tree: Tree, block: FileBlock, node: NodeId): InodeNumber {
  const cgroup = cgroupIn(tree, block)
  if (cgroup === null) return OWN_INO + node
  const number = isDirectory(node) ? cgroup.id : block.firstIno + rowNumber(node)
  return cgroup.hierarchy.index * HIERARCHY_INO + number
}

/** Whether the block belongs to the directory of a cgroup rather than to one of its controllers. */
export const isCore = (block: FileBlock): boolean => block.css.controller === SELF
