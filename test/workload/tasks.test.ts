// Simulated tasks, seen through files and through what they did: workload.md §4.1, §5; cgroup-core.md §6.
import t from 'tap'
import { shellOf } from './helpers.ts'

t.test('a refused fork is counted where the limit is', t => {
  const shell = shellOf()
  for (const path of ['/a', '/a/b']) shell.root.mkdir(path, 0o755)
  shell.write('/a/cgroup.subtree_control', '+pids')
  shell.do('/a/b', 'task t')
  shell.write('/a/pids.max', '2')
  t.equal(shell.do('/a/b', 'fork t u'), 'fork t u\n'.length)
  t.equal(shell.do('/a/b', 'fork t v'), 'EAGAIN')
  t.match(shell.result('/a/b')[0], /pids.max of \/a\/b or of a cgroup above it is reached/)
  t.equal(shell.read('/a/pids.events'), 'max 1\n')
  t.equal(shell.read('/a/pids.events.local'), 'max 1\n')
  t.equal(shell.read('/a/b/pids.events'), 'max 0\n', 'not where the fork was tried')
  t.equal(shell.read('/a/pids.current'), '2\n')
  t.equal(shell.read('/a/pids.peak'), '2\n')
  t.end()
})

t.test('core example 23: a limit below the number stops forks, not moves; zombies count until they are reaped', t => {
  const shell = shellOf()
  shell.root.mkdir('/a', 0o755)
  shell.do('', 'task t', 'task u')
  shell.write('/a/pids.max', '0')
  t.equal(shell.do('', 'move t /a', 'move u /a'), 'move t /a\nmove u /a\n'.length)
  t.equal(shell.read('/a/pids.current'), '2\n')
  shell.do('', 'exit u zombie')
  t.equal(shell.read('/a/pids.current'), '2\n')
  t.equal(shell.read('/a/cgroup.procs'), '5000001\n')
  shell.do('', 'reap u')
  t.equal(shell.read('/a/pids.current'), '1\n')
  t.end()
})

t.test('core example 12: a cgroup with only a zombie can be removed, and is dying until that is reaped', t => {
  const shell = shellOf()
  shell.root.mkdir('/m', 0o755)
  shell.do('/m', 'task z', 'exit z zombie')
  t.equal(shell.read('/m/cgroup.procs'), '')
  t.equal(shell.read('/m/cgroup.events'), 'populated 0\nfrozen 0\n')
  t.equal(shell.root.rmdir('/m'), 0)
  shell.do('', 'settle')
  t.match(shell.read('/cgroup.stat'), /^nr_dying_descendants 1$/m)
  shell.do('', 'reap z', 'settle')
  t.match(shell.read('/cgroup.stat'), /^nr_dying_descendants 0$/m)
  t.end()
})

t.test('core example 13: a leader that exits stays listed while a thread lives', t => {
  const shell = shellOf()
  shell.root.mkdir('/m', 0o755)
  shell.do('/m', 'task lead', 'thread lead other', 'exit lead')
  t.equal(shell.read('/m/cgroup.procs'), '5000001\n')
  t.equal(shell.read('/m/cgroup.threads'), '5000002\n')
  t.match(shell.read('/m/cgroup.events'), /^populated 1$/m)
  shell.do('/m', 'exit other')
  t.equal(shell.read('/m/cgroup.procs'), '')
  t.match(shell.read('/m/cgroup.events'), /^populated 0$/m)
  t.equal(shell.read('/m/pids.current'), '0\n')
  t.end()
})

t.test('a thread costs a stack and its objects; a bare task costs nothing', t => {
  const shell = shellOf()
  for (const path of ['/a', '/b']) shell.root.mkdir(path, 0o755)
  shell.do('/a', 'task t', 'rstat-flush')
  const before = Number(/^slab (\d+)$/m.exec(shell.read('/a/memory.stat'))![1])
  shell.do('/a', 'thread t x count=100 cpu=0', '- rstat-flush')
  shell.do('/a', 'thread t x count=100', 'drain-stocks /a', 'rstat-flush')
  const stat = shell.read('/a/memory.stat')
  t.match(stat, /^kernel_stack 1654784$/m, '101 stacks of 16 KiB')
  // errata.md §2.21: about 9240 bytes of slab for each thread on 6.12.
  const each = (Number(/^slab (\d+)$/m.exec(stat)![1]) - before) / 100
  t.ok(Math.abs(each - 9240) < 0.02 * 9240, `${each} bytes`)
  shell.do('/b', 'task free bare', 'anon free r 1p', 'rstat-flush')
  t.match(shell.read('/b/memory.stat'), /^anon 4096$/m)
  t.match(shell.read('/b/memory.stat'), /^kernel 0$/m)
  t.end()
})

t.test('tasks are placed on CPUs in turn, children on the next one', t => {
  const shell = shellOf({ cpus: 2 })
  shell.do('', 'task a', 'task b', 'task c', 'task d cpu=1', 'fork d e')
  t.same(
    shell.result('').map(line => /cpu=(\d)/.exec(line)![1]),
    ['0', '1', '0', '1', '0'],
  )
  t.end()
})

t.test('a real process is listed and counted until it has exited, which the next look finds out', t => {
  const shell = shellOf()
  for (const path of ['/a', '/b']) shell.root.mkdir(path, 0o755)
  const { host } = shell.kernel.tree as unknown as { host: { add(pid: number): void; exit(pid: number): void } }
  host.add(4711)
  t.equal(shell.write('/a/cgroup.procs', '4711'), 4)
  t.equal(shell.write('/a/cgroup.procs', '0'), 1, 'the writer itself')
  t.equal(shell.read('/a/cgroup.procs'), '4711\n100\n')
  t.equal(shell.read('/a/pids.current'), '2\n')
  t.match(shell.read('/a/.memcgfs/tasks'), /^- pid=4711 tgid=4711 real running/m)
  t.equal(shell.root.rmdir('/a'), -16)
  t.equal(shell.write('/b/cgroup.procs', '100'), 3)
  host.exit(4711)
  t.equal(shell.read('/a/pids.current'), '0\n')
  t.match(shell.read('/a/cgroup.events'), /^populated 0$/m)
  t.equal(shell.root.rmdir('/a'), 0)
  t.equal(shell.write('/b/cgroup.procs', '4711'), 'ESRCH')
  t.equal(shell.write('/b/cgroup.kill', '1'), 1)
  t.equal(shell.read('/b/cgroup.procs'), '100\n', 'real processes are never signalled')
  t.end()
})
