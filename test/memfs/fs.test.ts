/** The in-process view: what same-as-node.test.ts cannot compare, or not without the right to mount. */
import * as nodeFs from 'node:fs'
import t from 'tap'
import { createCgroupFs } from '../../mount/index.ts'

t.test('every function that is promised exists', async t => {
  const { fs } = createCgroupFs()
  const functions = fs as unknown as Record<string, unknown>
  const promised = Object.keys(nodeFs).filter(name => name in functions)
  t.ok(promised.length > 90, 'most of node:fs')
  for (const name of promised) t.equal(typeof functions[name], typeof (nodeFs as Record<string, unknown>)[name], name)
  for (const name of Object.keys(fs.promises)) t.ok(name in nodeFs.promises, `promises.${name}`)
  t.same(
    Object.keys(fs).filter(name => !(name in nodeFs)),
    [],
    'and nothing else',
  )
})

t.test('an error is what Node would throw', async t => {
  const { fs } = createCgroupFs()
  fs.mkdirSync('/a')
  fs.writeFileSync('/a/cgroup.procs', '0')
  const expected = {
    message: "EBUSY: resource busy or locked, rmdir '/a'",
    errno: -16,
    code: 'EBUSY',
    syscall: 'rmdir',
    path: '/a',
  }
  t.throws(() => fs.rmdirSync('/a'), expected)
  await t.rejects(fs.promises.rmdir('/a'), expected)
  await new Promise<void>(resolve =>
    fs.rmdir('/a', error => {
      t.match(error, expected)
      resolve()
    }),
  )
  t.throws(() => fs.renameSync('/a', '/b'), {
    message: "EPERM: operation not permitted, rename '/a' -> '/b'",
    dest: '/b',
  })
})

t.test('an error libuv does not know has its number', async t => {
  const { fs } = createCgroupFs()
  fs.mkdirSync('/a')
  fs.writeFileSync('/cgroup.subtree_control', '+pids')
  fs.writeFileSync('/a/cgroup.subtree_control', '+pids')
  fs.mkdirSync('/a/b')
  // An invalid domain takes no process (cgroup-core.md §10, 5 to 7): EOPNOTSUPP, which libuv calls ENOTSUP.
  fs.mkdirSync('/a/b/c')
  fs.writeFileSync('/a/b/cgroup.type', 'threaded')
  t.throws(() => fs.writeFileSync('/a/b/c/cgroup.procs', '0'), { code: 'ENOTSUP', errno: -95 })
})

t.test('control files are never unlinked', async t => {
  const { fs } = createCgroupFs()
  fs.mkdirSync('/a/b', { recursive: true })
  t.throws(() => fs.rmSync('/a', { recursive: true, force: true }), { code: 'EPERM', syscall: 'rm', path: '/a' })
  t.ok(fs.existsSync('/a/b/cgroup.procs'))
  fs.rmdirSync('/a/b')
  fs.rmdirSync('/a')
})

t.test('a descriptor belongs to its view and is none of the host', async t => {
  const cgroups = createCgroupFs()
  const fd = cgroups.fs.openSync('/cgroup.procs', 'r')
  t.throws(() => nodeFs.fstatSync(fd), { code: 'EBADF' })
  t.throws(() => cgroups.as({ uid: 5 }).fstatSync(fd), { code: 'EBADF' })
  cgroups.fs.closeSync(fd)
  t.equal(cgroups.fs.openSync('/cgroup.procs', 'r'), fd, 'the lowest free number is taken')
})

t.test('credentials are those of the simulated process, whoever runs this', async t => {
  const cgroups = createCgroupFs({ owner: { uid: 0, gid: 0 } })
  const { fs } = cgroups
  const user = cgroups.as({ uid: 1000, gid: 1000, groups: [50] })
  fs.mkdirSync('/theirs')

  t.throws(() => user.mkdirSync('/mine'), { code: 'EACCES' })
  t.throws(() => user.rmdirSync('/theirs'), { code: 'EACCES' })
  t.throws(() => user.writeFileSync('/theirs/cgroup.freeze', '1'), { code: 'EACCES', syscall: 'open' })
  t.throws(() => user.accessSync('/theirs/cgroup.freeze', user.constants.W_OK), { code: 'EACCES' })
  t.equal(user.readFileSync('/theirs/cgroup.freeze', 'utf8'), '0\n')
  t.throws(() => user.chmodSync('/theirs', 0o777), { code: 'EPERM' })

  fs.chownSync('/theirs', 1000, 1000)
  user.mkdirSync('/theirs/job', 0o700)
  const { uid, gid, mode } = fs.statSync('/theirs/job')
  t.same([uid, gid, mode & 0o777], [1000, 1000, 0o700])
  t.throws(() => cgroups.as({ uid: 1001 }).readdirSync('/theirs/job'), { code: 'EACCES', syscall: 'scandir' })
  t.throws(() => cgroups.as({ uid: 1001 }).readFileSync('/theirs/job/cgroup.procs'), {
    code: 'EACCES',
    syscall: 'open',
  })
  user.chownSync('/theirs/job', 1000, 50)
  t.throws(() => user.chownSync('/theirs/job', 0, 50), { code: 'EPERM' })
})

t.test('the owner of the files is the user of this process, unless another is named', async t => {
  t.equal(createCgroupFs().fs.statSync('/').uid, process.getuid?.() ?? 0)
  const { fs } = createCgroupFs({ owner: { uid: 7, gid: 8 } })
  fs.mkdirSync('/a')
  const { uid, gid } = fs.statSync('/a')
  t.same([uid, gid], [7, 8])
})

t.test('processes exist when they use the files, or are said to', async t => {
  const cgroups = createCgroupFs()
  const { fs, processes } = cgroups
  fs.mkdirSync('/a')
  t.throws(() => fs.writeFileSync('/a/cgroup.procs', '4711'), { code: 'ESRCH' })
  processes.add(4711)
  fs.writeFileSync('/a/cgroup.procs', '4711')
  cgroups.as({ pid: 4242 }).writeFileSync('/a/cgroup.procs', '0')
  fs.writeFileSync('/a/cgroup.procs', '0')
  t.same(fs.readFileSync('/a/cgroup.procs', 'utf8').split('\n').sort(), ['', '4242', '4711', `${process.pid}`].sort())
  processes.exit(4711)
  processes.exit(4242)
  fs.writeFileSync('/cgroup.procs', '0')
  t.equal(fs.readFileSync('/a/cgroup.events', 'utf8'), 'populated 0\nfrozen 0\n')
})

t.test('close ends watching and closes what is open', async t => {
  const cgroups = createCgroupFs()
  const { fs } = cgroups
  fs.mkdirSync('/a')
  const watcher = fs.watch('/a')
  fs.watchFile('/a/cgroup.events', () => {})
  const fd = fs.openSync('/a/cgroup.events', 'r')
  const closed = new Promise(resolve => watcher.once('close', resolve))
  await cgroups.close()
  await closed
  t.throws(() => fs.fstatSync(fd), { code: 'EBADF' })
})
