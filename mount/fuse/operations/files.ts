/** Operations on open files: OPEN, READ, WRITE, RELEASE, POLL. These are the hot path. */
import { isErrno } from '../../../src/errno.ts'
import { PENDING } from '../../../src/kernfs/door.ts'
import { NO_REPLY, type Operation } from '../exchange.ts'
import {
  INTERRUPT_IN,
  MAX_TRANSFER,
  OPEN_FLAGS,
  OPEN_IN,
  OPEN_OUT,
  POLL_IN,
  POLL_OUT,
  POLL_SCHEDULE_NOTIFY,
  READ_IN,
  RELEASE_IN,
  WRITE_IN,
  WRITE_OUT,
} from '../protocol.ts'

/** Handles are reused after RELEASE, so they stay small: the low word of the 64 bits is all of it. */
export const open: Operation = x => {
  const handle = x.door.open(x.request.node, x.request.u32(OPEN_IN.flags), x.caller)
  if (isErrno(handle)) return handle
  x.reply.setU64(OPEN_OUT.handle, handle)
  x.reply.setU64(OPEN_OUT.flags, OPEN_FLAGS.directIo | OPEN_FLAGS.noFlush)
  return OPEN_OUT.sizeof
}

/** Nobody waits for this answer: close(2) has returned already. */
export const release: Operation = x => {
  x.door.release(x.request.u32(RELEASE_IN.handle))
  return 0
}

export const read: Operation = ({ request, reply, door, caller }) => {
  const size = Math.min(request.u32(READ_IN.size), MAX_TRANSFER)
  return door.read(request.u32(READ_IN.handle), request.u64(READ_IN.offset), size, reply.bytes, reply.at(0), caller)
}

/** The offset does not matter: one write(2) is one operation (cgroup-core.md §1.5). */
export const write: Operation = x => {
  const { request, reply, door } = x
  const size = request.u32(WRITE_IN.size)
  const result = door.write(request.u32(WRITE_IN.handle), request.bytes, request.at(WRITE_IN.data), size, x.caller)
  if (result === PENDING) {
    x.pending.add(door.lastTicket, request.uniqueLow, request.uniqueHigh)
    return NO_REPLY
  }
  if (isErrno(result)) return result
  reply.setU64(WRITE_OUT.size, result)
  return WRITE_OUT.sizeof
}

/** The client has a signal to handle. Only a pending write can still be waiting; nothing is answered to this itself. */
export const interrupt: Operation = x => {
  const ticket = x.pending.find(x.request.u32(INTERRUPT_IN.unique), x.request.u32(INTERRUPT_IN.unique + 4))
  if (ticket !== undefined) x.door.cancel(ticket)
  return NO_REPLY
}

/** The kernel's number for the open file serves as the door's token: it starts at 1 and is never used twice. */
export const poll: Operation = ({ request, reply, door }) => {
  const waits = (request.u32(POLL_IN.flags) & POLL_SCHEDULE_NOTIFY) !== 0
  const events = door.poll(request.u32(POLL_IN.handle), waits ? request.u64(POLL_IN.kernelHandle) : 0)
  reply.setU64(POLL_OUT.events, events)
  return POLL_OUT.sizeof
}
