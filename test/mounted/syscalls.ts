/**
 * A client process that makes single system calls, also those Node has no function for, and blocks in them without
 * blocking the test. It runs this very file.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { getSystemErrorName } from 'node:util'
import type { Test } from 'tap'
import { PLAIN_NODE } from './toy.ts'

/** What libc is asked for; arguments and results are plain numbers and paths. */
const PROTOTYPES = {
  access: 'int access(const char *, int)',
  chmod: 'int chmod(const char *, unsigned int)',
  chown: 'int chown(const char *, unsigned int, unsigned int)',
  close: 'int close(int)',
  fallocate: 'int fallocate(int, int, long, long)',
  flock: 'int flock(int, int)',
  fsync: 'int fsync(int)',
  ftruncate: 'int ftruncate(int, long)',
  ioctl: 'int ioctl(int, unsigned long, void *)',
  link: 'int link(const char *, const char *)',
  lseek: 'long lseek(int, long, int)',
  mkdir: 'int mkdir(const char *, unsigned int)',
  mknod: 'int mknod(const char *, unsigned int, unsigned long)',
  open: 'int open(const char *, int, unsigned int)',
  removexattr: 'int removexattr(const char *, const char *)',
  rename: 'int rename(const char *, const char *)',
  renameat2: 'int renameat2(int, const char *, int, const char *, unsigned int)',
  rmdir: 'int rmdir(const char *)',
  symlink: 'int symlink(const char *, const char *)',
  syncfs: 'int syncfs(int)',
  truncate: 'int truncate(const char *, long)',
  unlink: 'int unlink(const char *)',
  write: 'long write(int, const char *, size_t)',
  pwrite: 'long pwrite(int, const char *, size_t, long)',
  setxattr: 'int setxattr(const char *, const char *, const char *, size_t, int)',
  inotify_init1: 'int inotify_init1(int)',
  inotify_add_watch: 'int inotify_add_watch(int, const char *, unsigned int)',
  epoll_create1: 'int epoll_create1(int)',
} as const

export type CallName = keyof typeof PROTOTYPES

/** The value, or the name of the error: `EACCES`. */
export type Result = number | string

export interface PollEntry {
  readonly fd: number
  readonly events: number
}

export interface InotifyEvent {
  readonly watch: number
  readonly mask: number
  readonly name: string
}

/** Calls with structures or room for an answer: what the child does for each, and what the test gets. */
interface Special {
  read(fd: number, size: number, offset?: number): { readonly text: string } | string
  getxattr(path: string, name: string, size: number): { readonly text: string; readonly size: number } | string
  listxattr(path: string, size: number): { readonly text: string; readonly size: number } | string
  poll(entries: readonly PollEntry[], timeoutMs: number): readonly number[]
  epollAdd(epoll: number, fd: number, events: number): Result
  /** The events, or 0 when the time is over. */
  epollWait(epoll: number, timeoutMs: number): Result
  /** All events that come until none comes for so long. */
  inotifyRead(fd: number, timeoutMs: number): readonly InotifyEvent[]
  groups(groups: readonly number[], gid: number, uid: number): Result
}

export class SyscallClient {
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
  }

  get pid(): number {
    return this.#child.pid!
  }

  call(name: CallName, ...args: readonly (string | number | null)[]): Promise<Result> {
    return this.#ask({ name, args }) as Promise<Result>
  }

  special<K extends keyof Special>(name: K, ...args: Parameters<Special[K]>): Promise<ReturnType<Special[K]>> {
    return this.#ask({ name, args }) as Promise<ReturnType<Special[K]>>
  }

  /** The text, or the name of the error. */
  async read(fd: number, size = 4096, offset?: number): Promise<string> {
    const result = await this.special('read', fd, size, ...(offset === undefined ? [] : [offset]))
    return typeof result === 'string' ? result : result.text
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  async #ask(request: { name: string; args: readonly unknown[] }): Promise<unknown> {
    this.#child.send(request)
    const [answer] = await once(this.#child, 'message', { signal: AbortSignal.timeout(20_000) })
    return answer
  }
}

