/** Requests that wait, and events that come without a request: pending writes, signals, poll, epoll, deferred work. */
import { constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { POLL_DEFAULT, POLLERR, POLLPRI } from '../../src/kernfs/door.ts'
import { type SyscallClient, startClient } from './syscalls.ts'
import { cannotMount, mountToy } from './toy.ts'

const { O_RDONLY, O_WRONLY } = constants
const EPOLLET = 1 << 31
const CHANGED = POLL_DEFAULT | POLLERR | POLLPRI
/** Longer than anything here takes; shorter than the test's own limit. */
const LONG_MS = 10_000

t.test('writes that wait', { skip: cannotMount }, async t => {
  const { dir } = await mountToy(t)
  const [slow, other] = await Promise.all([startClient(t), startClient(t)])

  t.test('are answered when the time has come, although nobody else asks anything', async t => {
    const fd = await openFile(slow, join(dir, 'toy.slow'), O_WRONLY)
    const before = performance.now()
    t.equal(await slow.call('write', fd, '50', 2), 2)
    t.ok(performance.now() - before >= 50)
  })

  t.test('do not keep others from being served', async t => {
    const fd = await openFile(slow, join(dir, 'toy.slow'), O_WRONLY)
    const result = slow.call('write', fd, '100', 3)
    t.equal(await other.call('mkdir', join(dir, 'meanwhile'), 0o755), 0)
    t.equal(await other.call('rmdir', join(dir, 'meanwhile')), 0)
    t.equal(await Promise.race([result, 'still waiting']), 'still waiting')
    t.equal(await result, 3)
  })

  t.test('end with EINTR when a signal comes', async t => {
    const fd = await openFile(slow, join(dir, 'toy.slow'), O_WRONLY)
    const result = slow.call('write', fd, '9999', 4)
    await untilAsleepInWrite(slow)
    slow.signal('SIGUSR2')
    t.equal(await result, 'EINTR')
    t.equal(await slow.call('write', fd, '1', 1), 1, 'the next one works')
  })

  t.test('let go of a client that is killed', async t => {
    const victim = await startClient(t)
    const fd = await openFile(victim, join(dir, 'toy.slow'), O_WRONLY)
    void victim.call('write', fd, '9999', 4).catch(() => undefined)
    await untilAsleepInWrite(victim)
    const before = performance.now()
    await victim.end()
    t.ok(performance.now() - before < 1000)
  })
})

t.test('poll and epoll', { skip: cannotMount }, async t => {
  const session = await mountToy(t)
  const event = (): unknown => session.callSync({ do: 'event' })
  const client = await startClient(t)
  const fd = await openFile(client, join(session.dir, 'toy.events'), O_RDONLY)
  const poll = (timeoutMs: number): Promise<readonly number[]> =>
    client.special('poll', [{ fd, events: CHANGED }], timeoutMs)

  t.test('a file that was never read polls as changed, and reading it clears that', async t => {
    t.same(await poll(0), [CHANGED])
    await client.read(fd, 100, 0)
    t.same(await poll(0), [POLL_DEFAULT])
  })

  t.test('poll wakes up for an event, again and again', async t => {
    for (let i = 0; i < 50; i++) {
      await client.read(fd, 100, 0)
      const woken = client.special('poll', [{ fd, events: POLLPRI }], LONG_MS)
      await untilAsleepInPoll(client)
      event()
      t.same(await woken, [POLLPRI | POLLERR])
    }
  })

  t.test('epoll wakes up for an event, level- and edge-triggered', async t => {
    for (const mode of [0, EPOLLET]) {
      const epoll = Number(await client.call('epoll_create1', 0))
      await client.read(fd, 100, 0)
      await client.special('epollAdd', epoll, fd, POLLPRI | mode)
      t.equal(await client.special('epollWait', epoll, 0), 0)
      for (let i = 0; i < 10; i++) {
        const woken = client.special('epollWait', epoll, LONG_MS)
        event()
        t.equal(await woken, POLLPRI | POLLERR)
        await client.read(fd, 100, 0)
        t.equal(await client.special('epollWait', epoll, 0), 0)
      }
      await client.call('close', epoll)
    }
  })

  t.test('deferred work wakes them up, although nobody asks anything meanwhile', async t => {
    await client.read(fd, 100, 0)
    const later = await openFile(client, join(session.dir, 'toy.later'), O_WRONLY)
    await client.call('write', later, '80', 2)
    const before = performance.now()
    t.same(await client.special('poll', [{ fd, events: POLLPRI }], LONG_MS), [POLLPRI | POLLERR])
    t.ok(performance.now() - before > 60)
  })
})

t.test('an idle mount is left alone', { skip: cannotMount }, async t => {
  const session = await mountToy(t)
  const before = Number(session.callSync({ do: 'requests' }))
  await sleep(200)
  t.equal(session.callSync({ do: 'requests' }), before + 1, 'only the one that asks')
})

async function openFile(client: SyscallClient, path: string, flags: number): Promise<number> {
  const fd = await client.call('open', path, flags, 0)
  if (typeof fd === 'string') throw new Error(`open ${path}: ${fd}`)
  return fd
}

const untilAsleepInWrite = (client: SyscallClient): Promise<void> => untilAsleepIn(client, /^1 /)
const untilAsleepInPoll = (client: SyscallClient): Promise<void> => untilAsleepIn(client, /^7 /)

/** Waits for the client to be inside a system call, by its number on x86-64. */
async function untilAsleepIn(client: SyscallClient, call: RegExp): Promise<void> {
  while (!call.test(readFileSync(`/proc/${client.pid}/syscall`, 'latin1'))) await sleep(1)
}
