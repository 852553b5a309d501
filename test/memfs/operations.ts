/**
 * What programs do with node:fs, for comparing one `fs` with another: each operation has a title and runs on the state
 * that those before it have left. The answer is a value, or an Error.
 */
import { Buffer } from 'node:buffer'
import type { BigIntStats, Dirent, Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import type { CgroupNodeFs } from '../../mount/index.ts'

/** Where the files are, and what earlier operations have opened. */
export interface Bench {
  readonly fs: CgroupNodeFs
  /** A path from the root of the files as this `fs` knows it. */
  at(path: string): string
  readonly fds: Record<string, number>
  readonly handles: Record<string, FileHandle>
}

export type Operation = (bench: Bench) => unknown

const statOf = (stats: Stats | BigIntStats): Record<string, unknown> => {
  const { mode, nlink, size, blocks, blksize, ino, uid, gid, rdev, mtime, birthtime } = stats
  const { atimeMs, mtimeMs, ctimeMs, birthtimeMs } = stats
  const kinds = [stats.isDirectory(), stats.isFile(), stats.isSymbolicLink(), stats.isFIFO()]
  const nanoseconds = 'mtimeNs' in stats && { atimeNs: stats.atimeNs, mtimeNs: stats.mtimeNs, ctimeNs: stats.ctimeNs }
  const times = { atimeMs, mtimeMs, ctimeMs, birthtimeMs, mtime, birthtime, ...nanoseconds }
  return { mode, nlink, size, blocks, blksize, ino, uid, gid, rdev, kinds, ...times }
}
const entryOf = (entry: Dirent): string =>
  `${entry.name} ${entry.isDirectory() ? 'dir' : 'file'} in ${entry.parentPath}`
const isCgroup = (name: string): boolean => !name.includes('.')
const NOT_UTF8 = Buffer.of(0xff, 0xfe)
const raw = ({ at }: Bench): Buffer => Buffer.concat([Buffer.from(at('/raw')), NOT_UTF8])
/** No descriptor has this number. */
const NO_FD = 2 ** 31 - 40

/** The callback form as a promise. */
const called = (start: (done: (error: unknown, result?: unknown) => void) => void): Promise<unknown> =>
  new Promise((resolve, reject) => start((error, result) => (error ? reject(error) : resolve(result))))

const ended = (stream: Writable, text: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    stream.on('error', reject)
    stream.on('close', () => resolve('closed'))
    stream.end(text)
  })

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

