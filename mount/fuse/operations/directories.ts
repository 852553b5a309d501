/** Operations that change directories: MKDIR, RMDIR, RENAME, RENAME2, UNLINK, MKNOD. */
import { isErrno } from '../../../src/errno.ts'
import type { Exchange, Operation } from '../exchange.ts'
import { MKDIR_IN, MKNOD_IN, RENAME_IN, RENAME2_IN } from '../protocol.ts'
import { entry } from './nodes.ts'

/** The kernel has applied the umask already. */
export const mkdir: Operation = x => {
  const { door, request, caller } = x
  const node = door.mkdir(request.node, request.name(MKDIR_IN.name), request.u32(MKDIR_IN.mode), caller)
  return isErrno(node) ? node : entry(x, node)
}

export const rmdir: Operation = ({ door, request }) => door.rmdir(request.node, request.name(0))

export const unlink: Operation = ({ door, request }) => door.unlink(request.node, request.name(0))

export const mknod: Operation = ({ door, request }) =>
  door.mknod(request.node, request.name(MKNOD_IN.name), request.u32(MKNOD_IN.mode))

export const rename: Operation = x => renameNames(x, RENAME_IN.names, x.request.u64(RENAME_IN.newParent), 0)

export const rename2: Operation = x =>
  renameNames(x, RENAME2_IN.names, x.request.u64(RENAME2_IN.newParent), x.request.u32(RENAME2_IN.flags))

function renameNames({ door, request }: Exchange, names: number, newParent: number, flags: number): number {
  const end = request.nameEnd(names)
  return door.rename(request.node, request.nameUpTo(names, end), newParent, request.name(end + 1), flags)
}
