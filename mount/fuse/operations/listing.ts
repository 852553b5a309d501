/**
 * Reading directories: OPENDIR, READDIR, READDIRPLUS, RELEASEDIR. An open directory has no state here: the cookie of
 * the last entry says where to go on (cgroup-core.md §1.3).
 */
import { isErrno } from '../../../src/errno.ts'
import type { EmitEntry } from '../../../src/kernfs/door.ts'
import { putEntry } from '../attributes.ts'
import type { Exchange, Operation } from '../exchange.ts'
import { DIRENT, DT_DIR, DT_REG, ENTRY_OUT, MAX_TRANSFER, OPEN_OUT, READ_IN } from '../protocol.ts'

/** Listings are not cached either; the handle is not used. */
export const opendir: Operation = ({ reply }) => {
  reply.setU64(OPEN_OUT.handle, 0)
  reply.setU64(OPEN_OUT.flags, 0)
  return OPEN_OUT.sizeof
}

export const releasedir: Operation = () => 0

export const readdir: Operation = x => list(x, 0)

export const readdirplus: Operation = x => list(x, ENTRY_OUT.sizeof)

/** `prefix` is the room in front of each name: an ENTRY_OUT with plus, none without. */
function list(x: Exchange, prefix: number): number {
  const { door, request, reply } = x
  const room = Math.min(request.u32(READ_IN.size), MAX_TRANSFER)
  let used = 0
  const emit: EmitEntry = (name, node, ino, isDirectory, cookie) => {
    const next = used + padded(prefix + DIRENT.name + name.length)
    if (next > room) return false
    if (prefix > 0) putNode(x, used, isDots(name) ? 0 : node)
    const dirent = used + prefix
    reply.setU64(dirent + DIRENT.ino, ino)
    reply.setU64(dirent + DIRENT.cookie, cookie)
    reply.setU32(dirent + DIRENT.nameLength, name.length)
    reply.setU32(dirent + DIRENT.type, isDirectory ? DT_DIR : DT_REG)
    reply.setName(dirent + DIRENT.name, name)
    used = next
    return true
  }
  const failed = door.readdir(request.node, request.u64(READ_IN.offset), emit)
  return isErrno(failed) ? failed : used
}

/** Node 0 means "the name only": for `.` and `..`, which are no look-ups, and for a node that has just gone. */
function putNode({ door, reply, attributes, lifetime }: Exchange, at: number, node: number): void {
  if (node === 0 || isErrno(door.getattr(node, attributes))) {
    reply.fill(at, ENTRY_OUT.sizeof)
    return
  }
  door.remember(node)
  putEntry(reply, at, node, attributes, lifetime)
}

const isDots = (name: string): boolean => name === '.' || name === '..'

const padded = (size: number): number => (size + 7) & ~7