const naming: Record<string, Operation> = {
  'enable controllers': ({ fs, at }) => fs.writeFileSync(at('/cgroup.subtree_control'), '+memory +pids'),
  'mkdir a': ({ fs, at }) => fs.mkdirSync(at('/a')),
  'mkdir of what is there': ({ fs, at }) => fs.mkdirSync(at('/a')),
  'mkdir of the root': ({ fs, at }) => fs.mkdirSync(at('/')),
  'mkdir of a file': ({ fs, at }) => fs.mkdirSync(at('/cgroup.procs')),
  'mkdir with a newline': ({ fs, at }) => fs.mkdirSync(at('/x\ny')),
  'mkdir under a file': ({ fs, at }) => fs.mkdirSync(at('/cgroup.procs/x')),
  'mkdir without parent': ({ fs, at }) => fs.mkdirSync(at('/no/x')),
  'mkdir with a slash': ({ fs, at }) => fs.mkdirSync(at('/slash/')),
  'mkdir with a mode': ({ fs, at }) => fs.mkdirSync(at('/m'), 0o1700),
  'mode of that': ({ fs, at }) => fs.statSync(at('/m')).mode,
  'mkdir of the control directory': ({ fs, at }) => fs.mkdirSync(at('/.memcgfs')),
  'mkdir in it': ({ fs, at }) => fs.mkdirSync(at('/.memcgfs/x')),
  'mkdir -p': ({ fs, at }) => fs.mkdirSync(at('/r/s/t'), { recursive: true }),
  'mkdir -p again': ({ fs, at }) => fs.mkdirSync(at('/r/s/t'), { recursive: true }),
  'mkdir -p of the rest': ({ fs, at }) => fs.mkdirSync(at('/r/s/u/v'), { recursive: true }),
  'mkdir -p with a slash': ({ fs, at }) => fs.mkdirSync(at('/r/w/'), { recursive: true }),
  'mkdir -p with slashes': ({ fs, at }) => fs.mkdirSync(at('/r//w2//x/'), { recursive: true }),
  'mkdir -p with dots': ({ fs, at }) => fs.mkdirSync(at('/r/../r/./w3/../w4'), { recursive: true }),
  'mkdir -p of a file': ({ fs, at }) => fs.mkdirSync(at('/r/cgroup.procs'), { recursive: true }),
  'mkdir -p under a file': ({ fs, at }) => fs.mkdirSync(at('/r/cgroup.procs/x/y'), { recursive: true }),
  'mkdir -p with a newline': ({ fs, at }) => fs.mkdirSync(at('/r/k/x\ny'), { recursive: true }),
  'mkdir -p through a newline': ({ fs, at }) => fs.mkdirSync(at('/r/x\ny/z'), { recursive: true }),
  'limit the depth': ({ fs, at }) => fs.writeFileSync(at('/r/cgroup.max.depth'), '2'),
  'mkdir too deep': ({ fs, at }) => fs.mkdirSync(at('/r/s/t/1')),
  'mkdir -p too deep': ({ fs, at }) => fs.mkdirSync(at('/r/1/2/3'), { recursive: true }),
  'mkdir of UTF-8': ({ fs, at }) => fs.mkdirSync(at('/grüße 日本 😀')),
  'its name': ({ fs, at }) => fs.readdirSync(at('/')).filter(name => /[^ -~]/.test(name)),
  'mkdir of other bytes': bench => bench.fs.mkdirSync(raw(bench)),
  'their name': ({ fs, at }) => fs.readdirSync(at('/'), 'buffer').filter(name => name.includes(NOT_UTF8)),
  'their name as text': ({ fs, at }) => fs.readdirSync(at('/')).filter(name => name.startsWith('raw')),
  'mkdir of other bytes again': bench => bench.fs.mkdirSync(raw(bench)),
  'stat of other bytes': bench => bench.fs.statSync(raw(bench)).isDirectory(),
  'rmdir of other bytes': bench => bench.fs.rmdirSync(raw(bench)),
  mkdtemp: ({ fs, at }) => fs.mkdtempSync(at('/tmp-')).length - at('/tmp-').length,
  'mkdtemp without parent': ({ fs, at }) => fs.mkdtempSync(at('/no/tmp-')),
  'promises.mkdir of what is there': ({ fs, at }) => fs.promises.mkdir(at('/a')),
  'promises.mkdir -p': ({ fs, at }) => fs.promises.mkdir(at('/p/q'), { recursive: true }),
  'mkdir -p with a callback': ({ fs, at }) => called(done => fs.mkdir(at('/p/q2/'), { recursive: true }, done)),
  'promises.mkdir -p of a file': ({ fs, at }) => fs.promises.mkdir(at('/r/cgroup.procs'), { recursive: true }),
  'promises.mkdir -p through a newline': ({ fs, at }) => fs.promises.mkdir(at('/r/x\ny/z'), { recursive: true }),
  rename: ({ fs, at }) => fs.renameSync(at('/a'), at('/b')),
  'rename of nothing': ({ fs, at }) => fs.renameSync(at('/nope'), at('/b')),
  'rename of a file': ({ fs, at }) => fs.promises.rename(at('/a/memory.max'), at('/a/x')),
  link: ({ fs, at }) => fs.linkSync(at('/a/memory.max'), at('/a/x')),
  'link of nothing': ({ fs, at }) => fs.linkSync(at('/a/nope'), at('/a/x')),
  'link to what is there': ({ fs, at }) => fs.promises.link(at('/a/memory.max'), at('/a/memory.min')),
  symlink: ({ fs, at }) => fs.symlinkSync('memory.max', at('/a/x')),
  'symlink over a file': ({ fs, at }) => called(done => fs.symlink('x', at('/a/memory.max'), done)),
  readlink: ({ fs, at }) => fs.readlinkSync(at('/a/memory.max')),
  'readlink of nothing': ({ fs, at }) => fs.promises.readlink(at('/a/nope')),
  unlink: ({ fs, at }) => fs.unlinkSync(at('/a/memory.max')),
  'unlink of a directory': ({ fs, at }) => fs.unlinkSync(at('/a')),
  'unlink of nothing': ({ fs, at }) => fs.promises.unlink(at('/a/nope')),
}

