/** `--hierarchy v1` on a real mount, used from a shell; and the same in process. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import * as nodeFs from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { mountedOn } from '../../mount/fuse/mountinfo.ts'
import { createCgroupFs } from '../../mount/index.ts'
import { cannotMount, emptyDirectory } from './toy.ts'

const MEMCGFS = join(import.meta.dirname, '../../scripts/memcgfs')
const ENV = { ...process.env, NODE_OPTIONS: '' }

const memcgfs = (...args: readonly string[]) =>
  spawnSync(MEMCGFS, args, { encoding: 'utf8', env: ENV, timeout: 20_000 })

/** Mounts version 1 in the background; unmounted after the test. */
function mounted(t: Test, ...options: readonly string[]): string {
  const dir = emptyDirectory(t)
  t.teardown(() => {
    if (mountedOn(dir) !== undefined) memcgfs('unmount', dir, '--lazy')
  })
  const { stdout, stderr } = memcgfs('mount', dir, '--background', '--hierarchy', 'v1', ...options)
  t.match(stdout, /^memcgfs: .*: cgroup v1 as Linux 6\.1, 4 CPUs, 8 GiB\n$/, stderr)
  return dir
}

/**
 * A session of a shell in the mount, and what it prints. mkdir of b charges a for 10512 bytes of per-CPU memory, 3 pages
 * of a batch of 64; 64 pages of heap on the same CPU use up the rest and another batch: 128 pages, 524288 bytes. To lower
 * the limit the stock is drained, and 67 pages, 274432 bytes, are left.
 */
const SESSION = `
  ls; ls -d memory/tasks memory/memory.kmem.slabinfo
  mkdir memory/a memory/a/b; mkdir a 2>/dev/null || echo "no cgroup here"
  echo 'task t1 bare' > memory/a/.memcgfs/do
  echo 'anon t1 heap 256K' > memory/a/.memcgfs/do
  cat memory/a/memory.usage_in_bytes
  echo 64K 2>/dev/null > memory/a/memory.limit_in_bytes || echo "too much is used"
  echo 1M > memory/a/memory.limit_in_bytes && cat memory/a/memory.limit_in_bytes
  mv memory/a memory/c && ls memory/c/b > /dev/null && cat memory/c/memory.usage_in_bytes
  ls memory | grep -cx a
  mv memory/c memory/c/b/c 2>/dev/null || echo "not elsewhere"
  echo +1s > .memcgfs/clock; grep '^hierarchy' .memcgfs/kernel
  find . -maxdepth 2 -type d | sort
`
const PRINTED = `memory
memory/memory.kmem.slabinfo
memory/tasks
no cgroup here
524288
too much is used
1048576
274432
0
not elsewhere
hierarchy v1
.
./memory
./memory/c
`

t.test('a shell in a mount of version 1', { skip: cannotMount }, async t => {
  const dir = mounted(t, '--kernel', '6.1', '--swap', '0')
  const sh = (script: string): string =>
    spawnSync('sh', ['-c', script], { cwd: dir, encoding: 'utf8', env: ENV }).stdout
  t.equal(sh(SESSION), PRINTED)

  t.equal(sh('echo $$ > memory/c/b/tasks && [ "$(cat memory/c/b/cgroup.procs)" = $$ ] && echo joined'), 'joined\n')
  t.equal(sh('cat memory/c/b/tasks'), '', 'a process that has ended is listed no more')
  t.equal(sh('rmdir memory/c/b && ls -d memory/c/b 2>/dev/null || echo gone'), 'gone\n')
  t.equal(memcgfs('unmount', dir).status, 0)
  t.equal(mountedOn(dir), undefined)
})

