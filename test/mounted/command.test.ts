/** The command `memcgfs` and what programs see of the kernel it mounts: events that wake them, lists they are on. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { mountedOn } from '../../mount/fuse/mountinfo.ts'
import { POLLERR, POLLPRI } from '../../src/kernfs/door.ts'
import { startClient } from './syscalls.ts'
import { cannotMount, emptyDirectory } from './toy.ts'

const MEMCGFS = join(import.meta.dirname, '../../scripts/memcgfs')
const ENV = { ...process.env, NODE_OPTIONS: '' }
const IN_MODIFY = 2
/** Longer than anything here takes; shorter than the test's own limit. */
const LONG_MS = 10_000
const QUIET_MS = 300

interface Said {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const memcgfs = (...args: readonly string[]): Said =>
  spawnSync(MEMCGFS, args, { encoding: 'utf8', env: ENV, timeout: 20_000 })

/** Mounts in the background; unmounted after the test. */
function mounted(t: Test, ...options: readonly string[]): string {
  const dir = emptyDirectory(t)
  t.teardown(() => {
    if (mountedOn(dir) !== undefined) memcgfs('unmount', dir, '--lazy')
  })
  const { stdout, stderr } = memcgfs('mount', dir, '--background', ...options)
  t.match(stdout, /^memcgfs: .*: cgroup v2 as Linux 6\.12, \d+ CPUs?, .*iB\n$/, stderr)
  return dir
}

/** A cgroup with a limit of 1 MiB. */
function smallCgroup(dir: string): string {
  const cgroup = join(dir, 'small')
  writeFileSync(join(dir, 'cgroup.subtree_control'), '+memory +pids')
  mkdirSync(cgroup)
  writeFileSync(join(cgroup, 'memory.max'), '1M')
  return cgroup
}

t.test('explain: why a file has its value, why a directory stays', { skip: cannotMount }, async t => {
  const dir = mounted(t)
  const cgroup = smallCgroup(dir)
  writeFileSync(join(cgroup, '.memcgfs/do'), 'task t1')
  t.throws(() => rmdirSync(cgroup), { code: 'EBUSY' })
  const { stdout, status } = memcgfs('explain', cgroup, join(cgroup, 'memory.max'))
  t.equal(status, 0)
  t.match(stdout, /^\/small on Linux 6\.12\n(?:.|\n)*The last rmdir was refused with EBUSY(?:.|\n)*living tasks/)
  t.match(stdout, /\n\/small\/memory\.max on Linux 6\.12\n(?:.|\n)*256 pages = 1048576 bytes/)
  const nowhere = memcgfs('explain', join(cgroup, 'other'))
  t.equal(nowhere.status, 2)
  t.match(nowhere.stderr, /^memcgfs: explain: there is no .*small\/other/)
  t.match(memcgfs('explain', '/').stderr, 'explain: / is not on a mount of memcgfs')
})

t.test('another kernel, with one feature switched', { skip: cannotMount }, async t => {
  const dir = emptyDirectory(t)
  t.teardown(() => {
    if (mountedOn(dir) !== undefined) memcgfs('unmount', dir, '--lazy')
  })
  const settings = ['--kernel', '5.3', '--with', 'slab_flush_at_offline=none', '--with', 'cpu_stat_nice=yes']
  const { stdout, stderr } = memcgfs('mount', dir, '--background', ...settings)
  t.match(stdout, /: cgroup v2 as Linux 5\.3, /)
  t.equal(stderr, 'memcgfs: cpu_stat_nice is set, but not modelled yet: step 4 brings it\n')
  const kernel = readFileSync(join(dir, '.memcgfs/kernel'), 'utf8')
  t.match(kernel, /^kernel 5\.3\nrelease 5\.3\.1\n/)
  t.match(kernel, /^slab_flush_at_offline none # --with, 5\.3 has reclaimable$/m)
  t.notOk(existsSync(join(dir, 'memory.reclaim')), 'a file of later kernels')
})

t.test('events of the model wake programs up', { skip: cannotMount }, async t => {
  const dir = mounted(t, '--swap', '0')
  const cgroup = smallCgroup(dir)
  const run = (line: string): void => writeFileSync(join(cgroup, '.memcgfs/do'), `${line}\n`)
  const client = await startClient(t)
  const open = async (file: string): Promise<number> => Number(await client.call('open', join(cgroup, file), 0, 0))

  t.test('poll: cgroup.events when the first task comes and the last goes', async t => {
    const fd = await open('cgroup.events')
    t.equal(await client.read(fd, 100, 0), 'populated 0\nfrozen 0\n')
    for (const [line, populated] of [
      ['task t1 bare', 1],
      ['exit t1', 0],
    ] as const) {
      const woken = client.special('poll', [{ fd, events: POLLPRI }], LONG_MS)
      run(line)
      t.same(await woken, [POLLPRI | POLLERR], line)
      t.equal(await client.read(fd, 100, 0), `populated ${populated}\nfrozen 0\n`)
      t.same(await client.special('poll', [{ fd, events: POLLPRI }], 0), [0], 'once')
    }
  })

  t.test('epoll: memory.events when a task is killed for want of memory', async t => {
    const fd = await open('memory.events')
    await client.read(fd, 200, 0)
    const epoll = Number(await client.call('epoll_create1', 0))
    await client.special('epollAdd', epoll, fd, POLLPRI)
    const woken = client.special('epollWait', epoll, LONG_MS)
    run('task t2 bare')
    t.throws(() => run('anon t2 heap 2M'), { code: 'ENOMEM' })
    t.equal(await woken, POLLPRI | POLLERR)
    t.match(await client.read(fd, 200, 0), /\noom 1\noom_kill 1\n/)
  })

  t.test('poll: memory.pressure when its trigger fires, and only then', async t => {
    const fd = Number(await client.call('open', join(cgroup, 'memory.pressure'), constants.O_RDWR, 0))
    const trigger = 'some 100000 1000000'
    t.equal(await client.call('write', fd, trigger, trigger.length), trigger.length)
    t.equal(await client.call('write', fd, trigger, trigger.length), 'EBUSY')
    t.same(await client.special('poll', [{ fd, events: POLLPRI }], 0), [0])
    const woken = client.special('poll', [{ fd, events: POLLPRI }], LONG_MS)
    run('stall memory some=100% for=300ms')
    t.same(await woken, [POLLPRI])
    t.same(await client.special('poll', [{ fd, events: POLLPRI }], 0), [0], 'once')
    // What is left of the stall is told when the window has passed: nobody asks the mount anything meanwhile.
    t.same(await client.special('poll', [{ fd, events: POLLPRI }], LONG_MS), [POLLPRI])
    t.match(await client.read(fd, 200, 0), /^some avg10=.* total=300000\nfull avg10=.* total=0\n$/)
    const hidden = client.special('poll', [{ fd, events: POLLPRI }], LONG_MS)
    writeFileSync(join(cgroup, 'cgroup.pressure'), '0')
    t.same(await hidden, [POLLPRI | POLLERR], 'the file is gone')
    await client.call('close', fd)
  })

  t.test('inotify: IN_MODIFY on both files, and nothing for files that did not change', async t => {
    const inotify = Number(await client.call('inotify_init1', 0))
    const watches = new Map<number, string>()
    for (const file of ['cgroup.events', 'memory.events', 'pids.events'])
      watches.set(Number(await client.call('inotify_add_watch', inotify, join(cgroup, file), IN_MODIFY)), file)
    const events = client.special('inotifyRead', inotify, QUIET_MS)
    run('task t3 bare')
    t.throws(() => run('anon t3 heap 2M'), { code: 'ENOMEM' })
    const seen = (await events).map(({ watch, mask }) => `${watches.get(watch)} ${mask}`)
    t.same([...new Set(seen)].sort(), [`cgroup.events ${IN_MODIFY}`, `memory.events ${IN_MODIFY}`])
  })

  t.test('a client that waits on a cgroup that is removed is woken up', async t => {
    const fd = await open('cgroup.events')
    await client.read(fd, 100, 0)
    const woken = client.special('poll', [{ fd, events: POLLPRI }], LONG_MS)
    rmdirSync(cgroup)
    t.match(await woken, [POLLPRI | POLLERR])
    t.equal(await client.read(fd, 100, 0), 'ENODEV')
  })
})

t.test('real processes', { skip: cannotMount }, async t => {
  const dir = mounted(t)
  const cgroup = smallCgroup(dir)
  const shell = (script: string): string => execFileSync('sh', ['-c', script], { cwd: cgroup, encoding: 'utf8' })

  t.equal(shell('echo 0 > cgroup.procs && [ "$(cat cgroup.procs)" = $$ ] && echo joined'), 'joined\n')
  t.equal(readFileSync(join(cgroup, 'cgroup.procs'), 'utf8'), '', 'one that has exited is gone')
  t.equal(readFileSync(join(cgroup, 'pids.current'), 'utf8'), '0\n')

  const sleeper = spawn('sleep', ['60'])
  t.teardown(() => sleeper.kill())
  writeFileSync(join(cgroup, 'cgroup.procs'), `${sleeper.pid}`)
  t.throws(() => rmdirSync(cgroup), { code: 'EBUSY' })
  writeFileSync(join(cgroup, 'cgroup.kill'), '1')
  await sleep(50)
  t.equal(sleeper.exitCode ?? sleeper.signalCode, null, 'cgroup.kill does not reach it')
  sleeper.kill()
  while (sleeper.signalCode === null) await sleep(5)
  rmdirSync(cgroup)
  t.throws(() => writeFileSync(join(dir, 'cgroup.procs'), `${sleeper.pid}`), { code: 'ESRCH' })
})

t.test('a daemon that was killed leaves a mount point that works again', { skip: cannotMount }, async t => {
  const dir = emptyDirectory(t)
  const daemon = spawn(MEMCGFS, ['mount', dir], { env: ENV, stdio: ['ignore', 'pipe', 'inherit'] })
  t.match(String(await once(daemon.stdout, 'data')), /^memcgfs: /)
  daemon.kill('SIGKILL')
  await once(daemon, 'exit')
  const again = memcgfs('mount', dir, '--background')
  t.equal(again.status, 0, again.stderr)
  t.ok(existsSync(join(dir, 'cgroup.controllers')))
  t.equal(memcgfs('unmount', dir).status, 0)
  t.equal(mountedOn(dir), undefined)
})

t.test('/sys/fs/cgroup of a private mount namespace', { skip: cannotMount }, async t => {
  const script = `${MEMCGFS} mount /sys/fs/cgroup --background && mkdir /sys/fs/cgroup/a && ls -d /sys/fs/cgroup/a &&
    ${MEMCGFS} unmount /sys/fs/cgroup`
  const { status, stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8', env: ENV })
  t.equal(status, 0, stderr)
  t.equal(stdout, 'memcgfs: /sys/fs/cgroup: cgroup v2 as Linux 6.12, 4 CPUs, 8 GiB\n/sys/fs/cgroup/a\n')
})

t.test('a user namespace, where nobody is root', { skip: cannotMount }, async t => {
  const dir = emptyDirectory(t)
  const script = `${MEMCGFS} mount ${dir} --background --cpus 1 --memory 1G && mkdir ${dir}/a && ls ${dir}/a | head -n 1 &&
    ${MEMCGFS} unmount ${dir}`
  const { status, stdout, stderr } = spawnSync('unshare', ['-Urm', 'sh', '-c', script], { encoding: 'utf8', env: ENV })
  t.equal(status, 0, stderr)
  t.equal(stdout, `memcgfs: ${dir}: cgroup v2 as Linux 6.12, 1 CPU, 1 GiB\ncgroup.controllers\n`)
})

t.test('what was asked wrongly is said in one line, with status 2', async t => {
  for (const [args, message] of [
    [[], /^$/],
    [['mont'], /there is no command "mont"; commands are mount, unmount/],
    [['mount'], /mount: a directory is wanted; see memcgfs mount --help/],
    [['mount', '/tmp', '--kernel', '9.9'], /kernel: no profile for 9\.9; nearest: 7\.1 /],
    [['mount', '/tmp', '--cpus', '0'], /cpus: "0".*1 to 512/],
    [['mount', '/tmp', '--memory', 'much'], /memory: "much"/],
    [['mount', '/tmp', '--with', 'nonsense=1'], /nonsense/],
    [['mount', '/tmp', '--clock', 'sundial'], /clock: "sundial".*real.*manual/],
    [['mount', '/tmp', '--frobnicate'], /--frobnicate.*memcgfs mount --help/],
    [['unmount', '/tmp', '/var'], /one directory is wanted, not also "\/var"/],
  ] as const) {
    const { status, stderr } = memcgfs(...args)
    t.equal(status, 2, args.join(' '))
    t.match(stderr, message, args.join(' '))
    t.ok(stderr.split('\n').length <= 2, 'one line')
  }
})

t.test('what could not be done, with status 1', { skip: cannotMount }, async t => {
  const missing = memcgfs('mount', '/nonexistent/dir')
  t.equal(missing.status, 1)
  t.match(missing.stderr, /^memcgfs: \/nonexistent\/dir: no such directory/)
  const dir = mounted(t)
  t.match(memcgfs('mount', dir).stderr, /mounted there already/)
  const client = await startClient(t)
  await client.call('open', join(dir, 'cgroup.controllers'), 0, 0)
  const busy = memcgfs('unmount', dir)
  t.equal(busy.status, 1)
  t.match(busy.stderr, /in use/)
  t.equal(memcgfs('unmount', dir, '--lazy').status, 0)
  t.equal(memcgfs('unmount', dir).status, 1)
})

t.test('help', async t => {
  t.match(memcgfs('--help').stdout, /mount .*\n.*unmount /)
  t.match(memcgfs('mount', '--help').stdout, /--kernel ID/)
  t.match(memcgfs('--version').stdout, /^\d+\.\d+\.\d+\n$/)
})