const looking: Record<string, Operation> = {
  'stat of the root': ({ fs, at }) => statOf(fs.statSync(at('/'))),
  'stat of a directory': ({ fs, at }) => statOf(fs.statSync(at('/a'))),
  'stat with bigint': ({ fs, at }) => statOf(fs.statSync(at('/a'), { bigint: true })),
  'stat of a file': ({ fs, at }) => statOf(fs.statSync(at('/a/memory.max'))),
  'lstat of a file': ({ fs, at }) => statOf(fs.lstatSync(at('/a/memory.max'))),
  'promises.stat': async ({ fs, at }) => statOf(await fs.promises.stat(at('/a/memory.max'))),
  'stat of nothing': ({ fs, at }) => fs.statSync(at('/nope')),
  'stat of nothing without throwing': ({ fs, at }) => String(fs.statSync(at('/nope'), { throwIfNoEntry: false })),
  'stat under a file without throwing': ({ fs, at }) =>
    String(fs.statSync(at('/a/memory.max/x'), { throwIfNoEntry: false })),
  'lstat of nothing without throwing': ({ fs, at }) => String(fs.lstatSync(at('/nope'), { throwIfNoEntry: false })),
  'lstat of nothing': ({ fs, at }) => called(done => fs.lstat(at('/nope'), done)),
  'stat of a file with a slash': ({ fs, at }) => fs.statSync(at('/a/memory.max/')),
  'stat under a file': ({ fs, at }) => fs.promises.stat(at('/a/memory.max/x')),
  'stat of an empty path': ({ fs }) => fs.statSync(''),
  'stat with dots': ({ fs, at }) => fs.statSync(at('/a/../a/.')).nlink,
  'stat of a long path': ({ fs, at }) => fs.statSync(at(`/${'x'.repeat(5000)}`)),
  exists: ({ fs, at }) => [fs.existsSync(at('/a')), fs.existsSync(at('/b')), fs.existsSync('')],
  'exists with a callback': ({ fs, at }) => new Promise(resolve => fs.exists(at('/a'), resolve)),
  access: ({ fs, at }) => fs.accessSync(at('/a/memory.max'), fs.constants.R_OK | fs.constants.W_OK),
  'access to run': ({ fs, at }) => fs.accessSync(at('/a/memory.max'), fs.constants.X_OK),
  'access to nothing': ({ fs, at }) => fs.promises.access(at('/a/nope')),
  readdir: ({ fs, at }) => fs.readdirSync(at('/a')),
  'readdir with types': ({ fs, at }) => fs.readdirSync(at('/r'), { withFileTypes: true }).map(entryOf),
  'readdir of buffers': ({ fs, at }) => fs.readdirSync(at('/r'), 'buffer').map(String).sort(),
  'readdir in hex': ({ fs, at }) => fs.readdirSync(at('/r'), 'hex'),
  'readdir -R': ({ fs, at }) => fs.readdirSync(at('/r'), { recursive: true }).map(String).filter(isCgroup).sort(),
  'readdir -R with types': ({ fs, at }) =>
    fs.readdirSync(at('/r'), { recursive: true, withFileTypes: true }).map(entryOf).sort(),
  'promises.readdir -R': async ({ fs, at }) =>
    (await fs.promises.readdir(at('/r'), { recursive: true })).filter(isCgroup).sort(),
  'readdir of a file': ({ fs, at }) => fs.readdirSync(at('/a/memory.max')),
  'readdir of nothing': ({ fs, at }) => called(done => fs.readdir(at('/nope'), done)),
  opendir: ({ fs, at }) => {
    const dir = fs.opendirSync(at('/a'))
    const names = [dir.path]
    for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) names.push(entryOf(entry))
    dir.closeSync()
    return names
  },
  'promises.opendir': async ({ fs, at }) => {
    const names: string[] = []
    for await (const { name } of await fs.promises.opendir(at('/a'))) names.push(name)
    return names
  },
  'opendir of nothing': ({ fs, at }) => fs.opendirSync(at('/nope')),
  'opendir of a file': ({ fs, at }) => fs.opendirSync(at('/a/memory.max')),
  'promises.opendir of nothing': ({ fs, at }) => fs.promises.opendir(at('/nope')),
  realpath: ({ fs, at }) => fs.realpathSync(at('/a/../r/./s')),
  'realpath of nothing': ({ fs, at }) => fs.realpathSync(at('/a/nope/x')),
  'realpath under a file': ({ fs, at }) => fs.realpathSync(at('/a/memory.max/x')),
  'realpath.native': ({ fs, at }) => fs.realpathSync.native(at('/a/../r/./s/')),
  'realpath.native of nothing': ({ fs, at }) => fs.realpathSync.native(at('/a/nope/x')),
  'realpath of nothing with a callback': ({ fs, at }) => called(done => fs.realpath(at('/a/nope/x'), done)),
  'promises.realpath': ({ fs, at }) => fs.promises.realpath(at('/a/../r')),
  'promises.realpath of nothing': ({ fs, at }) => fs.promises.realpath(at('/a/nope/x')),
  statfs: ({ fs, at }) => {
    const { bsize, blocks, bfree, bavail, files, ffree } = fs.statfsSync(at('/a'))
    return { bsize, blocks, bfree, bavail, files, ffree }
  },
  'promises.statfs of nothing': ({ fs, at }) => fs.promises.statfs(at('/nope')),
  glob: async ({ fs, at }) => {
    const found: string[] = []
    for await (const path of fs.promises.glob(at('/r/*/memory.max'))) found.push(path)
    return found.sort()
  },
}

