/**
 * What each operation of a step does, as system calls of a door (README of the oracle, "Format"). The answer has the
 * words of the recording, so that the two can be compared field by field.
 */
import { O } from '../../src/api/process.ts'
import type { ByteString } from '../../src/units.ts'
import type { Calls, Driver, Entry, Result, Stat } from './driver.ts'
import { isProgramStep, runProgram, type Tasks } from './programs.ts'
import { isThereIn } from './recording.ts'
import type { Fields, Step } from './row.ts'

export const POLL = { IN: 0x1, PRI: 0x2, OUT: 0x4, ERR: 0x8, HUP: 0x10 } as const
const ACCESS = { r: 4, w: 2, x: 1 } as const
const S_IFREG = 0o100000
const S_IFIFO = 0o010000

/** How much is read at once when a step does not say. */
const READ_SIZE = 1 << 16
const SIGKILL = 9
/** Stands for a descriptor of a file that is not of the mount, which was never opened. */
const NOT_OPEN = 9999

/** Whatever a case has to remember between its steps. */
export interface Session {
  readonly driver: Driver
  /** Simulated tasks that stand in for helpers; absent where those only use files. */
  readonly tasks?: Tasks
  /** Descriptors by the name the row gives them. */
  readonly fds: Map<string, number>
}

/** `WRONLY|CREAT` and the like. */
function bitsOf(names: string, table: Readonly<Record<string, number>>): number {
  return names.split('|').reduce((bits, name) => {
    const bit = table[name]
    if (bit === undefined) throw new Error(`"${name}" is no bit of ${Object.keys(table).join('|')}`)
    return bits | bit
  }, 0)
}

const isRefusal = (result: unknown): result is Result => typeof result === 'number' && result < 0

/** `${pid:A}`, `${pid:main}` and `${recorder}` as the numbers of these processes, `${fd:E}` as that of a descriptor (README, "Format"). */
export function withNumbers(text: ByteString, { driver, fds }: Session): ByteString {
  const numbered = text.replaceAll(/\$\{fd:(\w+)\}/g, (_, name: string) => String(fds.get(name) ?? NOT_OPEN))
  return numbered.replaceAll(/\$\{(?:pid:(\w+)|recorder)\}/g, (_, name?: string) =>
    String(driver.pidOf(name === 'main' ? undefined : name)),
  )
}

/** The arguments of a step, with names of processes turned into their numbers. */
class Given {
  readonly #fields: Fields
  readonly #session: Session

  constructor(fields: Fields, session: Session) {
    this.#fields = fields
    this.#session = session
  }

  has(key: string): boolean {
    return this.#fields[key] !== undefined
  }

