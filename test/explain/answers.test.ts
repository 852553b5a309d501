// `.memcgfs/explain`: the numbers behind values, and the checks behind refusals.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { MANUAL_BOOT_TIME } from '../../src/api/boot.ts'
import { type KernelOptions, resolveOptions } from '../../src/api/options.ts'
import { O, type Process } from '../../src/api/process.ts'
import { System } from '../../src/api/system.ts'
import { EAGAIN, EBUSY, EINVAL, ENODEV, ENOENT, EOPNOTSUPP } from '../../src/errno.ts'
import { milliseconds } from '../../src/units.ts'

const EXPLAIN = '/.memcgfs/explain'

function booted(options: KernelOptions = {}): { system: System; shell: Process } {
  const owner = { uid: 0, gid: 0 }
  const system = System.boot(resolveOptions(options, 'manual'), { bootTime: MANUAL_BOOT_TIME, owner })
  const shell = system.process(system.spawn({ pid: 100 }))
  system.addPid(100)
  shell.writeFile('/cgroup.subtree_control', '+memory +pids')
  return { system, shell }
}

/** Asks through one descriptor, as blanks of a line at most. */
function asked(shell: Process, path: string): string {
  const fd = shell.open(EXPLAIN, O.RDWR)
  const written = shell.write(fd, path)
  const answer = shell.pread(fd, 1 << 16, 0)
  shell.close(fd)
  return written < 0 ? String(written) : String(answer).replaceAll(/\s+/g, ' ')
}

const does = (shell: Process, cgroup: string, line: string): number => shell.writeFile(`${cgroup}/.memcgfs/do`, line)

t.test('memory.current: what is charged, and what CPUs hold in stock', async t => {
  const { shell } = booted()
  shell.mkdir('/a', 0o755)
  does(shell, '/a', 'task t1 bare cpu=1')
  does(shell, '/a', 'anon t1 heap 10p cpu=1')
  // Ten pages of a batch of 64 are used, 54 stay in stock; 64 pages are 262144 bytes, 54 are 221184.
  t.equal(shell.readFile('/a/memory.current'), '262144\n')
  const answer = asked(shell, '/a/memory.current')
  t.match(answer, '/a/memory.current on Linux 6.12')
  t.match(answer, 'page counter of /a: 64 pages = 262144 bytes')
  t.match(answer, 'in stock of CPUs, charged and not used: 54 pages = 221184 bytes (CPU 1: 54)')
  t.match(answer, 'batch_pages = 64')
})

t.test('the answer of the guide', async t => {
  const guide = readFileSync(new URL('../../docs/explain.md', import.meta.url), 'utf8')
  const shown = guide.split('```answer\n')[1]!.split('  …\n')[0]!
  const { shell } = booted()
  shell.mkdir('/a', 0o755)
  does(shell, '/a', 'task t1 bare cpu=1')
  does(shell, '/a', 'anon t1 heap 10p')
  shell.writeFile(EXPLAIN, '/a/memory.current')
  const answer = String(shell.readFile(EXPLAIN))
  t.equal(answer.slice(0, shown.length), shown)
})

t.test('memory.stat: lines that are late', async t => {
  const { system, shell } = booted({ kernel: '6.12' })
  shell.mkdir('/a', 0o755)
  does(shell, '/a', 'task t1 bare')
  does(shell, '/a', 'anon t1 heap 10p')
  // Ten updates are less than a reader flushes for: it would find nothing.
  t.match(asked(shell, '/a/memory.stat'), 'anon: shows 0, is 40960')
  t.match(asked(shell, '/a/memory.stat'), 'next flush of everything: in 2000 ms')
  system.advance(milliseconds(2000))
  t.match(asked(shell, '/a/memory.stat'), 'lines that a reader finds otherwise than they are: none')
})

t.test('memory.current: who pays for what a removed cgroup left behind', async t => {
  const { shell } = booted()
  shell.mkdir('/p', 0o755)
  shell.writeFile('/p/cgroup.subtree_control', '+memory')
  shell.mkdir('/p/c', 0o755)
  does(shell, '/p/c', 'task t1')
  does(shell, '/p/c', 'lookup t1 ext4 100')
  does(shell, '/p/c', 'read t1 f 0 10p')
  does(shell, '/p/c', 'exit t1')
  shell.rmdir('/p/c')
  does(shell, '/p', 'settle')
  t.match(asked(shell, '/p/memory.current'), 'removed cgroups whose kernel objects are paid for here: 1')
})

t.test('memory.max: limits of cgroups above count', async t => {
  const { shell } = booted()
  shell.mkdir('/p', 0o755)
  shell.writeFile('/p/cgroup.subtree_control', '+memory')
  shell.mkdir('/p/c', 0o755)
  shell.writeFile('/p/memory.max', '1M')
  t.match(asked(shell, '/p/c/memory.max'), /memory\.max of \/p: 256 pages = 1048576 bytes, \d+ pages below it/)
})

t.test('memory.high: who sleeps for it', async t => {
  const { shell } = booted({ swap: '0' })
  shell.mkdir('/a', 0o755)
  shell.writeFile('/a/memory.high', '1M')
  does(shell, '/a', 'task t1 bare')
  does(shell, '/a', 'anon t1 heap 8M')
  t.match(asked(shell, '/a/memory.high'), /task t1 sleeps: for \d+ ms more, because of: high/)
})

