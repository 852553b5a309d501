/** Unmounting by the system's programs: umount(8) for root, fusermount3(1) for an ordinary user. */
import { execFile, spawnSync } from 'node:child_process'
import { busyMount, failedUnmount, MountError } from './errors.ts'

export interface UnmountChoice {
  /** Detach the mount even if it is in use, and where that is allowed end its connection as well. */
  readonly lazy: boolean
}

/** Root of a user namespace counts as root: what it mounted, it may unmount. */
export const isRoot = (): boolean => process.geteuid?.() === 0

/** Commands to be tried one after the other. In a user namespace, older kernels do not allow to end the connection. */
export function unmountCommands(dir: string, { lazy }: UnmountChoice): readonly (readonly string[])[] {
  if (!isRoot()) return [['fusermount3', '-u', ...(lazy ? ['-z'] : []), '--', dir]]
  if (!lazy) return [['umount', '--', dir]]
  return [
    ['umount', '-l', '-f', '--', dir],
    ['umount', '-l', '--', dir],
  ]
}

/** Messages are matched against English ones. */
const ENGLISH = { ...process.env, LC_ALL: 'C' }

export async function unmount(dir: string, choice: UnmountChoice): Promise<void> {
  let failure: MountError | undefined
  for (const command of unmountCommands(dir, choice)) {
    failure = await run(dir, command)
    if (failure === undefined) return
  }
  if (failure) throw failure
}

/** The same, but the caller waits: for exit hooks, and before mounting. */
export function unmountNow(dir: string, choice: UnmountChoice): void {
  let failure: MountError | undefined
  for (const [program = '', ...args] of unmountCommands(dir, choice)) {
    const { status, error, stderr } = spawnSync(program, args, { env: ENGLISH, encoding: 'utf8' })
    if (status === 0) return
    failure = explained(dir, stderr || String(error))
  }
  if (failure) throw failure
}

export const isBusy = (error: unknown): boolean => error instanceof MountError && error.code === 'EBUSY'

function run(dir: string, [program = '', ...args]: readonly string[]): Promise<MountError | undefined> {
  return new Promise(resolve => {
    execFile(program, args, { env: ENGLISH }, (error, _, stderr) => {
      resolve(error ? explained(dir, stderr || error.message) : undefined)
    })
  })
}

function explained(dir: string, reason: string): MountError {
  return /busy/i.test(reason) ? busyMount(dir) : failedUnmount(dir, reason.trim())
}
