/**
 * Noting refusals for those who ask why later (tree/refused.ts). The reason is looked for at once, in the state that
 * refused. What is refused above this file system, such as an open for want of rights, never gets here.
 */
import type { Errno } from '../errno.ts'
import { isErrno } from '../errno.ts'
import { reasonFor } from '../explain/refusals.ts'
import { DIRECTORY_ROW, fileKey, nameKey, noteRefused, type Operation } from '../tree/refused.ts'
import type { Tree } from '../tree/tree.ts'
import type { ByteString, Uid } from '../units.ts'
import { lookup } from './directory.ts'
import type { NodeId } from './door.ts'
import { blockOf, cgroupIn, isControl, isDirectory, isTop, rowNumber } from './node.ts'
import type { OpenFile } from './openfiles.ts'

/** As much of a text as is kept. */
const MOST_TEXT = 200
const ROOT = 0

/** A read or write of an open file. The files of `.memcgfs` tell what they refuse in their own words. */
export function fileRefused(tree: Tree, file: OpenFile, op: Operation, errno: Errno, text: ByteString = ''): void {
  const { block, row, opener } = file
  if (isControl(tree, block)) return
  const { css } = block
  const fileRow = tree.tables[block.table]!.rows[row]!
  const reason = reasonFor({
    tree,
    cg: css.cgroup,
    css,
    name: fileRow.name,
    op,
    errno,
    text,
    opener,
    row: fileRow,
  })
  const refused = { op, errno, text: text.slice(0, MOST_TEXT), at: tree.clock.now, uid: opener.uid, reason }
  noteRefused(tree, fileKey(block, row), refused)
}

export function mkdirRefused(tree: Tree, parent: NodeId, name: ByteString, errno: Errno, uid: Uid): void {
  const block = blockOf(tree, parent)
  if (block === undefined || isControl(tree, block) || isTop(tree, block)) return
  const { css } = block
  const asked = { tree, cg: css.cgroup, css, name: '', text: name, opener: { uid, privileged: uid === ROOT } }
  const reason = reasonFor({ ...asked, op: 'mkdir', errno })
  // Where something of that name is already, it is asked about that.
  const node = lookup(tree, parent, name)
  const there = isErrno(node) ? undefined : blockOf(tree, node)
  const key = there === undefined ? nameKey(block, name) : fileKey(there, placeOf(node as NodeId))
  noteRefused(tree, key, { op: 'mkdir', errno, text: name.slice(0, MOST_TEXT), at: tree.clock.now, uid, reason })
}

const placeOf = (node: NodeId): number => (isDirectory(node) ? DIRECTORY_ROW : rowNumber(node))

export function rmdirRefused(tree: Tree, parent: NodeId, name: ByteString, errno: Errno): void {
  const node = lookup(tree, parent, name)
  const block = isErrno(node) ? undefined : blockOf(tree, node)
  if (block === undefined || cgroupIn(tree, block) === null) return
  const { css } = block
  const asked = { tree, cg: css.cgroup, css, name: '', text: '', opener: { uid: ROOT, privileged: true } }
  const reason = reasonFor({ ...asked, op: 'rmdir', errno })
  noteRefused(tree, fileKey(block, placeOf(node as NodeId)), {
    op: 'rmdir',
    errno,
    text: '',
    at: tree.clock.now,
    uid: ROOT,
    reason,
  })
}
