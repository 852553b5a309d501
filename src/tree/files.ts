/**
 * Files appear and vanish with the states they belong to. Kernel: css_populate_dir, css_clear_dir.
 *
 * Nothing is stored per file: the files of one state are a block of consecutive inode numbers and the rows of one
 * table. What a file has that its row does not say (a chmod, an xattr, a watcher) hangs at the block.
 */
import { EEXIST, type Errno, OK, type Ok } from '../errno.ts'
import type { Bytes, Gid, InodeNumber, Nanoseconds, Uid } from '../units.ts'
import type { Css } from './css.ts'
import { type Tree, tableNumber } from './tree.ts'

/** Who makes something: its files belong to the file-system ids of the process. */
export interface Owner {
  readonly uid: Uid
  readonly gid: Gid
}

/** Attributes somebody has stored on a node; until then they follow from its row and its maker. */
export interface StoredAttributes {
  mode: number
  uid: Uid
  gid: Gid
  atime: StoredTime
  mtime: StoredTime
  ctime: StoredTime
  /** Times are kept: from the first chmod, chown, utimes or xattr on, or when the maker was not root (recorded). */
  keepsTimes: boolean
  /** By name; null while there never was one. */
  xattrs: Map<string, Uint8Array> | null
  /** Bytes of the values of user.* attributes. */
  userXattrBytes: Bytes
}

/** Unix time. */
export interface StoredTime {
  readonly sec: number
  readonly nsec: number
}

/** What a file that can change by itself has told. Kernel: struct cgroup_file, struct kernfs_open_node. */
export interface FileEvents {
  /** Counts changes while somebody has it open; an open file compares it with what it saw last. */
  count: number
  /** Handles of the descriptions that have it open. */
  readonly handles: number[]
  /** Somebody has looked the file up: only then watchers can hear of it. */
  lookedUp: boolean
  lastTold: Nanoseconds
  /** A change is held back until the shortest interval has passed. */
  held: boolean
}

export interface FileBlock {
  /** Never used twice: node numbers are made of it. */
  readonly serial: number
  /** Number of the table in the tree's tables. */
  readonly table: number
  readonly css: Css
  /** Inode number of the first file; of a control directory the directory's own. */
  readonly firstIno: InodeNumber
  readonly uid: Uid
  readonly gid: Gid
  readonly created: Nanoseconds
  dead: boolean
  /** References that doors hold on nodes of this block. */
  lookups: number
  /** Open descriptions of nodes of this block. */
  opens: number
  /** By index of the node in the block. */
  stored: Map<number, StoredAttributes> | null
  /** By row. */
  events: Map<number, FileEvents> | null
  /** The control directory of the cgroup, once somebody looked it up; kept at the block of the core files. */
  control: FileBlock | null
  /** Of the core files: what the last write of a `do` here did. */
  lastResult: string | null
}

/** A block of nodes, registered by its serial number. */
export function createBlock(tree: Tree, css: Css, table: number, firstIno: InodeNumber, owner: Owner): FileBlock {
  const block: FileBlock = {
    serial: tree.nextBlock++,
    table,
    css,
    firstIno,
    uid: owner.uid,
    gid: owner.gid,
    created: tree.clock.now,
    dead: false,
    lookups: 0,
    opens: 0,
    stored: null,
    events: null,
    control: null,
    lastResult: null,
  }
  tree.blocks.set(block.serial, block)
  return block
}

/** Gives a state its files; EEXIST if a child cgroup has one of their names. */
export function addFiles(tree: Tree, css: Css, owner: Owner): Ok | Errno {
  const { cgroup } = css
  const table = tableNumber(css.controller, cgroup)
  const { rows } = tree.tables[table]!
  if (cgroup.children !== null && rows.some(row => cgroup.children!.has(row.name))) return EEXIST
  const { hierarchy } = cgroup
  css.files = createBlock(tree, css, table, hierarchy.nextIno, owner)
  hierarchy.nextIno += rows.length
  tree.newBlocks.push(css.files)
  return OK
}

/** The events of a file, kept from the first time they are asked for. */
export function eventsOf(block: FileBlock, row: number): FileEvents {
  block.events ??= new Map()
  let events = block.events.get(row)
  if (events === undefined) {
    events = { count: 1, handles: [], lookedUp: false, lastTold: Number.NEGATIVE_INFINITY, held: false }
    block.events.set(row, events)
  }
  return events
}
