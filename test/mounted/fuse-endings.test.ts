/** What happens to a mount when the process that serves it ends in one of the many ways a process can end. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { mountedOn } from '../../mount/fuse/mountinfo.ts'
import { mountFuse } from '../../mount/fuse/session.ts'
import { startClient } from './syscalls.ts'
import { cannotMount, emptyDirectory, PLAIN_NODE, startDaemon, toyFactory } from './toy.ts'

const O_RDONLY = 0

t.test('the end of a process that has mounted', { skip: cannotMount }, async t => {
  t.test('SIGTERM unmounts', async t => {
    const dir = emptyDirectory(t)
    const daemon = await startDaemon(t, dir)
    t.equal(daemon.line, 'ready')
    daemon.process.kill('SIGTERM')
    t.equal(await daemon.ended, 0)
    t.equal(mountedOn(dir), undefined)
  })

  t.test('SIGINT unmounts although somebody is inside', async t => {
    const dir = emptyDirectory(t)
    const daemon = await startDaemon(t, dir)
    const client = await startClient(t)
    await client.call('open', join(dir, 'toy.value'), O_RDONLY, 0)
    daemon.process.kill('SIGINT')
    t.equal(await daemon.ended, 0)
    t.equal(mountedOn(dir), undefined)
  })

  t.test('process.exit, an uncaught error and having nothing to do unmount, whoever is inside', async t => {
    const endings = { 'process.exit(3)': 3, "throw new Error('as planned')": 1, '': 0 }
    for (const [ending, code] of Object.entries(endings)) {
      const dir = emptyDirectory(t)
      const program = `
        import { mountFuse } from ${JSON.stringify(import.meta.resolve('../../mount/fuse/session.ts'))}
        import { openSync } from 'node:fs'
        await mountFuse(${JSON.stringify(dir)}, { factory: ${JSON.stringify(toyFactory.href)}, unref: true })
        openSync(${JSON.stringify(join(dir, 'toy.value'))})
        ${ending}`
      const [env, ...args] = [...PLAIN_NODE, '--input-type=module', '-e', program]
      const { status } = spawnSync(env, args, { timeout: 10_000 })
      t.equal(status, code, ending)
      t.equal(mountedOn(dir), undefined)
    }
  })

  t.test('after kill -9 the mount goes away by itself', async t => {
    const dir = emptyDirectory(t)
    const daemon = await startDaemon(t, dir)
    const client = await startClient(t)
    const fd = Number(await client.call('open', join(dir, 'toy.value'), O_RDONLY, 0))
    daemon.process.kill('SIGKILL')
    await daemon.ended
    await until(() => mountedOn(dir) === undefined)
    t.equal(await client.read(fd, 10, 0), 'ENOTCONN')
  })

  t.test('the guard of a dead mount leaves a new one in its place alone', async t => {
    const dir = emptyDirectory(t)
    const first = await startDaemon(t, dir)
    for (const guard of guardsOf(dir)) process.kill(guard, 'SIGSTOP')
    const guards = guardsOf(dir)
    first.process.kill('SIGKILL')
    await first.ended
    const second = await startDaemon(t, dir)
    t.equal(second.line, 'ready', 'a dead mount is no obstacle')
    for (const guard of guards) process.kill(guard, 'SIGCONT')
    await until(() => guards.every(guard => !existsSync(`/proc/${guard}`)))
    t.ok(existsSync(join(dir, 'toy.value')))
  })

  t.test('killing a process that waits for its own mount ends it, if not at once', async t => {
    const dir = emptyDirectory(t)
    const program = `
      import { mountFuse } from ${JSON.stringify(import.meta.resolve('../../mount/fuse/session.ts'))}
      import { writeFileSync, writeSync } from 'node:fs'
      await mountFuse(${JSON.stringify(dir)}, { factory: ${JSON.stringify(toyFactory.href)}, unref: true })
      writeSync(1, 'waiting')
      writeFileSync(${JSON.stringify(join(dir, 'toy.slow'))}, '999999')`
    const [env, ...args] = [...PLAIN_NODE, '--input-type=module', '-e', program]
    const child = spawn(env, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    await until(() => readFileSync(`/proc/${child.pid}/wchan`, 'latin1') === 'request_wait_answer')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await until(() => mountedOn(dir) === undefined)
  })

  t.test('dead mounts upon each other are all removed', async t => {
    const dir = emptyDirectory(t)
    for (let i = 0; i < 3; i++) {
      const daemon = await startDaemon(t, dir)
      t.equal(daemon.line, 'ready')
      for (const guard of guardsOf(dir)) process.kill(guard, 'SIGKILL')
      if (i > 0) execFileSync('mount', ['--bind', dir, dir])
      daemon.process.kill('SIGKILL')
      await daemon.ended
      t.throws(() => statfsSync(dir), { code: 'ENOTCONN' })
    }
    const session = await mountFuse(dir, { factory: toyFactory, unref: true })
    await session.unmount()
    t.equal(mountedOn(dir), undefined)
  })

  t.test('when the model crashes, nobody waits for ever and the mount goes away', async t => {
    const session = await mountFuse(emptyDirectory(t), { factory: toyFactory })
    t.teardown(() => session.unmount().catch(() => undefined))
    t.throws(() => writeFileSync(join(session.dir, 'toy.crash'), 'x'), { code: /ENOTCONN|ECONNABORTED/ })
    await t.rejects(session.closed, { message: /the toy broke/ })
    t.equal(mountedOn(session.dir), undefined)
    await t.rejects(session.unmount(), { message: /the toy broke/ }, 'whoever asks is told')
  })
})

/** The guard processes of a mount point, by their command lines. */
function guardsOf(dir: string): number[] {
  const { stdout } = spawnSync('ps', ['-e', '-o', 'pid=,args='], { encoding: 'utf8' })
  const guards = stdout.matchAll(/^ *(\d+) .*trap .*\n.*\n.*$/gm)
  return [...guards].filter(([text]) => text.includes(dir)).map(([, pid]) => Number(pid))
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10)
}
