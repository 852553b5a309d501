/** Open files: the text a description has, and what is left of it when the cgroup is gone. Examples 17 to 19 of cgroup-core.md §10. */
import t from 'tap'
import { O } from '../../src/api/process.ts'
import { EINVAL, ENODEV, ENOENT, isErrno } from '../../src/errno.ts'
import { POLLERR, POLLIN, POLLPRI } from '../../src/kernfs/door.ts'
import { machine } from './machine.ts'

t.test('example 17: a reader goes on with the text it began, whatever is written in the meantime', async t => {
  const { root } = machine()
  root.mkdir('/a', 0o755)
  const fd = root.open('/a/cgroup.max.depth', O.RDWR)
  t.equal(root.read(fd, 2), 'ma')
  t.equal(root.pwrite(fd, '12345', 0), 5)
  t.equal(root.read(fd, 100), 'x\n')
  t.equal(root.lseek(fd, 0, 'SET'), 0)
  t.equal(root.read(fd, 100), '12345\n')
  t.equal(root.pwrite(fd, '7', 100), 1, 'the offset of a write plays no part')
  t.equal(root.pread(fd, 100, 0), '7\n')
})

t.test('example 18: reading in pieces, and seeking', async t => {
  const { root } = machine()
  root.mkdir('/a', 0o755)
  const fd = root.open('/a/cgroup.events', O.RDONLY)
  t.equal(root.read(fd, 3), 'pop')
  t.equal(root.read(fd, 3), 'ula')
  root.writeFile('/a/cgroup.freeze', '1')
  t.equal(root.lseek(fd, 0, 'SET'), 0)
  t.equal(root.read(fd, 100), 'populated 0\nfrozen 1\n', 'from the start it is produced again')
  t.equal(root.read(fd, 100), '')
  t.equal(root.lseek(fd, 0, 'END'), 0)
  t.equal(root.lseek(fd, -1, 'SET'), EINVAL)
  t.equal(root.lseek(fd, 100, 'SET'), 100)
  t.equal(root.read(fd, 100), '')
})

t.test('example 19: what is open when its cgroup is removed', async t => {
  const { root } = machine()
  root.mkdir('/a', 0o755)
  const procs = root.open('/a/cgroup.procs', O.RDWR)
  const events = root.open('/a/cgroup.events', O.RDONLY)
  const depth = root.open('/a/cgroup.max.depth', O.RDWR)
  const directory = root.open('/a', O.RDONLY)
  root.read(events, 4)
  t.equal(root.rmdir('/a'), 0)
  t.equal(root.read(procs, 100), ENODEV)
  t.equal(root.read(events, 100), 'lated 0\nfrozen 0\n', 'the rest of the old text')
  t.equal(root.pread(events, 100, 0), ENODEV)
  t.equal(root.write(depth, '5'), ENODEV)
  t.equal(root.poll(events, POLLIN | POLLPRI), POLLIN | POLLPRI | POLLERR)
  t.equal(root.lseek(depth, 0, 'SET'), ENODEV, '6.12; 6.1 seeks')
  t.equal(root.getdents(directory), ENOENT)
  t.equal(root.openat(directory, 'cgroup.procs', O.RDONLY), ENOENT)
  t.equal(root.mkdirat(directory, 'sub', 0o755), ENOENT)
  t.equal(root.fchmod(directory, 0o700), 0)
})

t.test('a removed directory that is only open, or only somebody is in it, can still be looked at', async t => {
  const { root, pass } = machine()
  root.mkdir('/a', 0o755)
  const fd = root.open('/a', O.RDONLY)
  root.mkdir('/b', 0o755)
  root.chdir('/b')
  root.rmdir('/a')
  root.rmdir('/b')
  pass(1e9)
  for (const attributes of [root.fstat(fd), root.stat('.')]) t.match(attributes, { mode: 0o40755, nlink: 2 })
  t.equal(root.list('.'), ENOENT)
  t.equal(root.mkdir('x', 0o755), ENOENT)
  t.equal(root.open('cgroup.procs', O.RDONLY), ENOENT)
  t.equal(root.open('x', O.WRONLY | O.CREAT), ENOENT)
  t.equal(root.mknod('x', 0o100644), ENOENT)
  t.notOk(isErrno(root.close(fd)))
})
