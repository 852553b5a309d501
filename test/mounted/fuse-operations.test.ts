/** Every operation of the transport, through the system call that causes it. */
import {
  constants,
  type Dirent,
  lstatSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { STATFS } from '../../src/kernfs/door.ts'
import { type SyscallClient, startClient } from './syscalls.ts'
import { cannotMount, mountToy } from './toy.ts'

const { O_RDONLY, O_WRONLY, O_RDWR, O_TRUNC, O_CREAT, O_EXCL, O_DIRECT, O_DIRECTORY, S_IFIFO, S_IFREG } = constants
const O_TMPFILE = 0o20000000 | O_DIRECTORY
const AT_FDCWD = -100
const TCGETS = 0x5401

t.test('system calls on the mount', { skip: cannotMount }, async t => {
  const session = await mountToy(t)
  const client = await startClient(t)
  const at = (path: string): string => join(session.dir, path)

  t.test('a directory is made with the mode and owner of its maker, and removed', async t => {
    t.equal(await client.call('mkdir', at('a'), 0o2777), 0)
    const { mode, uid, nlink, ino } = lstatSync(at('a'))
    t.equal(mode, 0o40755, 'the umask counts, set-id bits do not')
    t.same({ uid, nlink }, { uid: 0, nlink: 2 })
    t.ok(ino > 1)
    t.equal(lstatSync(session.dir).nlink, 3)
    t.equal(await client.call('mkdir', at('a'), 0o755), 'EEXIST')
    t.equal(await client.call('mkdir', at('a/toy.value'), 0o755), 'EEXIST')
    t.equal(await client.call('mkdir', at('none/b'), 0o755), 'ENOENT')
    t.equal(await client.call('mkdir', at('toy.value/b'), 0o755), 'ENOTDIR')
    t.equal(await client.call('mkdir', at('a/b'), 0o755), 0)
    t.equal(await client.call('rmdir', at('a')), 'EBUSY')
    t.equal(await client.call('rmdir', at('a/b')), 0)
    t.equal(await client.call('rmdir', at('a/b')), 'ENOENT')
    t.equal(await client.call('rmdir', at('a/toy.value')), 'ENOTDIR')
    t.equal(await client.call('rmdir', at('a')), 0)
    t.equal(lstatSync(session.dir).nlink, 2)
  })

  t.test('names are bytes', async t => {
    const name = Buffer.from([0x63, 0x67, 0xff, 0x20, 0x5c, 0xc3, 0xa4])
    const path = Buffer.concat([Buffer.from(`${session.dir}/`), name])
    const { mkdirSync, rmdirSync } = await import('node:fs')
    mkdirSync(path)
    const listed = readdirSync(session.dir, { encoding: 'buffer' }).filter(entry => entry[0] === 0x63)
    t.same(listed, [name])
    rmdirSync(path)
  })

  t.test('what the filesystem has no operation for is refused as the kernel does', async t => {
    t.equal(await client.call('open', at('new'), O_WRONLY | O_CREAT, 0o644), 'EACCES')
    t.equal(await client.call('open', at('toy.value'), O_WRONLY | O_CREAT | O_EXCL, 0o644), 'EEXIST')
    t.equal(await client.call('open', session.dir, O_RDWR | O_TMPFILE, 0o644), 'EOPNOTSUPP')
    t.equal(await client.call('mknod', at('new'), S_IFREG | 0o644, 0), 'EACCES')
    t.equal(await client.call('mknod', at('new'), S_IFIFO | 0o644, 0), 'EPERM')
    t.equal(await client.call('symlink', 'toy.value', at('new')), 'EPERM')
    t.equal(await client.call('link', at('toy.value'), at('new')), 'EPERM')
    t.equal(await client.call('unlink', at('toy.value')), 'EPERM')
    t.equal(await client.call('rename', at('toy.value'), at('new')), 'EPERM')
    t.equal(await client.call('rename', at('none'), at('new')), 'ENOENT')
    t.equal(await client.call('renameat2', AT_FDCWD, at('toy.value'), AT_FDCWD, at('new'), 1), 'EINVAL')
    t.equal(await client.call('access', at('toy.value'), constants.X_OK), 'EACCES', 'the kernel judges by the mode')
  })

  t.test('contents are read as a whole although the size is 0', async t => {
    t.equal(readFileSync(at('toy.file0'), 'latin1'), '9\n')
    t.equal(statSync(at('toy.file0')).size, 0)
    t.equal(readFileSync(at('toy.big'), 'latin1').length, 300_000, 'in several requests')
    const fd = await openFile(client, at('toy.value'), O_RDWR)
    t.equal(await client.read(fd, 1), '0')
    t.equal(await client.call('pwrite', fd, '12\n', 3, 100), 3, 'the offset of a write does not matter')
    t.equal(await client.read(fd, 10), '\n', 'a text is produced at offset 0 and then kept')
    t.equal(await client.read(fd, 10, 0), '12\n')
    t.equal(await client.call('lseek', fd, 0, 2), 0, 'the end is where the size says')
    t.equal(await client.call('lseek', fd, -1, 0), 'EINVAL')
    t.equal(await client.call('lseek', fd, 7, 0), 7)
    t.equal(await client.read(fd, 10), '')
    await client.call('close', fd)
  })

  t.test('a write is one request, and its errno is the answer', async t => {
    const fd = await openFile(client, at('toy.value'), O_WRONLY | O_TRUNC)
    t.equal(await client.call('write', fd, 'abc', 3), 'EINVAL')
    t.equal(await client.call('write', fd, '7'.repeat(4096), 4096), 4096)
    t.equal(await client.call('write', fd, '7'.repeat(4097), 4097), 'E2BIG')
    t.equal(await client.call('write', fd, '7'.repeat(500_000), 500_000), 'E2BIG', 'also when the kernel splits it')
    t.equal(await client.call('write', fd, '', 0), 0)
    t.equal(await client.read(fd, 1), 'EBADF')
    await client.call('close', fd)
    writeFileSync(at('toy.value'), '8\n')
    t.equal(readFileSync(at('toy.value'), 'latin1'), '8\n')
    const readOnly = await openFile(client, at('toy.events'), O_RDWR)
    t.equal(await client.call('write', readOnly, 'x', 1), 'EINVAL', 'root may open a file nobody may write')
    await client.call('close', readOnly)
    const writeOnly = await openFile(client, at('toy.later'), O_RDWR)
    t.equal(await client.read(writeOnly, 1), 'EINVAL')
    await client.call('close', writeOnly)
  })

  t.test('open descriptors: direct I/O, locks, sync, ioctl, truncate, fallocate', async t => {
    t.equal(await client.call('open', at('toy.value'), O_RDONLY | O_DIRECT, 0), 'EINVAL')
    const fd = await openFile(client, at('toy.value'), O_RDWR)
    t.equal(await client.call('flock', fd, 2), 0)
    t.equal(await client.call('fsync', fd), 0)
    t.equal(await client.call('fsync', fd), 0)
    t.equal(await client.call('syncfs', fd), 0)
    t.equal(await client.call('ioctl', fd, TCGETS, null), 'ENOTTY')
    t.equal(await client.call('ioctl', fd, TCGETS, null), 'ENOTTY')
    t.equal(await client.call('ftruncate', fd, 0), 0)
    t.equal(await client.call('truncate', at('toy.value'), 0), 0)
    t.equal(await client.call('fallocate', fd, 0, 0, 10), 'EOPNOTSUPP')
    t.equal(await client.call('close', fd), 0)
    t.equal(readFileSync(at('toy.value'), 'latin1'), '8\n')
  })

  t.test('attributes can be changed and stay', async t => {
    t.equal(await client.call('chmod', at('toy.value'), 0o600), 0)
    t.equal(await client.call('chown', at('toy.value'), 1234, 4321), 0)
    const { utimesSync } = await import('node:fs')
    utimesSync(at('toy.value'), 111, 222.5)
    const { mode, uid, gid, atimeMs, mtimeMs } = statSync(at('toy.value'))
    t.same(
      { mode, uid, gid, atimeMs, mtimeMs },
      { mode: S_IFREG | 0o600, uid: 1234, gid: 4321, atimeMs: 111_000, mtimeMs: 222_500 },
    )
    utimesSync(at('toy.value'), new Date(-5000), new Date(-7000))
    t.equal(statSync(at('toy.value')).mtimeMs, -7000, 'before 1970')
  })

  t.test('a directory is listed in order, with types, and in several requests', async t => {
    for (let i = 0; i < 300; i++) await client.call('mkdir', at(`directory-with-a-long-name-${i}`), 0o755)
    const entries: Dirent[] = []
    for await (const entry of await opendir(session.dir)) entries.push(entry) // readdir(3) of Node sorts.
    t.equal(entries.length, 37 + 300)
    t.equal(entries[0]?.name, 'toy.value')
    t.equal(entries.filter(entry => entry.isDirectory()).length, 300)
    t.equal(entries.filter(entry => entry.isFile()).length, 37)
    for (let i = 0; i < 300; i++) await client.call('rmdir', at(`directory-with-a-long-name-${i}`))
    t.equal(readdirSync(session.dir).length, 37)
  })

  t.test('extended attributes', async t => {
    const path = at('toy.value')
    t.same(await client.special('getxattr', path, 'user.a', 10), 'ENODATA')
    t.same(await client.call('setxattr', path, 'user.a', 'hello', 5, 0), 0)
    t.same(await client.call('setxattr', path, 'user.a', 'hello', 5, 1), 'EEXIST')
    t.same(await client.call('setxattr', path, 'user.b', 'hello', 5, 2), 'ENODATA')
    t.same(await client.call('setxattr', path, 'trusted.empty', '', 0, 0), 0)
    t.same(await client.special('getxattr', path, 'user.a', 0), { text: '', size: 5 })
    t.same(await client.special('getxattr', path, 'user.a', 5), { text: 'hello', size: 5 })
    t.same(await client.special('getxattr', path, 'user.a', 4), 'ERANGE')
    t.same(await client.special('getxattr', path, 'trusted.empty', 4), { text: '', size: 0 })
    t.same(await client.special('listxattr', path, 0), { text: '', size: 21 })
    t.same(await client.special('listxattr', path, 21), { text: 'user.a\0trusted.empty\0', size: 21 })
    t.same(await client.special('listxattr', path, 20), 'ERANGE')
    t.same(await client.call('setxattr', path, 'user.big', 'x'.repeat(65536), 65536, 0), 0)
    t.match(await client.special('getxattr', path, 'user.big', 65536), { size: 65536 })
    t.same(await client.call('removexattr', path, 'user.a'), 0)
    t.same(await client.call('removexattr', path, 'user.a'), 'ENODATA')
    t.same(await client.special('getxattr', path, 'system.posix_acl_access', 0), 'EOPNOTSUPP')
    t.same(await client.special('getxattr', at('toy.events'), 'user.a', 10), 'ENODATA', 'on each node its own')
  })

  t.test('statfs', async t => {
    const { bsize, blocks, files } = statfsSync(session.dir)
    t.same({ bsize, blocks, files }, { bsize: STATFS.bsize, blocks: 0, files: 0 })
  })

  t.test('a removed directory that is still open', async t => {
    await client.call('mkdir', at('a'), 0o755)
    const fd = await openFile(client, at('a/toy.value'), O_RDWR)
    t.equal(await client.read(fd, 1), '0')
    await client.call('rmdir', at('a'))
    t.equal(await client.read(fd, 10), '\n', 'the rest of the old text')
    t.equal(await client.read(fd, 10, 0), 'ENODEV')
    t.equal(await client.call('pwrite', fd, '1', 1, 0), 'ENODEV')
    await client.call('close', fd)
  })

  t.test('the kernel gives back every look-up', async t => {
    await client.call('mkdir', at('a'), 0o755)
    readdirSync(at('a'), { withFileTypes: true })
    const { ino } = statSync(at('a'))
    const lookups = (node: number): unknown => session.callSync({ do: 'lookups', node })
    t.equal(lookups(ino), 1)
    t.equal(lookups(ino + 1), 1, 'a listing counts')
    await client.call('rmdir', at('a'))
    readdirSync(session.dir) // FORGET is nobody's answer: a request after it shows that it has come.
    t.equal(lookups(ino), 0)
    t.equal(lookups(ino + 1), 0)
  })
})

async function openFile(client: SyscallClient, path: string, flags: number): Promise<number> {
  const fd = await client.call('open', path, flags, 0)
  if (typeof fd === 'string') throw new Error(`open ${path}: ${fd}`)
  return fd
}