/** A client that has started and is waiting for its first call; it ends with the test. */
export async function startClient(t: Test): Promise<SyscallClient> {
  const [program, ...args] = [...PLAIN_NODE, import.meta.filename]
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const client = new SyscallClient(child)
  t.teardown(() => client.end())
  await once(child, 'message')
  return client
}

if (process.send && process.argv[1] === import.meta.filename) await serve(process.send.bind(process))

async function serve(answer: (message: unknown) => void): Promise<void> {
  const { default: koffi } = await import('koffi')
  const libc = koffi.load(null)
  const functions = new Map<string, (...args: unknown[]) => unknown>()
  const named = (prototype: string): ((...args: unknown[]) => unknown) => {
    const known = functions.get(prototype) ?? libc.func(prototype)
    functions.set(prototype, known)
    return known
  }
  const result = (value: unknown): Result => (Number(value) < 0 ? errorName(koffi.errno()) : Number(value))
  const text = (bytes: Buffer, length: unknown): { text: string; size: number } | string =>
    Number(length) < 0
      ? errorName(koffi.errno())
      : { text: bytes.toString('latin1', 0, Math.min(Number(length), bytes.length)), size: Number(length) }

  const poll = (entries: readonly PollEntry[], timeoutMs: number): number[] => {
    const fds = Buffer.alloc(entries.length * 8)
    for (const [i, { fd, events }] of entries.entries()) {
      fds.writeInt32LE(fd, i * 8)
      fds.writeInt16LE(events, i * 8 + 4)
    }
    named('int poll(void *, unsigned long, int)')(fds, entries.length, timeoutMs)
    return entries.map((_, i) => fds.readInt16LE(i * 8 + 6))
  }

  const special: Special = {
    read(fd, size, offset) {
      const bytes = Buffer.alloc(size)
      return text(
        bytes,
        offset === undefined
          ? named('long read(int, void *, size_t)')(fd, bytes, size)
          : named('long pread(int, void *, size_t, long)')(fd, bytes, size, offset),
      )
    },
    getxattr(path, name, size) {
      const bytes = Buffer.alloc(size)
      return text(bytes, named('long getxattr(const char *, const char *, void *, size_t)')(path, name, bytes, size))
    },
    listxattr(path, size) {
      const bytes = Buffer.alloc(size)
      return text(bytes, named('long listxattr(const char *, void *, size_t)')(path, bytes, size))
    },
    poll,
    epollAdd(epoll, fd, events) {
      const event = Buffer.alloc(12) // Packed on x86-64.
      event.writeUInt32LE(events >>> 0, 0)
      return result(named('int epoll_ctl(int, int, int, void *)')(epoll, 1, fd, event))
    },
    epollWait(epoll, timeoutMs) {
      const event = Buffer.alloc(12)
      const count = result(named('int epoll_wait(int, void *, int, int)')(epoll, event, 1, timeoutMs))
      return count === 1 ? event.readUInt32LE(0) : count
    },
    inotifyRead(fd, timeoutMs) {
      const events: InotifyEvent[] = []
      while (poll([{ fd, events: 1 }], timeoutMs)[0] !== 0) {
        const bytes = Buffer.alloc(4096)
        const length = Number(named('long read(int, void *, size_t)')(fd, bytes, bytes.length))
        for (let at = 0; at < length; at += 16 + bytes.readUInt32LE(at + 12)) {
          const name = bytes.toString('latin1', at + 16, at + 16 + bytes.readUInt32LE(at + 12))
          events.push({
            watch: bytes.readInt32LE(at),
            mask: bytes.readUInt32LE(at + 4),
            name: name.replace(/\0.*$/s, ''),
          })
        }
      }
      return events
    },
    groups(groups, gid, uid) {
      process.setgroups!([...groups])
      process.setgid!(gid)
      process.setuid!(uid)
      return 0
    },
  }

  process.on('SIGUSR2', () => undefined) // To be interrupted by.
  process.on('message', ({ name, args }: { name: string; args: unknown[] }) => {
    if (name in special) answer((special as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args))
    else answer(result(named(PROTOTYPES[name as CallName])(...args)))
  })
  answer('ready')
}

/** Linux has one number for both names, and its manuals use the other one. */
const errorName = (errno: number): string => getSystemErrorName(-errno).replace(/^ENOTSUP$/, 'EOPNOTSUPP')
