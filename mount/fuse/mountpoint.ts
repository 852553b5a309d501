/** Looks at the directory to mount on, and clears away what a killed daemon left there. */
import { realpathSync, statfsSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { alreadyMounted, deadMountOfOthers, missingDirectory, notADirectory, unusableDirectory } from './errors.ts'
import { FS_TYPE, mountedOn } from './mountinfo.ts'
import { unmountNow } from './unmounting.ts'

/** Makes the directory ready to be mounted on and returns its absolute path. Throws a MountError if it cannot be. */
export function prepareMountPoint(dir: string): string {
  const path = resolveMountPoint(dir)
  removeDeadMounts(path)
  if (!inspected(path, () => statSync(path).isDirectory())) throw notADirectory(path)
  if (mountedOn(path)?.type === FS_TYPE) throw alreadyMounted(path)
  return path
}

/** Mounts may lie upon each other. */
export function removeDeadMounts(path: string): void {
  while (isDead(path)) removeDeadMount(path)
}

/** The absolute path. A dead mount cannot be resolved itself (ENOTCONN), but the directory it is in can. */
export function resolveMountPoint(dir: string): string {
  try {
    return realpathSync.native(dir)
  } catch (error) {
    if (codeOf(error) !== 'ENOTCONN') throw asMountError(dir, error)
    return inspected(dir, () => join(realpathSync.native(dirname(dir)), basename(dir)))
  }
}

/** The daemon is gone. Not stat(2), which the kernel may still answer from its cache: statfs always asks. */
function isDead(path: string): boolean {
  try {
    statfsSync(path)
    return false
  } catch (error) {
    return codeOf(error) === 'ENOTCONN'
  }
}

function removeDeadMount(path: string): void {
  const type = mountedOn(path)?.type
  if (type !== FS_TYPE) throw deadMountOfOthers(path, type ?? 'filesystem')
  try {
    unmountNow(path, { lazy: true })
  } catch (error) {
    if (isDead(path)) throw error // Or the guard of the dead daemon was faster.
  }
}

function inspected<T>(dir: string, look: () => T): T {
  try {
    return look()
  } catch (error) {
    throw asMountError(dir, error)
  }
}

function asMountError(dir: string, error: unknown): Error {
  const code = codeOf(error)
  if (code === 'ENOENT') return missingDirectory(dir)
  if (code === 'ENOTDIR') return notADirectory(dir)
  return unusableDirectory(dir, code ?? String(error))
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code
