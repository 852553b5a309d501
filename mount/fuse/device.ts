/** /dev/fuse: one read is one request, one write is one reply or notification. */
import { closeSync, readSync, writeSync } from 'node:fs'

export class Device {
  readonly fd: number
  readonly #close: (fd: number) => void

  /** `close` where the descriptor was not opened by Node, which then warns of its own closing of it. */
  constructor(fd: number, close: (fd: number) => void = closeSync) {
    this.fd = fd
    this.#close = close
  }

  /** Waits for a request. False: the filesystem is unmounted. */
  read(into: Uint8Array): boolean {
    for (;;) {
      try {
        readSync(this.fd, into, 0, into.length, null)
        return true
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENODEV') return false
        if (!TRY_AGAIN.has(code)) throw error
      }
    }
  }

  /** Errors that mean nobody waits any more are none: the connection has just ended, or the name was not cached. */
  write(bytes: Uint8Array, length: number): void {
    try {
      writeSync(this.fd, bytes, 0, length)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  /** Ends the connection: whoever still uses the mount gets ENOTCONN. */
  close(): void {
    this.#close(this.fd)
  }
}

/** ENOENT: the request was withdrawn while we took it. */
const TRY_AGAIN = new Set<string | undefined>(['EINTR', 'EAGAIN', 'ENOENT'])
