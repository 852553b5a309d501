/**
 * Takes a mount away from under those who use it: it is unmounted lazily, and the loop told to end the connection,
 * or it would go on for them until the last one leaves. The loop is reached through a grip on the root of the mount,
 * taken before the path leads elsewhere.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import type { Worker } from 'node:worker_threads'
import type { MainToLoop } from './messages.ts'
import { unmount, unmountNow } from './unmounting.ts'

/** Opens nothing and sends no request. Not among Node's constants; the number is that of all its architectures. */
const O_PATH = 0o10000000

const STOP: MainToLoop = { kind: 'stop' }

export async function detach(dir: string, worker: Worker): Promise<void> {
  const grip = openSync(dir, O_PATH | constants.O_DIRECTORY)
  try {
    await unmount(dir, { lazy: true })
    worker.postMessage(STOP)
    await statfs(`/proc/self/fd/${grip}`).catch(() => undefined) // It may have ended by itself.
  } finally {
    closeSync(grip)
  }
}

/** The same for an exit hook. The poke is another process's: if the loop never answers, we do not wait for ever. */
export function detachNow(dir: string, worker: Worker): void {
  const grip = openSync(dir, O_PATH | constants.O_DIRECTORY)
  unmountNow(dir, { lazy: true })
  worker.postMessage(STOP)
  spawnSync('stat', ['-f', '/proc/self/fd/3'], { stdio: ['ignore', 'ignore', 'ignore', grip], timeout: 1000 })
  closeSync(grip)
}
