import { STATFS } from '../../../src/kernfs/door.ts'
import type { Operation } from '../exchange.ts'
import { STATFS_OUT } from '../protocol.ts'

/** All counts are 0, as in the real thing. The type cannot be given: statfs(2) always shows FUSE's (0x65735546). */
export const statfs: Operation = ({ reply, poked }) => {
  poked()
  reply.fill(0, STATFS_OUT.sizeof)
  reply.setU32(STATFS_OUT.blockSize, STATFS.bsize)
  reply.setU32(STATFS_OUT.nameLength, STATFS.namelen)
  reply.setU32(STATFS_OUT.fragmentSize, STATFS.frsize)
  return STATFS_OUT.sizeof
}
