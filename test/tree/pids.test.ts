/** The pids controller: only making a task asks for the limit. Example 23 of cgroup-core.md §10. */
import t from 'tap'
import { machine } from './machine.ts'
import { transcript } from './transcript.ts'

transcript(
  'example 23: a fork over the limit fails, a move over it does not, and zombies count',
  ['6.12'],
  `
  $ echo +pids > cgroup.subtree_control
  $ mkdir a
  $ echo 2 > a/pids.max
  a/$ task p bare
  a/$ fork p q
  a/$ fork p r
  EAGAIN
  $ cat a/pids.current
  2
  $ cat a/pids.peak
  2
  $ cat a/pids.events
  max 1
  $ echo 0 > a/pids.max
  /$ task s bare
  $ echo $s > a/cgroup.procs
  $ cat a/pids.current
  3
  $ ls pids.current  # not on the root
  ENOENT
  a/$ exit q zombie
  $ cat a/pids.current
  3
  a/$ reap q
  $ cat a/pids.current
  2
`,
)

t.test('example 23: a refused fork is told', async t => {
  const { root } = machine()
  root.writeFile('/cgroup.subtree_control', '+pids')
  root.mkdir('/a', 0o755)
  root.writeFile('/a/pids.max', '1')
  root.writeFile('/a/.memcgfs/do', 'task p bare')
  const watch = root.inotify()
  root.watch(watch, '/a/pids.events')
  root.writeFile('/a/.memcgfs/do', 'fork p q')
  t.same(root.inotifyRead(watch), [{ wd: 1, mask: 'IN_MODIFY', name: '' }])
})
