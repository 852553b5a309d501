/** INIT, the first request of every mount. Until it is answered, whoever touches the mount sleeps and cannot be killed. */
import type { Device } from './device.ts'
import { INIT_FLAGS, INIT_IN, INIT_OUT, MAX_TRANSFER, OP, PROTOCOL_MAJOR, PROTOCOL_MINOR } from './protocol.ts'
import { Reply } from './reply.ts'
import { Request } from './request.ts'

const WANTED = Object.values(INIT_FLAGS).reduce((all, flag) => all | flag, 0)

/** Takes and answers INIT; returns the minor version of the protocol that the kernel offered. */
export function shakeHands(device: Device): number {
  const request = new Request()
  if (!device.read(request.bytes)) throw new Error('the mount was gone before its first request')
  if (request.opcode !== OP.init) throw new Error(`the first request has opcode ${request.opcode} instead of INIT`)
  const reply = answer(request)
  device.write(reply.bytes, reply.seal(0, INIT_OUT.sizeof, request.uniqueLow, request.uniqueHigh))
  return request.u32(INIT_IN.minor)
}

/** What is not set here is 0: no further flags, and the kernel's own choice of limits. */
function answer(request: Request): Reply {
  const reply = new Reply(INIT_OUT.sizeof)
  reply.setU32(INIT_OUT.major, PROTOCOL_MAJOR)
  reply.setU32(INIT_OUT.minor, Math.min(request.u32(INIT_IN.minor), PROTOCOL_MINOR))
  reply.setU32(INIT_OUT.maxReadahead, request.u32(INIT_IN.maxReadahead))
  reply.setU32(INIT_OUT.flags, request.u32(INIT_IN.flags) & WANTED)
  reply.setU32(INIT_OUT.maxWrite, MAX_TRANSFER)
  reply.setU32(INIT_OUT.timeGranularity, 1)
  return reply
}
