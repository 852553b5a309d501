/** Who a request comes from: credentials, threads and numbers across pid namespaces. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startClient } from './syscalls.ts'
import { cannotMount, mountToy } from './toy.ts'

t.test('the caller', { skip: cannotMount }, async t => {
  const { dir } = await mountToy(t)
  const caller = join(dir, 'toy.caller')
  const pidFile = join(dir, 'toy.pid')

  t.test('has the credentials of the process', async t => {
    const client = await startClient(t)
    await client.special('groups', [77, 88], 66, 55)
    const fd = Number(await client.call('open', caller, 0, 0))
    t.equal(await client.read(fd), `uid 55 gid 66 groups 77,88 tgid ${client.pid} tid ${client.pid}\n`)
  })

  t.test('is the thread that makes the call, of the process it belongs to', async t => {
    const script = `
      const { Worker } = require('node:worker_threads')
      const text = "const { readFileSync, readlinkSync } = require('node:fs'); " +
        "process._rawDebug(readlinkSync('/proc/thread-self') + ' ' + readFileSync('" + process.argv[1] + "', 'latin1'))"
      new Worker(text, { eval: true })`
    const { stderr } = await run(process.execPath, '-e', script, caller)
    const [, tgid, tid] = /^(\d+)\/task\/(\d+) /.exec(stderr) ?? []
    t.not(tid, tgid)
    t.match(stderr, `tgid ${tgid} tid ${tid}`)
  })

  t.test('in a pid namespace is known by our number, and numbers are translated', async t => {
    const script = 'echo $$; cat "$1"; echo 1 > "$2"; cat "$2"; /bin/echo 12345 > "$2"'
    const { stdout, stderr } = await run('unshare', '-pf', '--mount-proc', 'sh', '-c', script, 'sh', caller, pidFile)
    const [inside, line = '', pids = ''] = stdout.split('\n')
    t.equal(inside, '1')
    const [, tgid] = /tgid (\d+) /.exec(line) ?? []
    t.ok(Number(tgid) > 2)
    const [ours, theirs] = pids.split(' ')
    t.ok(Number(ours) > 2, 'what it calls 1 is somebody else here')
    t.equal(theirs, '1')
    t.match(stderr, /No such process/)
  })

  t.test('does not see processes outside its pid namespace', async t => {
    execFileSync('sh', ['-c', 'echo $$ > "$0"', pidFile])
    const mine = readFileSync(pidFile, 'latin1')
    t.match(mine, /^(\d+) \1\n$/)
    execFileSync('sh', ['-c', 'echo $PPID > "$0"', pidFile])
    const { stdout } = await run('unshare', '-pf', '--mount-proc', 'cat', pidFile)
    t.equal(stdout, `${process.pid} 0\n`)
  })

  t.test('sees the numbers of namespaces below its own', async t => {
    // Two shells, one namespace in the other, tell their numbers; the outer one reads, and its end is the end of both.
    const inner = `unshare -pf --mount-proc sh -c 'echo $$ > ${pidFile}; exec sleep 60' >/dev/null`
    const readBoth = `while read ours theirs < ${pidFile}; [ $theirs = 1 ]; do :; done; echo $ours $theirs`
    const script = `echo $$ > ${pidFile}; ${inner} & ${readBoth}`
    const { stdout } = await run('unshare', '-pf', '--mount-proc', 'sh', '-c', script)
    const [ours, theirs] = stdout.trim().split(' ')
    t.ok(Number(theirs) > 1 && Number(theirs) < Number(ours), stdout)
  })
})

async function run(program: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 10_000 })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', data => {
    stdout += data
  })
  child.stderr.on('data', data => {
    stderr += data
  })
  await once(child, 'close')
  return { stdout, stderr }
}
