/**
 * Nodes: how a directory or file is named by a number, and what is stored on it.
 *
 * The files of a state are a block with a serial number (tree/files.ts). A node is (serial, index in the block), so
 * nothing is stored per file and no number is ever used twice. Index 1 is the directory of the block, if it has one:
 * the cgroup's own directory for the block of the core files, `.memcgfs` for a control block; files follow.
 */

import type { FileRow } from '../tree/controller.ts'
import { SELF } from '../tree/css.ts'
import type { FileBlock } from '../tree/files.ts'
import type { Tree } from '../tree/tree.ts'
import type { InodeNumber } from '../units.ts'
import type { NodeId } from './door.ts'

/** Nodes per block: more than any table has rows. */
const SPAN = 256
export const DIRECTORY = 1
const FIRST_FILE = 2

/** Inode numbers of control directories and their files, which take none from the hierarchy. */
const CONTROL_INO: InodeNumber = 2 ** 52

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
export const isControl = (tree: Tree, block: FileBlock): boolean => block.table >= tree.controlTables

/** st_ino: for a cgroup's directory its id, for files what they were numbered when they appeared. */
export function inodeOf(tree: Tree, block: FileBlock, node: NodeId): InodeNumber {
  if (isControl(tree, block)) return CONTROL_INO + node
  if (isDirectory(node)) return block.css.cgroup.id
  return block.firstIno + rowNumber(node)
}

/** Whether the block belongs to the directory of a cgroup rather than to one of its controllers. */
export const isCore = (block: FileBlock): boolean => block.css.controller === SELF
