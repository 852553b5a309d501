/** Which operation answers which opcode. */
import { EACCES, ENOSYS, ENOTTY, EPERM, type Errno } from '../../../src/errno.ts'
import type { Operation } from '../exchange.ts'
import { OP } from '../protocol.ts'
import { mkdir, mknod, rename, rename2, rmdir, unlink } from './directories.ts'
import { interrupt, open, poll, read, release, write } from './files.ts'
import { opendir, readdir, readdirplus, releasedir } from './listing.ts'

import { batchForget, forget, getattr, lookup, setattr } from './nodes.ts'
import { statfs } from './statfs.ts'
import { getxattr, listxattr, removexattr, setxattr } from './xattrs.ts'

const refuse =
  (errno: Errno): Operation =>
  () =>
    errno

/** "Never ask again": the kernel then does what it does for filesystems without the operation. */
const unsupported = refuse(ENOSYS)

const BY_OPCODE: Readonly<Record<(typeof OP)[Exclude<keyof typeof OP, 'init'>], Operation>> = {
  [OP.lookup]: lookup,
  [OP.forget]: forget,
  [OP.batchForget]: batchForget,
  [OP.getattr]: getattr,
  [OP.setattr]: setattr,

  [OP.open]: open,
  [OP.read]: read,
  [OP.write]: write,
  [OP.release]: release,
  [OP.poll]: poll,
  [OP.interrupt]: interrupt,
  [OP.flush]: unsupported, // OPEN says NOFLUSH; kernels before 5.16 do not know that and ask once.
  [OP.lseek]: unsupported, // The kernel seeks by itself.
  [OP.ioctl]: refuse(ENOTTY), // Per call: ENOSYS would be turned into ENOTTY, too, but looks like a missing feature.

  [OP.opendir]: opendir,
  [OP.readdir]: readdir,
  [OP.readdirplus]: readdirplus,
  [OP.releasedir]: releasedir,

  [OP.mkdir]: mkdir,
  [OP.rmdir]: rmdir,
  [OP.rename]: rename,
  [OP.rename2]: rename2,
  [OP.unlink]: unlink,
  [OP.mknod]: mknod,
  // What the VFS answers for a directory without these operations (fs/namei.c: vfs_create, vfs_symlink, vfs_link).
  [OP.create]: refuse(EACCES),
  [OP.symlink]: refuse(EPERM),
  [OP.link]: refuse(EPERM),

  [OP.setxattr]: setxattr,
  [OP.getxattr]: getxattr,
  [OP.listxattr]: listxattr,
  [OP.removexattr]: removexattr,

  [OP.statfs]: statfs,
  [OP.access]: unsupported, // Never asked with default_permissions: the kernel judges.
  [OP.statx]: unsupported,
  [OP.syncfs]: unsupported,
  [OP.destroy]: () => 0,
}

/** An array, for the look-up of each request. Opcodes that are not in the table are unsupported. */
export const OPERATIONS: readonly Operation[] = Array.from(
  { length: 256 },
  (_, opcode) => (BY_OPCODE as Readonly<Record<number, Operation>>)[opcode] ?? unsupported,
)