const contents: Record<string, Operation> = {
  'read text': ({ fs, at }) => fs.readFileSync(at('/a/memory.max'), 'utf8'),
  'read bytes': ({ fs, at }) => fs.readFileSync(at('/a/memory.max')),
  'read a directory': ({ fs, at }) => fs.readFileSync(at('/a')),
  'read a directory as text': ({ fs, at }) => fs.readFileSync(at('/a'), 'utf8'),
  'read nothing': ({ fs, at }) => fs.readFileSync(at('/a/nope')),
  'read what is only written': ({ fs, at }) => fs.readFileSync(at('/a/cgroup.kill')),
  'promises.readFile': ({ fs, at }) => fs.promises.readFile(at('/a/memory.max'), 'utf8'),
  'promises.readFile of a directory': ({ fs, at }) => fs.promises.readFile(at('/a')),
  'promises.readFile of what is only written': ({ fs, at }) => fs.promises.readFile(at('/a/cgroup.kill')),
  'readFile of nothing with a callback': ({ fs, at }) => called(done => fs.readFile(at('/a/nope'), done)),
  'write text': ({ fs, at }) => fs.writeFileSync(at('/a/memory.max'), '100M'),
  'what was written': ({ fs, at }) => fs.readFileSync(at('/a/memory.max'), 'utf8'),
  'write bytes': ({ fs, at }) => fs.writeFileSync(at('/a/memory.max'), Buffer.from('200M')),
  'write rubbish': ({ fs, at }) => fs.writeFileSync(at('/a/memory.max'), 'rubbish'),
  'write rubbish in bytes': ({ fs, at }) => fs.writeFileSync(at('/a/memory.max'), Buffer.from('rubbish')),
  'promises.writeFile of rubbish': ({ fs, at }) => fs.promises.writeFile(at('/a/memory.max'), 'rubbish'),
  'writeFile of rubbish with a callback': ({ fs, at }) =>
    called(done => fs.writeFile(at('/a/memory.max'), 'rubbish', done)),
  'write nothing': ({ fs, at }) => fs.writeFileSync(at('/a/memory.max'), ''),
  'write a new file': ({ fs, at }) => fs.writeFileSync(at('/a/new'), 'x'),
  'write a new file with a slash': ({ fs, at }) => fs.writeFileSync(at('/a/new/'), 'x'),
  'write exclusively': ({ fs, at }) => fs.writeFileSync(at('/a/memory.max'), '1', { flag: 'wx' }),
  'write a directory': ({ fs, at }) => fs.writeFileSync(at('/a'), '1'),
  'write too much': ({ fs, at }) => fs.writeFileSync(at('/a/memory.max'), '1'.repeat(4097)),
  'write what is only read': ({ fs, at }) => fs.writeFileSync(at('/a/memory.current'), '1'),
  append: ({ fs, at }) => fs.appendFileSync(at('/a/memory.max'), '300M'),
  'what was appended': ({ fs, at }) => fs.readFileSync(at('/a/memory.max'), 'utf8'),
  'promises.appendFile to a new file': ({ fs, at }) => fs.promises.appendFile(at('/a/new'), '1'),
  'move this process': ({ fs, at }) => fs.writeFileSync(at('/a/cgroup.procs'), '0'),
  'who is there': ({ fs, at }) => fs.readFileSync(at('/a/cgroup.procs'), 'utf8') === `${process.pid}\n`,
  'rmdir of a populated cgroup': ({ fs, at }) => fs.rmdirSync(at('/a')),
  'control beside processes': ({ fs, at }) => fs.writeFileSync(at('/a/cgroup.subtree_control'), '+memory'),
  'move back': ({ fs, at }) => fs.writeFileSync(at('/cgroup.procs'), '0'),
  'move nobody': ({ fs, at }) => fs.writeFileSync(at('/cgroup.procs'), '4000000'),
  truncate: ({ fs, at }) => fs.truncateSync(at('/a/memory.max'), 0),
  'truncate a directory': ({ fs, at }) => fs.truncateSync(at('/a')),
  'truncate nothing': ({ fs, at }) => called(done => fs.truncate(at('/a/nope'), 1, done)),
  'promises.truncate': ({ fs, at }) => fs.promises.truncate(at('/a/memory.max')),
  copyFile: ({ fs, at }) => fs.copyFileSync(at('/a/memory.max'), at('/a/memory.high')),
  'what was copied': ({ fs, at }) => fs.readFileSync(at('/a/memory.high'), 'utf8'),
  'copyFile to a new file': ({ fs, at }) => fs.copyFileSync(at('/a/memory.max'), at('/a/x')),
  'copyFile exclusively': ({ fs, at }) =>
    fs.copyFileSync(at('/a/memory.max'), at('/a/memory.low'), fs.constants.COPYFILE_EXCL),
  'copyFile of nothing': ({ fs, at }) => fs.promises.copyFile(at('/a/nope'), at('/a/memory.low')),
  'cp of a file': ({ fs, at }) => fs.cpSync(at('/a/memory.max'), at('/a/memory.low')),
  'cp without force': ({ fs, at }) => fs.cpSync(at('/a/memory.max'), at('/a/memory.low'), { force: false }),
  'promises.cp of a file': ({ fs, at }) => fs.promises.cp(at('/a/memory.max'), at('/a/memory.low')),
  'read stream': ({ fs, at }) => textOf(fs.createReadStream(at('/a/memory.max'), 'utf8')),
  'read stream of a part': ({ fs, at }) =>
    textOf(fs.createReadStream(at('/a/memory.max'), { encoding: 'utf8', start: 2, end: 4 })),
  'read stream of nothing': ({ fs, at }) => textOf(fs.createReadStream(at('/a/nope'))),
  'read stream of a directory': ({ fs, at }) => textOf(fs.createReadStream(at('/a'))),
  'write stream': ({ fs, at }) => ended(fs.createWriteStream(at('/a/memory.max')), '400M'),
  'what was streamed': ({ fs, at }) => fs.readFileSync(at('/a/memory.max'), 'utf8'),
  'write stream of rubbish': ({ fs, at }) => ended(fs.createWriteStream(at('/a/memory.max')), 'rubbish'),
  'write stream to a new file': ({ fs, at }) => ended(fs.createWriteStream(at('/a/new')), 'x'),
}

