/**
 * Extended attributes: SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR. None of them may ever answer ENOSYS: the kernel
 * would switch the operation off for as long as the mount lives. The door's errnos do not include it.
 */
import { ERANGE, isErrno } from '../../../src/errno.ts'
import type { Exchange, Operation } from '../exchange.ts'
import { GETXATTR_IN, GETXATTR_OUT, MAX_TRANSFER, SETXATTR_IN } from '../protocol.ts'

export const setxattr: Operation = ({ door, request }) => {
  const end = request.nameEnd(SETXATTR_IN.name)
  const from = request.at(end + 1)
  const value = new Uint8Array(request.bytes.subarray(from, from + request.u32(SETXATTR_IN.size)))
  return door.setxattr(request.node, request.nameUpTo(SETXATTR_IN.name, end), value, request.u32(SETXATTR_IN.flags))
}

export const getxattr: Operation = x => {
  const value = x.door.getxattr(x.request.node, x.request.name(GETXATTR_IN.name))
  if (isErrno(value)) return value
  return sized(x, value.length, () => x.reply.bytes.set(value, x.reply.at(0)))
}

/** All names one after the other, each with a NUL. */
export const listxattr: Operation = x => {
  const names = x.door.listxattr(x.request.node)
  if (isErrno(names)) return names
  const text = names.map(name => `${name}\0`).join('')
  return sized(x, text.length, () => x.reply.setName(0, text))
}

export const removexattr: Operation = ({ door, request }) => door.removexattr(request.node, request.name(0))

/** Callers first ask with room 0 how long the answer is, and then for the answer. */
function sized({ request, reply }: Exchange, size: number, put: () => void): number {
  const room = request.u32(GETXATTR_IN.size)
  if (room === 0) {
    reply.setU64(GETXATTR_OUT.size, size)
    return GETXATTR_OUT.sizeof
  }
  if (size > Math.min(room, MAX_TRANSFER)) return ERANGE
  put()
  return size
}
