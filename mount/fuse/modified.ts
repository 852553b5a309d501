/**
 * Makes the kernel raise IN_MODIFY for files that changed by themselves: inotify hears of nothing but system calls.
 * Setting only the modification time through the mount is one that raises IN_MODIFY alone, for watchers of the file
 * and of its directory (cgroup-core.md §11). The loop recognises the time and stores nothing.
 *
 * Without koffi there is no such call, and a truncation stands in for it: watchers then also see IN_OPEN and
 * IN_CLOSE_WRITE.
 */
import { truncate } from 'node:fs/promises'
import type { ByteString } from '../../src/units.ts'
import { type Libc, loadLibc } from '../host/libc.ts'
import type { Log } from '../host/log.ts'
import { IN_MODIFY_MTIME } from './messages.ts'
import type { Place } from './place.ts'

export class ModifiedFiles {
  readonly #place: Place
  readonly #log: Log
  /** Paths still to be touched. What is in flight is no longer here: a change during that needs another touch. */
  readonly #paths = new Set<ByteString>()
  #running = false
  #libc: Promise<Libc | undefined> | undefined

  constructor(place: Place, log: Log) {
    this.#place = place
    this.#log = log
  }

  add(path: ByteString): void {
    this.#paths.add(path)
    if (!this.#running) void this.#run()
  }

  /**
   * One at a time, and not in this thread: a touch waits for the lock of the file, which a writer to it holds until
   * he is answered.
   */
  async #run(): Promise<void> {
    this.#running = true
    this.#libc ??= this.#loadLibc()
    const libc = await this.#libc
    for (const path of this.#paths) {
      this.#paths.delete(path)
      if (this.#place.onTop) await touch(libc, this.#place.dir, path)
    }
    this.#running = false
  }

  async #loadLibc(): Promise<Libc | undefined> {
    try {
      return await loadLibc()
    } catch (error) {
      this.#log('no koffi (%s): files that change are truncated to tell inotify', (error as Error).message)
      return undefined
    }
  }
}

/** Failing is normal: the directory may have been removed meanwhile, or belong to somebody else. */
async function touch(libc: Libc | undefined, dir: string, path: ByteString): Promise<void> {
  const file = Buffer.concat([Buffer.from(dir), Buffer.from(path, 'latin1')])
  if (libc) await libc.setModificationTime(file, IN_MODIFY_MTIME.sec, IN_MODIFY_MTIME.nsec)
  else await truncate(file).catch(() => undefined)
}
