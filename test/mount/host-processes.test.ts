/** What /proc tells of real processes. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { RequestCaller } from '../../mount/host/caller.ts'
import { hostProcesses, type ProcessFacts } from '../../mount/host/processes.ts'
import { ESRCH } from '../../src/errno.ts'

/** Above the largest pid_max. */
const NOBODY = 4_194_305

const noPython = spawnSync('python3', ['-V']).status !== 0 && 'needs python3'
const noKernelThreads = !existsSync('/proc/2/stat') && 'no kernel threads here'

const found = (pid: number): ProcessFacts => {
  const facts = hostProcesses.find(pid)
  if (typeof facts === 'number') throw new Error(`process ${pid} was not found`)
  return facts
}

t.test('a living process is found', async t => {
  const { tgid, kind, token } = found(process.pid)
  t.equal(tgid, process.pid)
  t.equal(kind, 'user')
  t.ok(hostProcesses.alive(process.pid, token))
  t.notOk(hostProcesses.alive(process.pid, token + 1), 'an earlier one with the same number')
  t.equal(hostProcesses.find(NOBODY), ESRCH)
  t.notOk(hostProcesses.alive(NOBODY, 0))
})

t.test('one that has ended is not alive, but its number is taken until somebody has waited for it', async t => {
  const child = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => child.kill())
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const zombie = Number(String(line))
  const { token } = found(zombie)
  while (hostProcesses.alive(zombie, token)) await sleep(5)
  t.equal(found(zombie).token, token)
})

t.test('a process whose first thread has ended lives as long as the others', { skip: noPython }, async t => {
  const script =
    'import os, threading, time, ctypes; threading.Thread(target=time.sleep, args=(60,)).start(); ' +
    'print(flush=True); ctypes.CDLL(None).pthread_exit(0)'
  const child = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const { token } = found(child.pid!)
  while (!/^State:\tZ/m.test(readFileSync(`/proc/${child.pid}/status`, 'latin1'))) await sleep(5)
  t.ok(hostProcesses.alive(child.pid!, token))
})

t.test('kernel threads are told apart', { skip: noKernelThreads }, async t => {
  t.equal(found(2).kind, 'bound-kthread', 'kthreadd')
  const kinds = new Set<string>()
  for (let pid = 3; pid < 100; pid++) {
    const facts = hostProcesses.find(pid)
    if (typeof facts !== 'number') kinds.add(facts.kind)
  }
  t.ok(kinds.has('bound-kthread'), 'those of one CPU, such as ksoftirqd')
})

t.test('a caller nobody knows has no process', async t => {
  const caller = new RequestCaller()
  caller.become(1, 2, 0)
  t.same([caller.uid, caller.gid, caller.groups()], [1, 2, []])
  t.same([caller.tgid(), caller.tid(), caller.inView(1), caller.fromView(1)], [ESRCH, ESRCH, 0, ESRCH])
  caller.become(0, 0, process.pid)
  t.same([caller.tgid(), caller.tid(), caller.inView(77), caller.fromView(78)], [process.pid, process.pid, 77, 78])
})
