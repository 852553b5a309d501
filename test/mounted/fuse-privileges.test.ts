/** The ways to mount: root, root of a user namespace, an ordinary user; and what is said when something is missing. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { mountedOn } from '../../mount/fuse/mountinfo.ts'
import { cannotMount, emptyDirectory, PLAIN_NODE, startDaemon, WITHOUT_KOFFI } from './toy.ts'

/** Becomes an ordinary user who has nothing else to do here. */
const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--']
const noHelper = !existsSync('/usr/bin/fusermount3') && 'fusermount3 is not installed'

t.test('straight on /sys/fs/cgroup, in a mount namespace of its own', { skip: cannotMount }, async t => {
  const before = mountedOn('/sys/fs/cgroup')
  const daemon = await startDaemon(t, '/sys/fs/cgroup', { wrapper: ['unshare', '-m', '--propagation', 'private'] })
  t.equal(daemon.line, 'ready')
  const inside = enter(daemon.process.pid!, '-m')
  t.equal(inside('cat', '/sys/fs/cgroup/toy.value'), '0\n')
  t.match(inside(...PLAIN_NODE, '-p', 'os.availableParallelism() > 0'), 'true', 'Node itself looks in there')
  t.same(mountedOn('/sys/fs/cgroup'), before, 'outside nothing has changed')
  daemon.process.kill('SIGTERM')
  t.equal(await daemon.ended, 0)
})

t.test('root of a user namespace', { skip: cannotMount }, async t => {
  const dir = emptyDirectory(t)
  const daemon = await startDaemon(t, dir, { wrapper: ['unshare', '-Urm'] })
  t.equal(daemon.line, 'ready')
  const inside = enter(daemon.process.pid!, '-m', '-U', '--preserve-credentials')
  t.match(inside('cat', join(dir, 'toy.caller')), /^uid 0 gid 0 /)
  t.equal(inside('stat', '-c', '%U', dir), 'root\n')
  daemon.process.kill('SIGTERM')
  t.equal(await daemon.ended, 0)
})

t.test('an ordinary user', { skip: cannotMount || noHelper }, async t => {
  const host = await ordinaryHost(t)
  const inside = enter(host, '-m')
  const asNobody = enter(host, '-m', ...NOBODY)
  const wrapper = ['nsenter', '-t', String(host), '-m', ...NOBODY]
  const dir = emptyDirectory(t)
  chownSync(dir, 65534, 65534)
  const isMounted = (): boolean => inside('cat', '/proc/self/mountinfo').includes(dir)

  t.test('mounts and unmounts by way of fusermount3', async t => {
    const daemon = await startDaemon(t, dir, { wrapper, options: { setup: { rootMode: 0o777 } } })
    t.equal(daemon.line, 'ready')
    t.match(inside('cat', '/proc/self/mountinfo'), new RegExp(`${dir} .* - fuse.memcgfs cgroup2 `))
    t.match(asNobody('cat', join(dir, 'toy.caller')), /^uid 65534 gid 65534 /)
    asNobody('mkdir', join(dir, 'a'))
    t.equal(asNobody('stat', '-c', '%u %a', join(dir, 'a')), '65534 755\n')
    t.throws(() => inside('stat', dir), /Permission denied/, 'not even root may look in')
    daemon.process.kill('SIGTERM')
    t.equal(await daemon.ended, 0)
    t.notOk(isMounted())
  })

  t.test('unmounts although somebody is inside', async t => {
    const daemon = await startDaemon(t, dir, { wrapper })
    const kill = `exec <${dir}/toy.value; kill ${daemon.process.pid}; while [ -e /proc/${daemon.process.pid}/exe ]; do :; done; cat`
    t.throws(() => asNobody('sh', '-c', kill), /Transport endpoint is not connected|Software caused connection abort/)
    t.equal(await daemon.ended, 0)
    t.notOk(isMounted())
  })

  t.test('leaves nothing behind when killed, and can mount again', async t => {
    for (let i = 0; i < 2; i++) {
      const daemon = await startDaemon(t, dir, { wrapper })
      t.equal(daemon.line, 'ready')
      daemon.process.kill('SIGKILL')
      await daemon.ended
    }
    while (isMounted()) await sleep(10)
  })

  t.test('is told what is missing', async t => {
    const noHelper = await startDaemon(t, dir, { wrapper: [...wrapper, '/usr/bin/env', 'PATH=/none'] })
    t.match(noHelper.line, /fusermount3 is missing .*package fuse3.*unshare -Urm/)
    const noKoffi = await startDaemon(t, dir, { wrapper, nodeFlags: WITHOUT_KOFFI })
    t.match(noKoffi.line, /npm package koffi .*unshare -Urm/)
    const notHis = await startDaemon(t, emptyDirectory(t), { wrapper })
    t.match(notHis.line, /must be yours/)
  })
})

t.test('root is told what is missing', { skip: cannotMount }, async t => {
  const dir = emptyDirectory(t)
  const noProgram = await startDaemon(t, dir, { wrapper: ['/usr/bin/env', 'PATH=/none'] })
  t.match(noProgram.line, /program mount is missing/)
  const noCapability = await startDaemon(t, dir, { wrapper: ['setpriv', '--bounding-set', '-sys_admin', '--'] })
  t.match(noCapability.line, /CAP_SYS_ADMIN.*unshare -Urm/)
  const noDevice = await startDaemon(t, dir, {
    wrapper: ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /dev && mknod /dev/null c 1 3 && exec "$0" "$@"'],
  })
  t.match(noDevice.line, /\/dev\/fuse does not exist.*--device \/dev\/fuse/)
})

/** Runs a command in namespaces of a process, and gives its output. */
function enter(pid: number, ...which: readonly string[]): (...command: string[]) => string {
  return (...command) =>
    execFileSync('nsenter', ['-t', String(pid), ...which, ...command], { encoding: 'utf8', timeout: 5000 })
}

/** A mount namespace in which /dev/fuse is open to all, as on most hosts; the process that keeps it. */
async function ordinaryHost(t: Test): Promise<number> {
  const devices = 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/fuse c 10 229'
  const args = ['-m', 'sh', '-c', `${devices}; echo; exec sleep 60`]
  const keeper = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => keeper.kill('SIGKILL'))
  await once(keeper.stdout, 'data')
  return keeper.pid!
}
