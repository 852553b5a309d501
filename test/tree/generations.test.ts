/** What the core of older and newer kernels does differently, one feature at a time. */
import t from 'tap'
import { EBUSY, EINVAL, EOPNOTSUPP } from '../../src/errno.ts'
import { machine, seconds } from './machine.ts'

const without = (feature: string) => machine({ with: { [feature]: 'no' } }).root

t.test('threaded=no: every controller is one of domains, so none is handed down past processes', async t => {
  for (const [threaded, result] of [
    ['yes', 5],
    ['no', EBUSY],
  ] as const) {
    const { root } = machine({ with: { threaded } })
    root.writeFile('/cgroup.subtree_control', '+pids')
    root.mkdir('/a', 0o755)
    root.writeFile('/a/cgroup.procs', '0')
    t.equal(root.writeFile('/a/cgroup.subtree_control', '+pids'), result, threaded)
    t.equal(root.access('/a/cgroup.type', 0) === 0, threaded === 'yes')
  }
})

t.test('events_frozen_key=no: cgroup.events has one line, and there is no cgroup.freeze', async t => {
  const root = without('events_frozen_key')
  root.mkdir('/a', 0o755)
  t.equal(root.readFile('/a/cgroup.events'), 'populated 0\n')
  t.not(root.access('/a/cgroup.freeze', 0), 0)
})

t.test('user_xattr=no: attributes of users are not supported', async t => {
  const root = without('user_xattr')
  root.mkdir('/a', 0o755)
  t.equal(root.setxattr('/a', 'user.x', 'v'), EOPNOTSUPP)
  t.equal(root.getxattr('/a', 'user.x'), EOPNOTSUPP)
  t.equal(root.removexattr('/a', 'user.x'), EOPNOTSUPP)
  t.equal(root.setxattr('/a', 'security.x', 'v'), 0)
})

t.test('psi_unprivileged: the window of an unprivileged trigger', async t => {
  for (const [rule, result] of [
    ['2s-multiples', EINVAL],
    ['file-mode', 19],
  ] as const) {
    const { root, spawn } = machine({ with: { psi_unprivileged: rule } })
    root.chmod('/memory.pressure', 0o666)
    const user = spawn(1000, 1000)
    t.equal(user.writeFile('/memory.pressure', 'some 150000 1000000'), result, rule)
  }
})

/** Two levels with one task, whose memory.max cannot hold what it takes: two OOM kills would be counted twice. */
function killed(features: Record<string, string>): { local: string; above: string } {
  const { root } = machine({ swap: 0, with: features })
  root.writeFile('/cgroup.subtree_control', '+memory')
  root.mkdir('/a', 0o755)
  root.writeFile('/a/cgroup.subtree_control', '+memory')
  root.mkdir('/a/b', 0o755)
  root.writeFile('/a/b/memory.max', '1M')
  root.writeFile('/a/b/.memcgfs/do', 'task t bare\nanon t x 4M\n')
  return { local: String(root.readFile('/a/b/memory.events')), above: String(root.readFile('/a/memory.events')) }
}

t.test('events_tree=no: an event is counted where it happens and nowhere above', async t => {
  const tree = killed({})
  t.match(tree.local, /^oom_kill 1$/m)
  t.match(tree.above, /^oom_kill 1$/m)
  const alone = killed({ events_tree: 'no' })
  t.match(alone.local, /^oom_kill 1$/m)
  t.match(alone.above, /^oom_kill 0$/m)
})

t.test('events_keys and swap_events_keys are the lines of their files', async t => {
  const { root } = machine({ with: { events_keys: 'low,high,max,oom', swap_events_keys: 'max,fail' } })
  root.writeFile('/cgroup.subtree_control', '+memory')
  root.mkdir('/a', 0o755)
  t.equal(root.readFile('/a/memory.events'), 'low 0\nhigh 0\nmax 0\noom 0\n')
  t.equal(root.readFile('/a/memory.events.local'), 'low 0\nhigh 0\nmax 0\noom 0\n')
  t.equal(root.readFile('/a/memory.swap.events'), 'max 0\nfail 0\n')
})

t.test('cgroup.stat.local counts the time since freezing was asked for', async t => {
  const { root, pass } = machine({ with: { cgroup_stat_local: 'yes' } })
  root.mkdir('/a', 0o755)
  root.mkdir('/a/b', 0o755)
  const frozen = (path: string) => root.readFile(`${path}/cgroup.stat.local`)
  pass(seconds(1))
  t.equal(frozen('/a'), 'frozen_usec 0\n')
  root.writeFile('/a/cgroup.freeze', '1')
  pass(seconds(2))
  root.mkdir('/a/late', 0o755)
  for (const each of ['/a', '/a/b']) t.equal(frozen(each), 'frozen_usec 2000000\n', each)
  t.equal(frozen('/a/late'), 'frozen_usec 0\n')
  root.writeFile('/a/b/cgroup.freeze', '1')
  root.writeFile('/a/cgroup.freeze', '0')
  pass(seconds(1))
  t.equal(frozen('/a'), 'frozen_usec 2000000\n')
  t.equal(frozen('/a/b'), 'frozen_usec 3000000\n', 'it still says so itself')
  root.writeFile('/a/cgroup.freeze', '1')
  pass(seconds(1))
  t.equal(frozen('/a'), 'frozen_usec 3000000\n', 'all times together')
})