const attributes: Record<string, Operation> = {
  chmod: ({ fs, at }) => fs.chmodSync(at('/a/memory.max'), 0o600),
  'mode after chmod': ({ fs, at }) => fs.statSync(at('/a/memory.max')).mode,
  'chmod of nothing': ({ fs, at }) => fs.promises.chmod(at('/a/nope'), 0o600),
  chown: ({ fs, at }) => fs.chownSync(at('/a/memory.max'), 5, 6),
  lchown: ({ fs, at }) => fs.lchownSync(at('/a/memory.max'), 7, 6),
  'owner after chown': ({ fs, at }) => [fs.statSync(at('/a/memory.max')).uid, fs.statSync(at('/a/memory.max')).gid],
  utimes: ({ fs, at }) => fs.utimesSync(at('/a'), 1.5, 1234567890.123456),
  'times after utimes': ({ fs, at }) => statOf(fs.statSync(at('/a'), { bigint: true })),
  'times as numbers': ({ fs, at }) => statOf(fs.statSync(at('/a'))),
  'utimes before 1970': ({ fs, at }) => fs.utimesSync(at('/a'), new Date(-2500), new Date(-1500)),
  'times before 1970': ({ fs, at }) => statOf(fs.statSync(at('/a'), { bigint: true })),
  lutimes: ({ fs, at }) => fs.promises.lutimes(at('/a'), 5, 6),
  'utimes of nothing': ({ fs, at }) => fs.utimesSync(at('/nope'), 5, 6),
  'lutimes of nothing': ({ fs, at }) => fs.lutimesSync(at('/nope'), 5, 6),
}

