/**
 * What can go wrong when mounting and unmounting, in words for the person who asked: what was wanted, what is in the
 * way, what would help.
 */

/** `code` is an errno name, as errors of node:fs have it. */
export class MountError extends Error {
  override readonly name = 'MountError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

const IN_NAMESPACE =
  'or mount in a namespace of your own, where no privilege and no helper is needed: unshare -Urm COMMAND'

export const missingDirectory = (dir: string): MountError =>
  new MountError('ENOENT', `${dir}: no such directory; the mount point must exist`)

export const notADirectory = (dir: string): MountError =>
  new MountError('ENOTDIR', `${dir}: not a directory; a mount point must be one`)

export const unusableDirectory = (dir: string, code: string): MountError =>
  new MountError(code, `${dir}: cannot be looked at (${code}), so it cannot be mounted on`)

export const alreadyMounted = (dir: string): MountError =>
  new MountError('EBUSY', `${dir}: a memcgfs is mounted there already; unmount it first`)

export const deadMountOfOthers = (dir: string, type: string): MountError =>
  new MountError(
    'ENOTCONN',
    `${dir}: the server of the ${type} mounted there is gone; unmount it first: umount -l ${dir}`,
  )

export const missingDevice = (): MountError =>
  new MountError(
    'ENOENT',
    '/dev/fuse does not exist: load the kernel module (modprobe fuse) or, in a container, start it with --device /dev/fuse',
  )

export const refusedDevice = (code: string): MountError =>
  new MountError(
    code,
    `/dev/fuse may not be opened (${code}): it should have mode 0666; in a container start it with --device /dev/fuse`,
  )

export const refusedMount = (dir: string, reason: string): MountError =>
  new MountError(
    'EPERM',
    `${dir}: cannot mount (${reason}); mounting needs CAP_SYS_ADMIN: become root, ${IN_NAMESPACE}`,
  )

export const missingProgram = (program: string, debianPackage: string): MountError =>
  new MountError(
    'ENOENT',
    `the program ${program} is missing (Debian and Ubuntu: package ${debianPackage}); install it, ${IN_NAMESPACE}`,
  )

export const missingKoffi = (reason: string): MountError =>
  new MountError(
    'ENOENT',
    `an ordinary user mounts by way of fusermount3, which needs the npm package koffi (${reason}); install it, ${IN_NAMESPACE}`,
  )

export const refusedByHelper = (dir: string, reason: string): MountError =>
  new MountError(
    'EPERM',
    `${dir}: cannot mount (${reason}); the directory must be yours and /dev/fuse open to all (mode 0666), ${IN_NAMESPACE}`,
  )

export const notMounted = (dir: string): MountError => new MountError('EINVAL', `${dir}: no memcgfs is mounted there`)

export const busyMount = (dir: string): MountError =>
  new MountError('EBUSY', `${dir}: in use (an open file or a working directory inside); not unmounted`)

export const hiddenMount = (dir: string): MountError =>
  new MountError(
    'EBUSY',
    `${dir}: the mount cannot be reached there: it is being unmounted, or something else is mounted over it`,
  )

export const failedUnmount = (dir: string, reason: string): MountError =>
  new MountError('EINVAL', `${dir}: cannot unmount (${reason})`)