t.test('a refused rmdir: who lives there, at that moment', async t => {
  const { shell } = booted()
  shell.mkdir('/a', 0o755)
  does(shell, '/a', 'task t1')
  t.equal(shell.rmdir('/a'), EBUSY)
  does(shell, '/a', 'exit t1')
  // The task has gone since; what is told is what was found.
  t.match(asked(shell, '/a'), 'The last rmdir was refused with EBUSY, 0 ms ago: There are living tasks here or below')
  shell.mkdir('/a/b', 0o755)
  t.equal(shell.rmdir('/a'), EBUSY)
  t.match(asked(shell, '/a'), 'It has children.')
})

t.test('a refused mkdir: of a name that is not there', async t => {
  const { shell } = booted()
  shell.writeFile('/cgroup.max.descendants', '0')
  t.equal(shell.mkdir('/a', 0o755), EAGAIN)
  t.match(asked(shell, '/a'), /The last mkdir of "a" was refused with EAGAIN.*cgroup\.max\.descendants 0 with 0 below/)
  t.equal(asked(shell, '/b'), String(ENOENT), 'nobody tried that')
})

t.test('a refused write: what was written, and the check', async t => {
  const { shell } = booted()
  shell.mkdir('/a', 0o755)
  t.equal(shell.writeFile('/a/memory.max', '12 apples'), EINVAL)
  t.match(
    asked(shell, '/a/memory.max'),
    'The last write of "12 apples" was refused with EINVAL, 0 ms ago: It takes max or',
  )
  shell.writeFile('/a/memory.max', '12M')
  t.notMatch(asked(shell, '/a/memory.max'), 'refused with', 'a success clears it')
  shell.writeFile('/a/cgroup.subtree_control', '+memory')
  t.equal(shell.writeFile('/a/cgroup.procs', '0'), EBUSY)
  t.match(asked(shell, '/a/cgroup.procs'), /no internal processes.*controllers on for the children: memory/)
  t.equal(shell.writeFile('/a/cgroup.subtree_control', '+io'), ENOENT)
  t.match(asked(shell, '/a/cgroup.subtree_control'), 'it is not in cgroup.controllers')
})

t.test('memory.reclaim that finds nothing', async t => {
  const { shell } = booted()
  shell.mkdir('/a', 0o755)
  t.equal(shell.writeFile('/a/memory.reclaim', '1M'), EAGAIN)
  t.match(asked(shell, '/a/memory.reclaim'), /refused with EAGAIN.*reclaim_retries = 16/)
})

t.test('a read of an open file of a removed cgroup', async t => {
  const { shell } = booted()
  shell.mkdir('/a', 0o755)
  const fd = shell.open('/a/memory.current', O.RDONLY)
  shell.rmdir('/a')
  t.equal(shell.read(fd, 100), ENODEV)
  t.equal(asked(shell, '/a/memory.current'), String(ENOENT), 'there is no path to ask by any more')
})

t.test('a threaded cgroup', async t => {
  const { shell } = booted()
  shell.mkdir('/a', 0o755)
  shell.mkdir('/a/t', 0o755)
  t.equal(shell.writeFile('/a/t/cgroup.type', 'threaded'), 'threaded'.length)
  t.equal(shell.readFile('/a/t/cgroup.procs'), EOPNOTSUPP)
  t.match(asked(shell, '/a/t/cgroup.procs'), 'Its threads are in cgroup.threads.')
})

t.test('version 1: a limit below what is used', async t => {
  const { shell } = booted({ kernel: '6.1', hierarchy: 'v1', swap: '0' })
  shell.mkdir('/memory/a', 0o755)
  does(shell, '/memory/a', 'task t1 bare')
  does(shell, '/memory/a', 'anon t1 heap 1M')
  t.equal(shell.writeFile('/memory/a/memory.limit_in_bytes', '64K'), EBUSY)
  t.match(asked(shell, '/memory/a/memory.limit_in_bytes'), 'The old limit stays; nobody is killed for a write.')
  t.equal(shell.writeFile('/memory/memory.limit_in_bytes', '1M'), EINVAL)
  t.match(asked(shell, '/memory/memory.limit_in_bytes'), 'The root has no limit.')
})

t.test('each description reads its own answer, a new one the last', async t => {
  const { shell } = booted()
  const one = shell.open(EXPLAIN, O.RDWR)
  const other = shell.open(EXPLAIN, O.RDWR)
  shell.write(one, '/memory.stat')
  shell.write(other, '/cgroup.stat')
  t.match(shell.pread(one, 4096, 0), '/memory.stat on')
  t.match(shell.pread(other, 4096, 0), '/cgroup.stat on')
  t.match(shell.readFile(EXPLAIN), '/cgroup.stat on')
  t.equal(shell.write(one, 'memory.stat'), ENOENT, 'a path starts at the root of the mount')
})

t.test('asking changes nothing', async t => {
  const { system, shell } = booted()
  shell.mkdir('/a', 0o755)
  does(shell, '/a', 'task t1 bare')
  does(shell, '/a', 'anon t1 heap 10p')
  const state = (): string => JSON.stringify([...system.kernel.engine.vmstats.rows.data.slice(0, 200)])
  const before = state()
  asked(shell, '/a/memory.stat')
  t.equal(state(), before)
})