  text(key: string): ByteString {
    const value = this.#fields[key]
    if (value === undefined) throw new Error(`the step has no ${key}`)
    return withNumbers(String(value), this.#session)
  }

  number(key: string): number {
    return Number(this.text(key))
  }

  mode(key = 'mode'): number {
    return Number.parseInt(this.text(key), 8)
  }

  fd(key = 'fd'): number {
    const fd = this.#session.fds.get(this.text(key))
    if (fd === undefined) throw new Error(`the descriptor ${this.text(key)} was never opened`)
    return fd
  }
}

type Operation = (calls: Calls, given: Given, session: Session) => Fields

const returning = (call: (calls: Calls, given: Given) => Result): Operation => {
  return (calls, given) => ({ ret: call(calls, given) })
}

/** A new descriptor, under the name of the step. Its number is nobody's affair. */
const opening = (call: (calls: Calls, given: Given) => Result): Operation => {
  return (calls, given, { fds }) => {
    const fd = call(calls, given)
    if (isRefusal(fd)) return { ret: fd }
    fds.set(given.text('fd'), fd)
    return { ret: 0 }
  }
}

/** Bytes that were read, or the refusal. */
const bytes = (read: ByteString | Result): Fields =>
  typeof read === 'number' ? { ret: read } : { ret: read.length, data: read }

function readAll(calls: Calls, path: ByteString, chunk = READ_SIZE): Fields {
  const fd = calls.open(path, O.RDONLY)
  if (isRefusal(fd)) return { open: fd }
  let data = ''
  for (;;) {
    const part = calls.read(fd, chunk)
    if (typeof part === 'number' || part === '') {
      calls.close(fd)
      return typeof part === 'number' ? { ret: part } : { ret: data.length, data }
    }
    data += part
  }
}

function writeOnce(calls: Calls, path: ByteString, data: ByteString, flags: number): Fields {
  const fd = calls.open(path, flags)
  if (isRefusal(fd)) return { open: fd }
  const ret = calls.write(fd, data)
  calls.close(fd)
  return { ret }
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0')

function describeStat(stat: Stat | Result): Fields {
  if (typeof stat === 'number') return { ret: stat }
  const { isDirectory, mode, uid, gid, size, nlink, blksize, blocks, ino } = stat
  const type = isDirectory ? 'dir' : 'file'
  return { ret: 0, type, mode: octal(mode), uid, gid, size, nlink, blksize, blocks, ino }
}

/** Names in the order of readdir: blanks escaped, directories with a slash. */
function describeEntries(entries: Entry[] | Result): Fields {
  if (typeof entries === 'number') return { ret: 0, entries: '', getdents: entries }
  const names = entries.map(({ name, isDirectory }) => name.replaceAll(' ', '\\x20') + (isDirectory ? '/' : ''))
  return { ret: 0, entries: names.join(' ') }
}

function listDirectory(calls: Calls, path: ByteString): { open: Result } | { entries: Entry[] | Result } {
  const open = calls.open(path, O.RDONLY | O.DIRECTORY)
  if (isRefusal(open)) return { open }
  const entries = calls.getdents(open, false)
  calls.close(open)
  return { entries }
}

/** Times within so many seconds of now are now. */
const NOW_SECONDS = 5

const OPERATIONS: Readonly<Record<string, Operation>> = {
  r: (calls, given) => readAll(calls, given.text('path'), given.has('chunk') ? given.number('chunk') : undefined),
  w: (calls, given) => writeOnce(calls, given.text('path'), given.text('data'), O.WRONLY),
  wopen: (calls, given) => writeOnce(calls, given.text('path'), given.text('data'), bitsOf(given.text('flags'), O)),
  open: opening((calls, given) => calls.open(given.text('path'), bitsOf(given.text('flags'), O))),
  openat: opening((calls, given) =>
    calls.openat(given.fd('dirfd'), given.text('path'), bitsOf(given.text('flags'), O)),
  ),
  creat: returning((calls, given) => {
    const fd = calls.open(given.text('path'), O.CREAT | O.EXCL | O.WRONLY)
    return isRefusal(fd) ? fd : calls.close(fd)
  }),
  close: returning((calls, given) => calls.close(given.fd())),
  read: (calls, given) => bytes(calls.read(given.fd(), given.number('count'))),
  pread: (calls, given) => bytes(calls.pread(given.fd(), given.number('count'), given.number('offset'))),
  write: returning((calls, given) => calls.write(given.fd(), given.text('data'))),
  pwrite: returning((calls, given) => calls.pwrite(given.fd(), given.text('data'), given.number('offset'))),
  writev: returning((calls, given) => calls.writev(given.fd(), [given.text('data'), given.text('data2')])),
  splice_in: returning((calls, given) => calls.spliceIn(given.fd(), given.text('data'))),
  sendfile: returning((calls, given) => calls.sendfile(given.fd())),
  lseek: returning((calls, given) =>
    calls.lseek(given.fd(), given.number('offset'), given.text('whence') as 'SET' | 'CUR' | 'END' | 'DATA'),
  ),
  ftruncate: returning((calls, given) => calls.ftruncate(given.fd(), given.number('length'))),
  fallocate: returning((calls, given) => calls.fallocate(given.fd())),
  fsync: returning((calls, given) => calls.fsync(given.fd())),
  mmap: returning((calls, given) => calls.mmap(given.fd())),
  fionread: returning((calls, given) => calls.fionread(given.fd())),
  epoll_add: returning((calls, given) => calls.epollAdd(given.fd())),
  fstat: (calls, given) => describeStat(calls.fstat(given.fd())),
  lsfd: (calls, given) => describeEntries(calls.getdents(given.fd(), given.has('rewind'))),
  poll: (calls, given) => {
    const events = calls.poll(given.fd(), bitsOf(given.text('events'), POLL), given.number('timeout_ms'))
    if (isRefusal(events)) return { ret: events }
    const names = Object.entries(POLL).filter(([, bit]) => (events & bit) !== 0)
    return { ret: events === 0 ? 0 : 1, revents: names.map(([name]) => `POLL${name}`).join('|') }
  },

  stat: (calls, given) => describeStat(calls.stat(given.text('path'))),
  mtime: (calls, given, { driver }) => {
    const stat = calls.stat(given.text('path'))
    if (typeof stat === 'number') return { ret: stat }
    return { ret: 0, mtime: stat.mtime, mtime_is_now: Math.abs(stat.mtime - driver.now()) < NOW_SECONDS }
  },
  access: returning((calls, given) =>
    calls.access(given.text('path'), bitsOf([...given.text('mode')].join('|'), ACCESS)),
  ),
  statfs: (calls, given) => {
    const found = calls.statfs(given.text('path'))
    if (typeof found === 'number') return { ret: found }
    const { type, bsize, blocks, files, namelen, frsize } = found
    return {
      ret: 0,
      f_type: `0x${type.toString(16)}`,
      f_bsize: bsize,
      f_blocks: blocks,
      f_files: files,
      f_namelen: namelen,
      f_frsize: frsize,
    }
  },
  ls: (calls, given) => {
    const listed = listDirectory(calls, given.text('path'))
    return 'open' in listed ? { ret: listed.open } : describeEntries(listed.entries)
  },
  /** Not the recorder's: the place of a name among the files this step of the product has (selection.ts). */
  rank: (calls, given) => {
    const listed = listDirectory(calls, given.text('path'))
    if ('open' in listed) return { ret: listed.open }
    if (typeof listed.entries === 'number') return { ret: listed.entries }
    const { entries } = listed
    const directory = given.text('path')
    const ours = entries.filter(({ name, isDirectory }) => !isDirectory && isThereIn(name, directory))
    return { order: ours.findIndex(({ name }) => name === given.text('name')) }
  },
  mkdir: returning((calls, given) => calls.mkdir(given.text('path'), given.mode())),
  mkdirat: returning((calls, given) =>
    calls.mkdirat(given.fd('dirfd'), given.text('path'), given.has('mode') ? given.mode() : 0o755),
  ),
  rmdir: returning((calls, given) => calls.rmdir(given.text('path'))),
  unlink: returning((calls, given) => calls.unlink(given.text('path'))),
  rename: returning((calls, given) => calls.rename(given.text('from'), given.text('to'), 0)),
  rename2: returning((calls, given) => calls.rename(given.text('from'), given.text('to'), given.number('flags'))),
  symlink: returning((calls, given) => calls.symlink(given.text('target'), given.text('path'))),
  link: returning((calls, given) => calls.link(given.text('from'), given.text('path'))),
  mkfifo: returning((calls, given) => calls.mknod(given.text('path'), S_IFIFO | 0o644)),
  mknod: returning((calls, given) => calls.mknod(given.text('path'), S_IFREG | 0o644)),
  chmod: returning((calls, given) => calls.chmod(given.text('path'), given.mode())),
  chown: returning((calls, given) => calls.chown(given.text('path'), given.number('uid'), given.number('gid'))),
  truncate: returning((calls, given) => calls.truncate(given.text('path'), given.number('length'))),
  utimens: returning((calls, given) => calls.utimes(given.text('path'), given.number('seconds'))),
  chdir: returning((calls, given) => calls.chdir(given.text('path'))),
  umask: (calls, given) => {
    calls.umask(given.mode('mask'))
    return { ret: 0 }
  },
  listxattr: (calls, given) => {
    const names = calls.listxattr(given.text('path'))
    return bytes(typeof names === 'number' ? names : names.map(name => `${name}\0`).join(''))
  },
  getxattr: (calls, given) => bytes(calls.getxattr(given.text('path'), given.text('name'))),
  setxattr: returning((calls, given) => calls.setxattr(given.text('path'), given.text('name'), given.text('value'))),
  removexattr: returning((calls, given) => calls.removexattr(given.text('path'), given.text('name'))),

  inotify: (calls, given, { fds }) => {
    const name = given.text('fd')
    const fd = fds.get(name) ?? calls.inotify()
    fds.set(name, fd)
    const wd = calls.watch(fd, given.text('path'))
    return { ret: isRefusal(wd) ? wd : 0 }
  },
  inotify_read: (calls, given) => ({ events: calls.inotifyRead(given.fd(), given.number('timeout_ms')) }),
  eventfd: opening(calls => calls.eventfd()),
  efd_read: (calls, given, { driver }) => {
    driver.sleep(given.number('timeout_ms'))
    const read = calls.read(given.fd(), 8)
    if (typeof read === 'number') return { ret: 0 }
    return { ret: 1, count: read.charCodeAt(0) + 256 * read.charCodeAt(1) }
  },
  spawn: (_, given, { driver }) => ({ ret: driver.spawn(given.text('name')) }),
  kill: (_, given, { driver }) => ({ ret: driver.kill(given.text('name')) }),
  /** Whoever is waited for was killed before. */
  wait: () => ({ signaled: SIGKILL }),
  sleep: (_, given, { driver }) => {
    driver.sleep(given.number('ms'))
    return {}
  },
  until: (calls, given, { driver }) => {
    for (let waited = 0; waited <= given.number('timeout_ms'); waited++) {
      if (String(readAll(calls, given.text('path')).data).includes(given.text('contains'))) return { ok: true }
      driver.sleep(1)
    }
    return { ok: false }
  },
  /** Not the recorder's: brings a file of the root group into the state a row found it in. */
  establish: (calls, given) => {
    const path = given.text('path')
    if (readAll(calls, path).data === given.text('data')) return { ret: 0 }
    return writeOnce(calls, path, given.text('data'), O.WRONLY)
  },
}

/** Runs one step; the answer in the words of the recording. An operation nobody knows answers `unknown`. */
export function runStep(step: Step, session: Session): Fields {
  if (session.tasks !== undefined && isProgramStep(step)) {
    const done = runProgram(step, session.tasks)
    if (done !== undefined) return done
  }
  const given = new Given(step.given, session)
  // The helper changes its user itself; only the door can make a process be another.
  if (step.op === 'setuid') return { ret: session.driver.setuid(step.by!, given.number('uid')) }
  const operation = OPERATIONS[step.op]
  if (operation === undefined) return { unknown: step.op }
  return operation(session.driver.process(step.by), given, session)
}
