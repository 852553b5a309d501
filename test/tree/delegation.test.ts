/** Handing a subtree to a user. Example 25 of cgroup-core.md §10. */
import t from 'tap'
import { O, type Process } from '../../src/api/process.ts'
import { EACCES, EPERM, isErrno } from '../../src/errno.ts'
import { machine, type TestMachine } from './machine.ts'

const USER = 1000

/** /d belongs to the user, and root's process 200 is in it; /o is root's. The user's shell is process 1000. */
function scene(): TestMachine & { readonly user: Process } {
  const made = machine()
  const { root } = made
  root.writeFile('/cgroup.subtree_control', '+pids')
  for (const dir of ['/d', '/o']) root.mkdir(dir, 0o755)
  for (const name of ['', '/cgroup.procs', '/cgroup.subtree_control', '/cgroup.threads'])
    root.chown(`/d${name}`, USER, USER)
  made.spawn(200, 0)
  root.writeFile('/d/cgroup.procs', '200')
  const user = made.spawn(1000, USER)
  user.mkdir('/d/x', 0o755)
  return { ...made, user }
}

const ownerOf = (who: Process, path: string): number => {
  const attributes = who.stat(path)
  return isErrno(attributes) ? attributes : attributes.uid
}

t.test('example 25: what the user makes belongs to the user', async t => {
  const { user } = scene()
  t.equal(ownerOf(user, '/d/x'), USER)
  t.equal(ownerOf(user, '/d/x/cgroup.procs'), USER)
  t.equal(ownerOf(user, '/d/pids.max'), 0)
  t.equal(user.open('/d/pids.max', O.WRONLY), EACCES)
})

t.test('example 25: processes are moved within the subtree, whosever they are, and not into it', async t => {
  const { root, user } = scene()
  t.equal(user.writeFile('/d/x/cgroup.procs', '0'), EACCES, 'the root is above both')
  t.equal(user.writeFile('/d/x/cgroup.procs', '200'), 3)
  t.equal(root.readFile('/d/x/cgroup.procs'), '200\n')
})

t.test('example 25: the files of a controller belong to who enables it', async t => {
  const { user } = scene()
  t.equal(user.writeFile('/d/x/cgroup.procs', '200'), 3, 'd has no process of its own any more')
  t.equal(user.writeFile('/d/cgroup.subtree_control', '+pids'), 5)
  t.equal(ownerOf(user, '/d/x/pids.max'), USER)
})

t.test('example 25: attributes', async t => {
  const { user } = scene()
  t.equal(user.setxattr('/d/x', 'user.note', '1'), 0)
  t.equal(user.setxattr('/d/x', 'trusted.note', '1'), EPERM)
  t.equal(user.setxattr('/o', 'user.note', '1'), EACCES)
  t.equal(user.rmdir('/d'), EACCES)
})

t.test('example 25: the rights are those of who opened the file', async t => {
  const { root, user } = scene()
  const fd = root.open('/d/x/cgroup.procs', O.WRONLY)
  const file = root.state.fds.get(fd)!
  user.state.fds.set(fd, file)
  t.equal(user.write(fd, '0'), 1, 'moved from anywhere')
  t.equal(root.readFile('/d/x/cgroup.procs'), '1000\n', 'and it is the writer who moved')
})
