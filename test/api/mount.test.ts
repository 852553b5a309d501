/** One kernel, mounted and in process at the same time. */
import { execFileSync } from 'node:child_process'
import * as nodeFs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type CgroupFs, createCgroupFs, type Session } from '../../mount/index.ts'
import { cannotMount, emptyDirectory } from '../mounted/toy.ts'

interface Mounted {
  readonly cgroups: CgroupFs
  readonly session: Session
  /** A path on the mount. */
  at(path: string): string
}

/** With `unref: false` the process waits for the end of the mount. */
async function mounted(t: Test, cgroups = createCgroupFs(), { unref = true } = {}): Promise<Mounted> {
  const dir = emptyDirectory(t)
  t.teardown(() => cgroups.close())
  const session = await cgroups.mount(dir, { unref })
  return { cgroups, session, at: path => `${dir}${path}` }
}

const cgroupsIn = (fs: Pick<CgroupFs['fs'], 'readdirSync'>, path: string): string[] =>
  fs.readdirSync(path).filter(name => !name.includes('.'))

/** Waits until something is so. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await sleep(10)
}

t.test('both ways lead to the same kernel', { skip: cannotMount }, async t => {
  const cgroups = createCgroupFs()
  cgroups.fs.writeFileSync('/cgroup.subtree_control', '+memory +pids')
  cgroups.fs.mkdirSync('/before')
  cgroups.fs.writeFileSync('/before/.memcgfs/do', 'task t1\nanon t1 heap 16M\n')
  const memory = cgroups.fs.readFileSync('/before/memory.stat', 'utf8')
  const { at, session } = await mounted(t, cgroups)
  const { fs } = cgroups

  t.test('what was there before is on the mount', async t => {
    t.equal(nodeFs.readFileSync(at('/before/memory.stat'), 'utf8'), memory)
    t.throws(() => nodeFs.rmdirSync(at('/before')), { code: 'EBUSY' })
  })

  t.test('what one does the other sees at once, also when it has looked before', async t => {
    t.notOk(nodeFs.existsSync(at('/view')))
    fs.mkdirSync('/view')
    t.ok(nodeFs.existsSync(at('/view')))
    t.equal(nodeFs.statSync(at('/view')).nlink, 2)
    fs.mkdirSync('/view/child')
    t.equal(nodeFs.statSync(at('/view')).nlink, 3)
    t.same(cgroupsIn(nodeFs, at('/view')), ['child'])
    fs.rmdirSync('/view/child')
    t.notOk(nodeFs.existsSync(at('/view/child')))

    const { nlink } = nodeFs.statSync(at(''))
    fs.mkdirSync('/second')
    t.equal(nodeFs.statSync(at('')).nlink, nlink + 1, 'the root has no name that could be looked up again')
    fs.rmdirSync('/second')
    t.equal(nodeFs.statSync(at('')).nlink, nlink)
    fs.chmodSync('/', 0o700)
    t.equal(nodeFs.statSync(at('')).mode & 0o777, 0o700)
    fs.chmodSync('/', 0o755)

    nodeFs.mkdirSync(at('/view/other'))
    t.same(cgroupsIn(fs, '/view'), ['other'])
    nodeFs.writeFileSync(at('/view/memory.max'), '64M')
    t.equal(fs.readFileSync('/view/memory.max', 'utf8'), '67108864\n')
    fs.chmodSync('/view/memory.max', 0o600)
    t.equal(nodeFs.statSync(at('/view/memory.max')).mode & 0o777, 0o600)
    fs.writeFileSync('/cgroup.subtree_control', '-pids')
    t.notOk(nodeFs.existsSync(at('/view/pids.max')))
  })

  t.test('errors are the same', async t => {
    t.throws(() => fs.rmdirSync('/before'), { message: "EBUSY: resource busy or locked, rmdir '/before'" })
    t.throws(() => fs.writeFileSync('/before/memory.max', 'x'), { code: 'EINVAL', errno: -22, syscall: 'write' })
    await t.rejects(fs.promises.readFile('/nope'), { code: 'ENOENT', path: '/nope' })
  })

  t.test('programs of the host are in it under their own number', async t => {
    const script = `echo $$ > ${at('/view/other/cgroup.procs')} && cat ${at('/view/other/cgroup.procs')}`
    const seen = execFileSync('sh', ['-c', script], { encoding: 'utf8' })
    t.match(seen, /^\d+\n$/)
    t.equal(fs.readFileSync('/view/other/cgroup.procs', 'utf8'), '', 'it has exited')
    fs.writeFileSync('/view/other/cgroup.procs', '0')
    t.equal(nodeFs.readFileSync(at('/view/other/cgroup.procs'), 'utf8'), `${process.pid}\n`)
    nodeFs.writeFileSync(at('/cgroup.procs'), `${process.pid}`)
    t.equal(fs.readFileSync('/view/other/cgroup.events', 'utf8'), 'populated 0\nfrozen 0\n')
  })

  t.test('time is one', async t => {
    const { now } = cgroups
    cgroups.advance('2s')
    t.equal(nodeFs.readFileSync(at('/.memcgfs/clock'), 'utf8'), `${now + 2e9}\n`)
    nodeFs.writeFileSync(at('/.memcgfs/clock'), '+1s')
    t.equal(cgroups.now, now + 3e9)
  })

  t.test('watchers hear of what is done by way of the other', async t => {
    const told: string[] = []
    const watcher = fs.watch('/view', (type, name) => told.push(`${type} ${name}`))
    t.teardown(() => watcher.close())
    nodeFs.mkdirSync(at('/view/watched'))
    nodeFs.rmdirSync(at('/view/watched'))
    nodeFs.writeFileSync(at('/view/memory.max'), 'max')
    await until(() => told.length === 3)
    t.same(told, ['rename watched', 'rename watched', 'change memory.max'])
    told.length = 0
    fs.mkdirSync('/view/own')
    await until(() => told.length === 1)
    t.same(told, ['rename own'])
    nodeFs.readFileSync(at('/view/cgroup.events'))
    nodeFs.writeFileSync(at('/view/own/.memcgfs/do'), 'task w1')
    await until(() => told.length === 2)
    t.same(told, ['rename own', 'change cgroup.events'])
    fs.writeFileSync('/view/own/.memcgfs/do', 'exit w1')
  })

  t.test('the kernel itself is out of reach, and says so', async t => {
    t.throws(() => cgroups.kernel, { message: new RegExp(`mounted on ${session.dir}`) })
    await t.rejects(cgroups.mount(emptyDirectory(t)), { code: 'EBUSY', message: /mounted already/ })
  })
})

t.test('a machine moves with everything that is open', { skip: cannotMount }, async t => {
  const cgroups = createCgroupFs()
  const { fs } = cgroups
  fs.mkdirSync('/a')
  fs.writeFileSync('/cgroup.subtree_control', '+memory')
  const fd = fs.openSync('/a/memory.stat', 'r')
  const dead = fs.openSync('/a/cgroup.events', 'r')
  const shell = cgroups.process({ pid: 77 })
  shell.chdir('/a')
  const first = Buffer.alloc(10)
  const rest = Buffer.alloc(10_000)
  fs.readSync(fd, first)
  const whole = fs.readFileSync('/a/memory.stat', 'utf8')

  const { session, at } = await mounted(t, cgroups)
  t.equal(`${first}${rest.toString('utf8', 0, fs.readSync(fd, rest))}`, whole, 'a text half read')
  t.equal(shell.mkdir('b', 0o755), 0, 'a working directory')
  t.ok(nodeFs.existsSync(at('/a/b')))
  shell.chdir('/')
  shell.rmdir('/a/b')
  nodeFs.rmdirSync(at('/a'))
  t.throws(() => fs.readSync(dead, first), { code: 'ENODEV' })

  const theirs = nodeFs.openSync(at('/cgroup.procs'), 'r')
  t.teardown(() => nodeFs.closeSync(theirs))
  nodeFs.mkdirSync(at('/c'))
  fs.mkdirSync('/c/d')
  await session.unmount()
  t.same(cgroupsIn(fs, '/'), ['c'])
  t.same(cgroupsIn(fs, '/c'), ['d'])
  t.throws(() => fs.readSync(dead, first), { code: 'ENODEV' }, 'still open, still dead')
  fs.closeSync(dead)
  fs.closeSync(fd)
  t.equal(cgroups.kernel.tree.blocks.size, [...cgroups.kernel.tree.blocks.values()].filter(block => !block.dead).length)
  t.same(
    [...cgroups.kernel.tree.blocks.values()].map(({ opens }) => opens).filter(opens => opens > 0),
    [],
    'nothing is open that was open by way of the mount',
  )

  const again = await mounted(t, cgroups)
  t.same(cgroupsIn(nodeFs, again.at('/c')), ['d'], 'and it can be mounted again')
})

t.test('what is done while the mount is being made is on it', { skip: cannotMount }, async t => {
  const cgroups = createCgroupFs()
  const { fs } = cgroups
  fs.mkdirSync('/a')
  const dir = emptyDirectory(t)
  t.teardown(() => cgroups.close())
  const mounting = cgroups.mount(dir, { unref: true })
  await t.rejects(cgroups.mount(emptyDirectory(t)), { code: 'EBUSY', message: /being mounted/ })
  fs.mkdirSync('/b')
  const fd = fs.openSync('/a/cgroup.procs', 'r')
  fs.writeFileSync('/a/cgroup.procs', '0')
  const user = cgroups.as({ uid: 4321, pid: 4321 })
  t.throws(() => user.mkdirSync('/c'), { code: 'EACCES' })
  await mounting
  t.same(cgroupsIn(nodeFs, dir), ['a', 'b'])
  const into = Buffer.alloc(10)
  t.equal(into.toString('utf8', 0, fs.readSync(fd, into)), `${process.pid}\n`)
  t.throws(() => user.mkdirSync('/c'), { code: 'EACCES' })
  fs.writeFileSync('/cgroup.procs', '0')
})

t.test('a mount that fails leaves the machine here', { skip: cannotMount }, async t => {
  const cgroups = createCgroupFs()
  await t.rejects(cgroups.mount('/nowhere/at/all'), { name: 'MountError', code: 'ENOENT' })
  cgroups.fs.mkdirSync('/a')
  t.ok(cgroups.kernel)
})

t.test('whoever unmounts', { skip: cannotMount }, async t => {
  t.test('the machine comes back', async t => {
    const { cgroups, session, at } = await mounted(t, createCgroupFs(), { unref: false })
    nodeFs.mkdirSync(at('/a'))
    execFileSync('umount', [session.dir])
    t.same(cgroupsIn(cgroups.fs, '/'), ['a'], 'also for who does not wait for it')
    await session.closed
    cgroups.fs.rmdirSync('/a')
    await session.unmount() // Does no harm.
  })

  t.test('a call in the middle of that is made once', async t => {
    const { cgroups, session } = await mounted(t)
    const unmounting = session.unmount()
    for (let i = 0; i < 200; i++) cgroups.fs.mkdirSync(`/g${i}`)
    await unmounting
    t.equal(cgroupsIn(cgroups.fs, '/').length, 200)
  })

  t.test('the kernel ends with the mount if nobody wants it back', async t => {
    const cgroups = createCgroupFs()
    const watcher = cgroups.fs.watch('/')
    const fd = cgroups.fs.openSync('/cgroup.procs', 'r')
    const session = await cgroups.mount(emptyDirectory(t), { unref: true, keep: false })
    await session.unmount()
    t.throws(() => cgroups.fs.closeSync(fd), { message: /has ended with its mount/ })
    watcher.unref()
    await cgroups.close()
    t.throws(() => cgroups.fs.mkdirSync('/a'), { message: /has ended with its mount/ })
    await t.rejects(cgroups.mount(emptyDirectory(t)), { message: /has ended with its mount/ })
  })
})

t.test('another mount over it does not make the machine come back', { skip: cannotMount }, async t => {
  const { cgroups, session } = await mounted(t)
  execFileSync('mount', ['-t', 'tmpfs', 'none', session.dir])
  t.throws(() => cgroups.fs.mkdirSync('/a'), { code: 'EBUSY', message: /mounted over it/ })
  execFileSync('umount', [session.dir])
  cgroups.fs.mkdirSync('/a')
  t.ok(nodeFs.existsSync(`${session.dir}/a`))
})

t.test('a real clock', { skip: cannotMount }, async t => {
  t.test('goes on in process', async t => {
    const cgroups = createCgroupFs({ clock: 'real' })
    const { fs } = cgroups
    fs.mkdirSync('/a')
    fs.rmdirSync('/a')
    const before = cgroups.now
    await until(() => fs.readFileSync('/cgroup.stat', 'utf8').includes('nr_dying_descendants 0'))
    t.match(fs.readFileSync('/cgroup.stat', 'utf8'), /nr_dying_descendants 0/)
    t.ok(cgroups.now > before)
  })

  t.test('a write that waits does not stop the mount', async t => {
    const { cgroups, at } = await mounted(t, createCgroupFs({ clock: 'real' }))
    const { fs } = cgroups
    fs.mkdirSync('/a')
    // The task thaws only when somebody on the mount lets it: while we wait for that here.
    fs.writeFileSync('/a/.memcgfs/do', 'task t1')
    fs.writeFileSync('/a/cgroup.freeze', '1')
    await until(() => fs.readFileSync('/a/cgroup.events', 'utf8').includes('frozen 1'))
    fs.writeFileSync('/a/.memcgfs/do', 'anon t1 heap 1M')
    const helper = `sleep 0.2; echo 0 > ${at('/a/cgroup.freeze')}`
    execFileSync('sh', ['-c', `(${helper}) > /dev/null 2>&1 &`])
    fs.writeFileSync('/a/.memcgfs/do', 'wait t1')
    t.match(fs.readFileSync('/a/.memcgfs/result', 'utf8'), /ok wait lines=1/)
  })

  t.test('watchers are told when time comes, without anybody asking', async t => {
    const cgroups = createCgroupFs({ clock: 'real' })
    const { fs } = cgroups
    fs.mkdirSync('/a')
    fs.writeFileSync('/a/.memcgfs/do', 'task t1')
    fs.readFileSync('/a/cgroup.events')
    const told: string[] = []
    const watcher = fs.watch('/a/cgroup.events', type => told.push(type))
    t.teardown(() => watcher.close())
    fs.writeFileSync('/a/cgroup.freeze', '1')
    await until(() => told.length > 0)
    t.same(told, ['change'], 'frozen 1, a little later')
  })
})