const buffered = (size = 20): Buffer => Buffer.alloc(size)

const descriptors: Record<string, Operation> = {
  open: ({ fs, at, fds }) => {
    fds.max = fs.openSync(at('/a/memory.max'), 'r+')
  },
  fstat: ({ fs, fds }) => statOf(fs.fstatSync(fds.max!)),
  fchmod: ({ fs, fds }) => fs.fchmodSync(fds.max!, 0o640),
  fchown: ({ fs, fds }) => fs.fchownSync(fds.max!, 0, 0),
  futimes: ({ fs, fds }) => fs.futimesSync(fds.max!, 10, 20),
  'fstat after that': ({ fs, fds }) => statOf(fs.fstatSync(fds.max!)),
  'read on': ({ fs, fds }) => {
    const into = buffered()
    return [fs.readSync(fds.max!, into, 0, 3, null), fs.readSync(fds.max!, into, 3, 17, null), into]
  },
  'read at the end': ({ fs, fds }) => fs.readSync(fds.max!, buffered()),
  pread: ({ fs, fds }) => {
    const into = buffered()
    return [fs.readSync(fds.max!, into, 2, 5, 1), into]
  },
  readv: ({ fs, fds }) => {
    const into = [buffered(2), buffered(3)]
    return [fs.readvSync(fds.max!, into, 0), ...into]
  },
  'read with a callback': ({ fs, fds }) =>
    called(done => fs.read(fds.max!, { buffer: buffered(), position: 0 }, (error, count) => done(error, count))),
  write: ({ fs, fds }) => fs.writeSync(fds.max!, '400M'),
  pwrite: ({ fs, fds }) => fs.writeSync(fds.max!, Buffer.from('xx500Mxx'), 2, 4, 77),
  'what was written there': ({ fs, at }) => fs.readFileSync(at('/a/memory.max'), 'utf8'),
  writev: ({ fs, fds }) => fs.writevSync(fds.max!, [Buffer.from('60'), Buffer.from('0M')]),
  'what was written in pieces': ({ fs, at }) => fs.readFileSync(at('/a/memory.max'), 'utf8'),
  'write nothing there': ({ fs, fds }) => fs.writeSync(fds.max!, ''),
  'write rubbish there': ({ fs, fds }) => fs.writeSync(fds.max!, 'rubbish'),
  'write with a callback': ({ fs, fds }) => called(done => fs.write(fds.max!, 'rubbish', error => done(error))),
  'readFile of a descriptor': ({ fs, fds }) => fs.readFileSync(fds.max!, 'utf8'),
  'writeFile to a descriptor': ({ fs, fds }) => fs.writeFileSync(fds.max!, '700M'),
  'appendFile to a descriptor': ({ fs, fds }) => fs.appendFileSync(fds.max!, '710M'),
  ftruncate: ({ fs, fds }) => fs.ftruncateSync(fds.max!),
  fsync: ({ fs, fds }) => fs.fsyncSync(fds.max!),
  fdatasync: ({ fs, fds }) => called(done => fs.fdatasync(fds.max!, done)),
  close: ({ fs, fds }) => fs.closeSync(fds.max!),
  'open to read': ({ fs, at, fds }) => {
    fds.r = fs.openSync(at('/a/memory.max'), 'r')
  },
  'ftruncate of that': ({ fs, fds }) => fs.ftruncateSync(fds.r!),
  'write to that': ({ fs, fds }) => fs.writeSync(fds.r!, 'x'),
  'close that': ({ fs, fds }) => called(done => fs.close(fds.r!, done)),
  'open to write': ({ fs, at, fds }) => {
    fds.w = fs.openSync(at('/a/memory.max'), 'w')
  },
  'read from that': ({ fs, fds }) => fs.readSync(fds.w!, buffered()),
  'readFile of that': ({ fs, fds }) => fs.readFileSync(fds.w!),
  'close that, too': ({ fs, fds }) => fs.closeSync(fds.w!),
  'open a directory': ({ fs, at, fds }) => {
    fds.d = fs.openSync(at('/a'), 'r')
  },
  'read from a directory': ({ fs, fds }) => fs.readSync(fds.d!, buffered()),
  'fstat of a directory': ({ fs, fds }) => fs.fstatSync(fds.d!).isDirectory(),
  'ftruncate of a directory': ({ fs, fds }) => fs.ftruncateSync(fds.d!),
  'fsync of a directory': ({ fs, fds }) => fs.fsyncSync(fds.d!),
  'close a directory': ({ fs, fds }) => fs.closeSync(fds.d!),
  'open a directory to write': ({ fs, at }) => fs.openSync(at('/a'), 'r+'),
  'open a file as a directory': ({ fs, at }) => fs.openSync(at('/a/memory.max'), fs.constants.O_DIRECTORY),
  'open directly': ({ fs, at }) => fs.openSync(at('/a/memory.max'), fs.constants.O_DIRECT),
  'open without following': ({ fs, at }) => fs.closeSync(fs.openSync(at('/a/memory.max'), fs.constants.O_NOFOLLOW)),
  'make a directory by open': ({ fs, at }) => fs.openSync(at('/a/x'), fs.constants.O_CREAT | fs.constants.O_DIRECTORY),
  'make a directory that is there by open': ({ fs, at }) => fs.openSync(at('/a'), fs.constants.O_CREAT),
  'open a new file to append': ({ fs, at }) => fs.openSync(at('/a/x'), 'a+'),
  'read from nowhere': ({ fs }) => fs.readSync(NO_FD, buffered()),
  'write to nowhere': ({ fs }) => fs.writeSync(NO_FD, 'x'),
  'close nothing': ({ fs }) => fs.closeSync(NO_FD),
  'fstat of nothing': ({ fs }) => fs.fstatSync(NO_FD),
  'fsync of nothing': ({ fs }) => fs.fsyncSync(NO_FD),
  'ftruncate of nothing': ({ fs }) => fs.ftruncateSync(NO_FD),
  'fchmod of nothing': ({ fs }) => fs.fchmodSync(NO_FD, 0o600),
  'futimes of nothing': ({ fs }) => fs.futimesSync(NO_FD, 1, 1),
  'open a handle': async ({ fs, at, handles }) => {
    handles.max = await fs.promises.open(at('/a/memory.max'), 'r+')
  },
  'handle.read': async ({ handles }) => (await handles.max!.read(buffered(), 0, 5, 0)).buffer,
  'handle.readv': async ({ handles }) => (await handles.max!.readv([buffered(3), buffered(4)], 0)).buffers,
  'handle.write': async ({ handles }) => (await handles.max!.write('300M')).bytesWritten,
  'handle.write of rubbish': ({ handles }) => handles.max!.write('rubbish'),
  'handle.writev': async ({ handles }) =>
    (await handles.max!.writev([Buffer.from('3'), Buffer.from('20M')])).bytesWritten,
  'handle.readFile': ({ handles }) => handles.max!.readFile('utf8'),
  'handle.writeFile': ({ handles }) => handles.max!.writeFile('310M'),
  'handle.stat': async ({ handles }) => statOf(await handles.max!.stat()),
  'handle.chmod': ({ handles }) => handles.max!.chmod(0o600),
  'handle.utimes': ({ handles }) => handles.max!.utimes(5, 6),
  'handle.truncate': ({ handles }) => handles.max!.truncate(),
  'handle.sync': ({ handles }) => handles.max!.sync(),
  'handle.createReadStream': ({ handles }) => textOf(handles.max!.createReadStream({ encoding: 'utf8', start: 0 })),
  'handle.stat of a closed handle': ({ handles }) => handles.max!.stat(),
  'promises.open of nothing': ({ fs, at }) => fs.promises.open(at('/a/nope'), 'r+'),
}

