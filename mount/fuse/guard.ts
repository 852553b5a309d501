/**
 * Removes the mount that a killed daemon leaves behind: a process of its own, which sees the end of a pipe however the
 * daemon ends (fuse-transport.md §6).
 *
 * A process that is killed while it waits for an answer of its own mount cannot die: the loop that would answer is
 * gone, and the kernel ends the connection only when the whole process has ended. Its pipe stays open, too. So the
 * guard also looks now and then whether the loop's thread is still there, and then ends the connection (umount -f).
 */
import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { isRoot } from './unmounting.ts'

/** Seconds between two looks at the thread, and seconds a healthy mount may take to answer statfs(2). */
const LOOK_EVERY = 2
const PATIENCE = 5

/** In a user namespace, older kernels do not allow to force. */
const UNMOUNT_AS_ROOT = 'umount -l -f "$0" || umount -l "$0"'
const UNMOUNT_BY_HELPER = 'fusermount3 -u -z -- "$0"'

/**
 * `$0` is the directory, `$1` the thread. 137 is the status of what was killed because its time was over. A word in the
 * pipe means that all is well. Otherwise another daemon may have mounted there meanwhile: only a mount that nobody
 * answers for is removed. `stat -f` asks the daemon; plain stat may be answered from the kernel's cache.
 */
const script = (unmount: string): string => `trap "" INT TERM HUP
  while said=$(timeout -s KILL ${LOOK_EVERY} cat); [ $? -eq 137 ] && [ -e "$1" ]; do :; done
  [ -n "$said" ] || timeout -s KILL ${PATIENCE} stat -f "$0" >/dev/null 2>&1 || ${unmount}`

export interface Guard {
  /** Tells it that there is nothing more to guard. */
  dismiss(): void
}

/** `thread` is the loop's directory in /proc. */
export function startGuard(dir: string, thread: string): Guard {
  const child = spawn('/bin/sh', ['-c', script(isRoot() ? UNMOUNT_AS_ROOT : UNMOUNT_BY_HELPER), dir, thread], {
    cwd: '/', // Or the directory it was started in could not be unmounted.
    detached: true, // Signals of the terminal are not for it.
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  const pipe = child.stdin as Socket // Also so that it can be unreferenced.
  pipe.unref()
  pipe.on('error', () => undefined) // Somebody ended the guard first.
  return { dismiss: () => pipe.end('dismissed') }
}
