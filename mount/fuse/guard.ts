/**
 * Removes the dead mount that a killed daemon leaves behind: a process of its own that waits for the end of a pipe,
 * which comes however the daemon ends (fuse-transport.md §6).
 */
import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { unmountCommand } from './unmounting.ts'

/**
 * `$0` is the directory, the rest is the command. The mount may have ended in good order, or another daemon may have
 * mounted there: only a mount nobody answers for is removed. `stat -f` asks the daemon; plain stat may be answered
 * from the kernel's cache.
 */
const SCRIPT = 'trap "" INT TERM HUP; cat >/dev/null; stat -f "$0" >/dev/null 2>&1 || exec "$@"'

export interface Guard {
  /** Tells it that there is nothing more to guard. */
  dismiss(): void
}

export function startGuard(dir: string): Guard {
  const [program, args] = unmountCommand(dir, { lazy: true })
  const child = spawn('sh', ['-c', SCRIPT, dir, program, ...args], {
    cwd: '/', // Or the directory it was started in could not be unmounted.
    detached: true, // Signals of the terminal are not for it.
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  const pipe = child.stdin as Socket // Also so that it can be unreferenced.
  pipe.unref()
  pipe.on('error', () => undefined) // Somebody ended the guard first.
  return { dismiss: () => pipe.end() }
}