const removing: Record<string, Operation> = {
  'rmdir of a parent': ({ fs, at }) => fs.rmdirSync(at('/r')),
  'rmdir of the root': ({ fs, at }) => fs.rmdirSync(at('/')),
  'rmdir of a file': ({ fs, at }) => fs.rmdirSync(at('/a/memory.max')),
  'rmdir of nothing': ({ fs, at }) => fs.promises.rmdir(at('/nope')),
  'rmdir of .': ({ fs, at }) => fs.rmdirSync(at('/a/.')),
  'rmdir of ..': ({ fs, at }) => fs.rmdirSync(at('/a/..')),
  'rmdir of the control directory': ({ fs, at }) => fs.rmdirSync(at('/.memcgfs')),
  'rm of nothing': ({ fs, at }) => fs.rmSync(at('/nope')),
  'rm -f of nothing': ({ fs, at }) => fs.rmSync(at('/nope'), { force: true }),
  'rm of a directory': ({ fs, at }) => fs.rmSync(at('/m')),
  'rm of a file': ({ fs, at }) => fs.rmSync(at('/m/memory.max')),
  'rm -r of a leaf': ({ fs, at }) => fs.rmSync(at('/m'), { recursive: true }),
  'rm -rf of a tree': ({ fs, at }) => fs.rmSync(at('/r'), { recursive: true, force: true }),
  'rm -rf of a file': ({ fs, at }) => fs.rmSync(at('/m/memory.max'), { recursive: true, force: true }),
  'what rm has left': ({ fs, at }) => fs.readdirSync(at('/')).filter(name => isCgroup(name) && !name.includes('tmp')),
  'promises.rm of nothing': ({ fs, at }) => fs.promises.rm(at('/nope')),
  'promises.rm -f of nothing': ({ fs, at }) => fs.promises.rm(at('/nope'), { force: true }),
  'promises.rm of a directory': ({ fs, at }) => fs.promises.rm(at('/m')),
  'promises.rm of a file': ({ fs, at }) => fs.promises.rm(at('/m/memory.max')),
  'promises.rm -r of a tree': ({ fs, at }) => fs.promises.rm(at('/r'), { recursive: true }),
  'promises.rm -r of a leaf': ({ fs, at }) => fs.promises.rm(at('/m'), { recursive: true }),
  'promises.rm -r of the root': ({ fs, at }) => fs.promises.rm(at('/'), { recursive: true }),
  'rm of a file with a callback': ({ fs, at }) => called(done => fs.rm(at('/a/memory.max'), done)),
  'what promises.rm has left': ({ fs, at }) =>
    fs.readdirSync(at('/')).filter(name => isCgroup(name) && !name.includes('tmp')),
  'open what is going to die': ({ fs, at, fds }) => {
    const first = buffered(4)
    fds.half = fs.openSync(at('/a/cgroup.events'), 'r')
    fds.fresh = fs.openSync(at('/a/cgroup.events'), 'r')
    fds.dir = fs.openSync(at('/a'), 'r')
    return [fs.readSync(fds.half, first), first]
  },
  rmdir: ({ fs, at }) => fs.rmdirSync(at('/a')),
  'read the rest of the dead': ({ fs, fds }) => {
    const into = buffered(40)
    return [fs.readSync(fds.half!, into), into]
  },
  'read the dead': ({ fs, fds }) => fs.readSync(fds.fresh!, buffered()),
  'readFile of the dead': ({ fs, fds }) => fs.readFileSync(fds.fresh!, 'utf8'),
  'write to the dead': ({ fs, fds }) => fs.writeSync(fds.half!, '1'),
  'fstat of the dead': ({ fs, fds }) => fs.fstatSync(fds.fresh!).nlink,
  'fstat of a dead directory': ({ fs, fds }) => fs.fstatSync(fds.dir!).nlink,
  'close the dead': ({ fs, fds }) => [fds.half!, fds.fresh!, fds.dir!].map(fd => fs.closeSync(fd)),
}

/** In order. */
export const operations: readonly (readonly [title: string, operation: Operation])[] = [
  naming,
  looking,
  contents,
  attributes,
  descriptors,
  removing,
].flatMap(group => Object.entries(group))
