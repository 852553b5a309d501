/** memory.oom_control of version 1: a killer that is switched off, and who sleeps because of it (charge-reclaim.md §9.3). */
import t from 'tap'
import type { KernelId } from '../../src/profiles/features.ts'
import { type Shell, shellOf } from './helpers.ts'

const CONTROL = '/memory/a/memory.oom_control'

/** A cgroup of 1 MiB whose killer is off, and a task that wants more than there is left. */
function waiting(kernel: KernelId = '6.1'): Shell {
  const shell = shellOf({ kernel, hierarchy: 'v1', cpus: 1, swap: 0 })
  shell.root.mkdir('/memory/a', 0o755)
  shell.write('/memory/a/memory.limit_in_bytes', '1M')
  shell.write(CONTROL, '1')
  shell.do('/memory/a', 'task t bare', 'task u bare', 'anon t heap 512K')
  t.type(shell.do('/memory/a', 'anon u heap 1M'), 'number', 'the write returns')
  return shell
}

const isWaiting = ({ read }: Shell): boolean => read(CONTROL).includes('under_oom 1\n')

/** What became of the line that had to wait. */
function outcome({ do: run, result }: Shell): string {
  run('/memory/a', '- wait u max=1s')
  return result('/memory/a')[0]!
}

t.test('who faults sleeps, and everything below is under OOM', t => {
  for (const kernel of ['4.3', '6.1'] as const) {
    const shell = waiting(kernel)
    t.match(shell.result('/memory/a')[0], /^1 waits anon u pages=128 of=256 .*reason=oom/, kernel)
    t.match(shell.read(CONTROL), /^oom_kill_disable 1\nunder_oom 1\n/)
    t.equal(shell.read('/memory/memory.oom_control').includes('under_oom 0\n'), true, 'not above')
    t.match(outcome(shell), /ETIMEDOUT/, 'time alone does not help')
  }
  t.end()
})

t.test('a child takes over whether the killer acts', t => {
  const { root, read, write } = shellOf({ kernel: '6.1', hierarchy: 'v1' })
  root.mkdir('/memory/a', 0o755)
  write(CONTROL, '1')
  root.mkdir('/memory/a/b', 0o755)
  t.match(read('/memory/a/b/memory.oom_control'), /^oom_kill_disable 1\n/)
  t.end()
})

t.test('it goes on when the limit is raised', t => {
  const shell = waiting()
  shell.write('/memory/a/memory.limit_in_bytes', '2M')
  t.notOk(isWaiting(shell))
  t.match(outcome(shell), /ok anon u pages=256/)
  t.end()
})

t.test('it goes on when memory is given back', t => {
  const shell = waiting()
  shell.do('/memory/a', 'free t heap 256K')
  t.ok(isWaiting(shell), 'that was not enough')
  shell.do('/memory/a', 'free t heap')
  t.notOk(isWaiting(shell))
  t.match(outcome(shell), /ok anon u pages=256/)
  t.end()
})

t.test('it goes on when the killer acts again, which may kill it', t => {
  const shell = waiting()
  shell.write(CONTROL, '0')
  t.match(shell.read(CONTROL), /^oom_kill_disable 0\nunder_oom 0\noom_kill 1\n$/)
  // It holds as much as the other one, and was made later.
  t.match(outcome(shell), /ESRCH|ENOMEM/)
  t.match(shell.read('/memory/a/.memcgfs/tasks'), /^t pid=/)
  t.end()
})

t.test('killed or moved, nobody waits any more', t => {
  const killed = waiting()
  killed.do('/memory/a', 'kill u')
  t.notOk(isWaiting(killed))
  const moved = waiting()
  moved.do('/memory/a', 'move u /')
  t.notOk(isWaiting(moved))
  t.match(outcome(moved), /ok anon u pages=256/)
  t.end()
})

t.test('what is no fault fails', t => {
  const shell = waiting()
  shell.do('/memory/a', 'file f 1M', 'task v bare')
  t.equal(shell.do('/memory/a', 'write v f 0 1M'), 'ENOMEM')
  t.end()
})

t.test('with oom_exit_ms who needs the memory sleeps until the victim is gone, and that is a stall', t => {
  const { root, write, read, do: run, result } = shellOf({ cpus: 1, swap: 0 })
  root.mkdir('/a', 0o755)
  write('/a/memory.max', '1M')
  run('/', 'config oom_exit_ms=50')
  run('/a', 'task t bare', 'task u bare', 'anon t heap 768K', 'anon u heap 512K')
  t.match(result('/a')[3], /^4 waits anon u .*reason=victim/)
  run('/a', 'wait u', 'echo')
  t.match(result('/a')[0], /ok anon u pages=128/)
  t.match(read('/a/memory.pressure'), /^some .* total=50000\nfull .* total=50000\n$/)
  t.match(read('/a/memory.events'), /\noom_kill 1\n/)
  t.end()
})

t.test('with nobody to kill a fault is tried again until there is room (recorded: memory/max/oom-score-adj-min)', t => {
  const { root, write, read, do: run, result } = shellOf({ kernel: '6.1', cpus: 1, swap: 0 })
  root.mkdir('/a', 0o755)
  write('/a/memory.max', '1M')
  run('/a', 'task t bare adj=-1000', 'anon t heap 2M')
  t.match(result('/a')[1], /^2 waits anon t pages=256 of=512 reason=room/)
  t.match(read('/a/memory.events'), /\nmax 18\noom 1\noom_kill 0\n/)
  write('/a/memory.max', '4M')
  run('/a', 'wait t')
  t.match(result('/a')[0], /ok anon t pages=512/)
  t.end()
})

t.test('and so it is when somebody may be killed after all', t => {
  const { root, write, read, do: run, result } = shellOf({ kernel: '6.1', cpus: 1, swap: 0 })
  root.mkdir('/a', 0o755)
  write('/a/memory.max', '1M')
  run('/a', 'task t bare adj=-1000', 'task u bare adj=-1000', 'anon t heap 768K', 'anon u heap 1M', 'adj t 0')
  t.match(read('/a/memory.events'), /\noom 2\noom_kill 1\n/)
  run('/a', 'wait u')
  t.match(result('/a')[0], /ok anon u pages=256/)
  t.end()
})
