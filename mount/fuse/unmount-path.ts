/** Unmounting what another process has mounted: `memcgfs unmount DIR`. */
import { notMounted } from './errors.ts'
import { FS_TYPE, mountedOn } from './mountinfo.ts'
import { resolveMountPoint } from './mountpoint.ts'
import { type UnmountChoice, unmount } from './unmounting.ts'

/** A memcgfs is on top of this directory, served or left behind. */
export function mountedHere(dir: string): boolean {
  return mountedOn(resolveMountPoint(dir))?.type === FS_TYPE
}

/**
 * Throws a MountError: EINVAL if no memcgfs is there, EBUSY if somebody is inside. With `lazy` those inside get
 * ENOTCONN; only where that takes privileges (an ordinary user's mount) they are served until they leave.
 */
export async function unmountPath(dir: string, choice: UnmountChoice): Promise<void> {
  if (!mountedHere(dir)) throw notMounted(dir)
  await unmount(resolveMountPoint(dir), choice)
}
