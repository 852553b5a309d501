/**
 * UNIX permissions by mode and owner. Kernel: fs/namei.c, generic_permission.
 */
import type { Credentials } from '../tree/controller.ts'
import type { Gid, Uid } from '../units.ts'
import { S_IFDIR, S_IFMT } from './door.ts'

export const MAY_READ = 4
export const MAY_WRITE = 2
export const MAY_EXEC = 1

export interface Owned {
  /** Permission bits, with the type bits where executing is asked for. */
  readonly mode: number
  readonly uid: Uid
  readonly gid: Gid
}

export const isInGroup = (who: Credentials, gid: Gid): boolean => who.gid === gid || who.groups.includes(gid)

const ANY_EXEC = 0o111

/** Whether `who` may do all of `wanted`. Even root executes no file that nobody may execute. */
export function mayAccess(node: Owned, wanted: number, who: Credentials): boolean {
  if (who.privileged)
    return (wanted & MAY_EXEC) === 0 || (node.mode & S_IFMT) === S_IFDIR || (node.mode & ANY_EXEC) !== 0
  let bits = node.mode
  if (who.uid === node.uid) bits >>= 6
  else if (isInGroup(who, node.gid)) bits >>= 3
  return (bits & wanted) === wanted
}