t.test('a program hears of events by its eventfds', { skip: cannotMount }, async t => {
  const dir = join(mounted(t, '--kernel', '6.1', '--with', 'threshold_check=every'), 'memory/a')
  nodeFs.mkdirSync(dir)
  const command = (...lines: string[]): void => nodeFs.writeFileSync(join(dir, '.memcgfs/do'), lines.join('\n'))
  const requests = ['memory.usage_in_bytes 10M', 'memory.pressure_level low', 'memory.memsw.usage_in_bytes 20M']
  const program = spawn(process.execPath, [join(import.meta.dirname, 'eventfd.ts'), dir, ...requests], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface(program.stdout)[Symbol.asyncIterator]()
  const line = async (): Promise<string> => (await lines.next()).value as string
  t.equal(await line(), 'registered')
  command('task t1 bare', 'anon t1 heap 15M')
  t.equal(await line(), '1', 'the threshold is crossed')
  command('free t1 heap')
  nodeFs.writeFileSync(join(dir, 'memory.limit_in_bytes'), '10M')
  // 10240 pages go through 2560: at most fifteen times 512 are reclaimed, and each tells.
  command('file f 40M', 'read t1 f 0 40M')
  t.match(await line(), /^1[0-5]$/, 'reclaim tells its pressure')
  command('exit t1', 'unlink f')
  nodeFs.rmdirSync(dir)
  t.equal(await line(), '1', 'the cgroup is gone')
  t.equal((await once(program, 'exit'))[0], 0)
  const left = nodeFs.readFileSync(join(dir, '../../.memcgfs/kernel'), 'utf8')
  t.match(left, /^kernel 6\.1/, 'the mount goes on')
})

t.test('what is no eventfd, or no descriptor at all, is refused', { skip: cannotMount }, async t => {
  const dir = join(mounted(t, '--kernel', '6.1'), 'memory')
  const usage = nodeFs.openSync(join(dir, 'memory.usage_in_bytes'), 'r')
  t.teardown(() => nodeFs.closeSync(usage))
  const control = join(dir, 'cgroup.event_control')
  t.throws(() => nodeFs.writeFileSync(control, `${usage} ${usage} 1M`), { code: 'EINVAL' })
  t.throws(() => nodeFs.writeFileSync(control, `9999 ${usage} 1M`), { code: 'EBADF' })
})

t.test('the file for programs without an eventfd', { skip: cannotMount }, async t => {
  const dir = join(mounted(t, '--kernel', '6.1', '--with', 'threshold_check=every'), 'memory/a')
  nodeFs.mkdirSync(dir)
  const script = `exec 3<>.memcgfs/notify; echo memory.usage_in_bytes 1M >&3
    echo 'task t1 bare' > .memcgfs/do; echo 'anon t1 heap 2M' > .memcgfs/do; cat <&3`
  t.equal(
    spawnSync('sh', ['-c', script], { cwd: dir, encoding: 'utf8', env: ENV }).stdout,
    'memory.usage_in_bytes 1M 1\n',
  )
})

t.test('a user moves his own processes only', { skip: cannotMount }, async t => {
  const dir = mounted(t, '--kernel', '6.1')
  const asUser = (script: string): string =>
    execFileSync('setpriv', ['--reuid=1000', '--regid=1000', '--clear-groups', 'sh', '-c', script], {
      cwd: '/',
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  spawnSync('chmod', ['755', dir])
  spawnSync('sh', ['-c', 'mkdir memory/a && chmod 666 memory/a/tasks'], { cwd: dir })
  t.equal(asUser(`echo $$ > ${dir}/memory/a/tasks && echo yes || echo no`), 'yes\n')
  t.equal(asUser(`echo ${process.pid} > ${dir}/memory/a/tasks && echo yes || echo no`), 'no\n')
})

t.test('the recorded 6.12 was built without', async t => {
  const { status, stdout, stderr } = memcgfs('mount', '/nowhere', '--hierarchy', 'v1')
  t.equal(status, 2)
  t.equal(stdout, '')
  t.match(stderr, /^memcgfs: hierarchy: .* --with v1_memory_cpuset_built=yes [^\n]*\n$/)
})

t.test('a rename is seen on both sides at once', { skip: cannotMount }, async t => {
  const cgroups = createCgroupFs({ kernel: '6.1', hierarchy: 'v1' })
  const dir = emptyDirectory(t)
  const session = await cgroups.mount(dir)
  t.teardown(() => session.unmount())
  const { fs } = cgroups
  fs.mkdirSync('/memory/a')
  t.ok(nodeFs.existsSync(join(dir, 'memory/a')))
  t.notOk(nodeFs.existsSync(join(dir, 'memory/b')))
  fs.renameSync('/memory/a', '/memory/b')
  t.notOk(nodeFs.existsSync(join(dir, 'memory/a')))
  t.ok(nodeFs.existsSync(join(dir, 'memory/b/tasks')))
  nodeFs.renameSync(join(dir, 'memory/b'), join(dir, 'memory/c'))
  t.notOk(fs.existsSync('/memory/b'))
  t.ok(fs.existsSync('/memory/c/tasks'))
})

t.test('in process', async t => {
  const cgroups = createCgroupFs({ kernel: '6.1', hierarchy: 'v1', swap: 0 })
  t.teardown(() => cgroups.close())
  const { fs } = cgroups
  t.same(fs.readdirSync('/'), ['memory'])
  fs.mkdirSync('/memory/a')
  fs.writeFileSync('/memory/a/.memcgfs/do', 'task t1 bare\nanon t1 heap 1M\n')
  t.equal(fs.readFileSync('/memory/a/memory.usage_in_bytes', 'utf8'), `${1024 * 1024}\n`)
  fs.renameSync('/memory/a', '/memory/b')
  t.ok(fs.readdirSync('/memory').includes('b'))
  t.throws(() => fs.mkdirSync('/a'), { code: 'EPERM' })
  t.throws(() => fs.writeFileSync('/memory/b/memory.limit_in_bytes', '4K'), { code: 'EBUSY' })
  t.equal(fs.statfsSync('/memory').type, 0x27e0eb)
})
