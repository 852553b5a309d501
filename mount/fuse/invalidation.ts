/**
 * Tells the kernel, name by name, what it may no longer answer from its cache; for kernels before 6.16. The kernel
 * takes the directory's lock for that, which may be held by a client that waits for the loop. So this is the
 * attendant's work, and the loop goes on meanwhile (fuse-transport.md §7).
 *
 * Known limit: unlink(2) of a control file takes the locks of its directory and then of the file. If it comes just
 * between such a write to that very file and our message for that very directory, all three wait for ever.
 */
import { writeSync } from 'node:fs'
import type { Invalidation, StaleNames } from './messages.ts'
import { NOTIFY, NOTIFY_INVAL_ENTRY_OUT } from './protocol.ts'
import { Reply } from './reply.ts'
import type { SharedState } from './shared.ts'

/** Replies are sent when the names are dropped. The descriptor is the loop's, and may be closed there. */
export function invalidate(fd: number, { stale, replies }: Invalidation, shared: SharedState): void {
  const messages = stale.flatMap(({ parent, names }) => names.map(name => invalidEntry(parent, name)))
  for (const message of [...messages, ...replies]) {
    if (!shared.ended) writeIfWanted(fd, message)
  }
}

/** ENOENT: the name was not in the cache, or nobody waits for the reply. EBADF: the loop has just ended. */
function writeIfWanted(fd: number, message: Uint8Array): void {
  try {
    writeSync(fd, message)
  } catch (error) {
    if (!['ENOENT', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

function invalidEntry(parent: StaleNames['parent'], name: string): Uint8Array {
  const size = NOTIFY_INVAL_ENTRY_OUT.name + name.length + 1
  const message = new Reply(size)
  message.setU64(NOTIFY_INVAL_ENTRY_OUT.parent, parent)
  message.setU32(NOTIFY_INVAL_ENTRY_OUT.nameLength, name.length)
  message.setU32(NOTIFY_INVAL_ENTRY_OUT.flags, 0)
  message.setName(NOTIFY_INVAL_ENTRY_OUT.name, name)
  message.setName(NOTIFY_INVAL_ENTRY_OUT.name + name.length, '\0')
  return message.bytes.subarray(0, message.seal(NOTIFY.invalEntry, size, 0, 0))
}
