/** Attributes and directory entries as the kernel wants them. */
import { type Attributes, STATFS } from '../../src/kernfs/door.ts'
import { ATTR, ATTR_OUT, ENTRY_OUT } from './protocol.ts'
import type { Reply } from './reply.ts'

/** How long the kernel may answer from its caches: whole seconds and nanoseconds. */
export interface Lifetime {
  readonly sec: number
  readonly nsec: number
}

export const lifetime = (seconds: number): Lifetime => {
  const sec = Math.floor(seconds)
  return { sec, nsec: Math.round((seconds - sec) * 1e9) }
}

function putAttr(reply: Reply, at: number, attributes: Attributes): void {
  reply.setU64(at + ATTR.ino, attributes.ino)
  reply.setU64(at + ATTR.size, 0)
  reply.setU64(at + ATTR.blocks, 0)
  reply.setU64(at + ATTR.atime, attributes.atimeSec)
  reply.setU64(at + ATTR.mtime, attributes.mtimeSec)
  reply.setU64(at + ATTR.ctime, attributes.ctimeSec)
  reply.setU32(at + ATTR.atimeNsec, attributes.atimeNsec)
  reply.setU32(at + ATTR.mtimeNsec, attributes.mtimeNsec)
  reply.setU32(at + ATTR.ctimeNsec, attributes.ctimeNsec)
  reply.setU32(at + ATTR.mode, attributes.mode)
  reply.setU32(at + ATTR.nlink, attributes.nlink)
  reply.setU32(at + ATTR.uid, attributes.uid)
  reply.setU32(at + ATTR.gid, attributes.gid)
  reply.setU32(at + ATTR.rdev, 0)
  reply.setU32(at + ATTR.blockSize, STATFS.bsize)
  reply.setU32(at + ATTR.flags, 0)
}

/** The body of an answer to GETATTR; returns its size. */
export function putAttributes(reply: Reply, attributes: Attributes, valid: Lifetime): number {
  reply.setU64(ATTR_OUT.validSec, valid.sec)
  reply.setU64(ATTR_OUT.validNsec, valid.nsec) // Its high half is padding.
  putAttr(reply, ATTR_OUT.attr, attributes)
  return ATTR_OUT.sizeof
}

/** A node handed to the kernel, which counts it as one more look-up; returns the size. */
export function putEntry(reply: Reply, at: number, node: number, attributes: Attributes, valid: Lifetime): number {
  reply.setU64(at + ENTRY_OUT.node, node)
  reply.setU64(at + ENTRY_OUT.generation, 0) // Node numbers are never used twice.
  reply.setU64(at + ENTRY_OUT.entryValidSec, valid.sec)
  reply.setU64(at + ENTRY_OUT.attrValidSec, valid.sec)
  reply.setU32(at + ENTRY_OUT.entryValidNsec, valid.nsec)
  reply.setU32(at + ENTRY_OUT.attrValidNsec, valid.nsec)
  putAttr(reply, at + ENTRY_OUT.attr, attributes)
  return ENTRY_OUT.sizeof
}
