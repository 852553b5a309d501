/** Unmounting by the system's programs: umount(8) for root, fusermount3(1) for an ordinary user. */
import { execFile, spawnSync } from 'node:child_process'
import { busyMount, failedUnmount, MountError } from './errors.ts'

export interface UnmountChoice {
  /** Detach the mount at once even if it is in use. */
  readonly lazy: boolean
}

/** Root of a user namespace counts as root: what it mounted, it may unmount. */
export const isRoot = (): boolean => process.geteuid?.() === 0

/** Messages are matched against English ones. */
const ENGLISH = { ...process.env, LC_ALL: 'C' }

export function unmountCommand(dir: string, { lazy }: UnmountChoice): readonly [string, string[]] {
  return isRoot()
    ? ['umount', lazy ? ['-l', dir] : [dir]]
    : ['fusermount3', lazy ? ['-u', '-z', '--', dir] : ['-u', '--', dir]]
}

export function unmount(dir: string, choice: UnmountChoice): Promise<void> {
  const [program, args] = unmountCommand(dir, choice)
  return new Promise((resolve, reject) => {
    execFile(program, args, { env: ENGLISH }, (error, _, stderr) => {
      if (error) reject(explained(dir, stderr || error.message))
      else resolve()
    })
  })
}

/** The same, but the caller waits: for exit hooks, and before mounting. */
export function unmountNow(dir: string, choice: UnmountChoice): void {
  const [program, args] = unmountCommand(dir, choice)
  const { status, error, stderr } = spawnSync(program, args, { env: ENGLISH, encoding: 'utf8' })
  if (status !== 0) throw explained(dir, stderr || String(error))
}

export const isBusy = (error: unknown): boolean => error instanceof MountError && error.code === 'EBUSY'

function explained(dir: string, reason: string): MountError {
  return /busy/i.test(reason) ? busyMount(dir) : failedUnmount(dir, reason.trim())
}
