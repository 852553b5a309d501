/** Operations on names and attributes: LOOKUP, FORGET, BATCH_FORGET, GETATTR, SETATTR. */
import { isErrno } from '../../../src/errno.ts'
import type { AttributeChange, NodeId, TimeChange } from '../../../src/kernfs/door.ts'
import { putAttributes, putEntry } from '../attributes.ts'
import { type Exchange, NO_REPLY, type Operation } from '../exchange.ts'
import { IN_MODIFY_MTIME } from '../messages.ts'
import { BATCH_FORGET_IN, FORGET_IN, FORGET_ONE, SETATTR_IN, SETATTR_VALID } from '../protocol.ts'
import type { Request } from '../request.ts'

export const lookup: Operation = x => {
  const node = x.door.lookup(x.request.node, x.request.name(0))
  return isErrno(node) ? node : entry(x, node)
}

/**
 * Answers with a node. The kernel counts it, and so does the door. A reply can only be refused when the connection is
 * ending (a killed client still waits for a request that was read), so the count is never taken back.
 */
export function entry(x: Exchange, node: NodeId): number {
  const failed = x.door.getattr(node, x.attributes)
  if (isErrno(failed)) return failed
  x.door.remember(node)
  return putEntry(x.reply, 0, node, x.attributes, x.lifetime)
}

export const forget: Operation = x => {
  x.door.forget(x.request.node, x.request.u64(FORGET_IN.count))
  return NO_REPLY
}

export const batchForget: Operation = x => {
  const count = x.request.u32(BATCH_FORGET_IN.count)
  for (let i = 0; i < count; i++) {
    const item = BATCH_FORGET_IN.first + i * FORGET_ONE.sizeof
    x.door.forget(x.request.u64(item + FORGET_ONE.node), x.request.u64(item + FORGET_ONE.count))
  }
  return NO_REPLY
}

export const getattr: Operation = x => {
  const failed = x.door.getattr(x.request.node, x.attributes)
  return isErrno(failed) ? failed : putAttributes(x.reply, x.attributes, x.lifetime)
}

export const setattr: Operation = x => {
  if (!isModifiedMark(x.request)) {
    const failed = x.door.setattr(x.request.node, changeOf(x.request))
    if (isErrno(failed)) return failed
  }
  return getattr(x)
}

/** Our own main thread, making the kernel raise IN_MODIFY (modified.ts): there is nothing to store. */
function isModifiedMark(request: Request): boolean {
  return (
    request.u32(SETATTR_IN.valid) === SETATTR_VALID.mtime &&
    request.i64(SETATTR_IN.mtime) === IN_MODIFY_MTIME.sec &&
    request.u32(SETATTR_IN.mtimeNsec) === IN_MODIFY_MTIME.nsec
  )
}

function changeOf(request: Request): AttributeChange {
  const valid = request.u32(SETATTR_IN.valid)
  const time = (bit: number, nowBit: number, sec: number, nsec: number): TimeChange | undefined => {
    if ((valid & nowBit) !== 0) return 'now'
    return (valid & bit) === 0 ? undefined : { sec: request.i64(sec), nsec: request.u32(nsec) }
  }
  const atime = time(SETATTR_VALID.atime, SETATTR_VALID.atimeNow, SETATTR_IN.atime, SETATTR_IN.atimeNsec)
  const mtime = time(SETATTR_VALID.mtime, SETATTR_VALID.mtimeNow, SETATTR_IN.mtime, SETATTR_IN.mtimeNsec)
  return {
    ...((valid & SETATTR_VALID.mode) !== 0 && { mode: request.u32(SETATTR_IN.mode) }),
    ...((valid & SETATTR_VALID.uid) !== 0 && { uid: request.u32(SETATTR_IN.uid) }),
    ...((valid & SETATTR_VALID.gid) !== 0 && { gid: request.u32(SETATTR_IN.gid) }),
    ...((valid & SETATTR_VALID.size) !== 0 && { size: request.u64(SETATTR_IN.size) }),
    ...(atime && { atime }),
    ...(mtime && { mtime }),
  }
}
