/** Version 1: the core files and the rules of moving, naming and removing (cgroup-core.md §1.7, §5, §6.2, §8.5). */
import t from 'tap'
import { EBUSY, ENOENT, EPERM, ESRCH } from '../../src/errno.ts'
import { machine, seconds } from './machine.ts'
import { transcript } from './transcript.ts'

const V1 = { hierarchy: 'v1' } as const

transcript(
  'the mount holds a directory per controller, and is no cgroup',
  ['6.1'],
  `
  $ ls memory/tasks
  memory/tasks
  $ ls tasks
  ENOENT
  $ mkdir a
  EPERM
  $ rmdir memory
  EBUSY
  $ mv memory m
  EBUSY
  $ ls .memcgfs/clock
  .memcgfs/clock
  $ ls memory/.memcgfs/do
  memory/.memcgfs/do
  $ ls memory/.memcgfs/clock
  ENOENT
  $ ls memory/release_agent
  memory/release_agent
  $ mkdir memory/a
  $ ls memory/a/release_agent
  ENOENT
  $ ls memory/a/cgroup.subtree_control
  ENOENT
`,
  V1,
)

t.test('what a write of the door at the top did can be read there, whoever looked at the hierarchy before', async t => {
  const { root } = machine({ kernel: '6.1', ...V1 })
  t.equal(root.writeFile('/.memcgfs/do', 'task t /nowhere\n'), ENOENT)
  t.match(root.readFile('/.memcgfs/result'), /^1 ENOENT task /)
})

transcript(
  'tasks live in inner cgroups, and single threads move',
  ['6.1'],
  `
  $ mkdir memory/a memory/a/b
  memory/a/$ task t1 bare
  memory/a/$ thread t1 t2
  $ cat memory/a/cgroup.procs
  $t1
  $ echo $t2 > memory/a/b/tasks
  $ cat memory/a/tasks
  $t1
  $ cat memory/a/b/tasks
  $t2
  $ cat memory/a/b/cgroup.procs       # The process is listed wherever one of its threads is.
  $t1
  $ echo $t2 > memory/cgroup.procs    # Moves all of them.
  $ cat memory/a/tasks
  $ rmdir memory/a
  EBUSY
  $ rmdir memory/a/b
  $ rmdir memory/a
  memory/$ move t1 memory:/
`,
  V1,
)

transcript(
  'a cgroup takes another name in its directory, and keeps what it has',
  ['6.1'],
  `
  $ mkdir memory/a memory/b
  memory/a/$ task t1 bare
  $ echo 64K > memory/a/memory.limit_in_bytes
  $ mv memory/a memory/b
  EEXIST
  $ mv memory/a memory/b/a
  EIO
  $ mv memory/a memory/x\\ny
  EINVAL
  $ mv memory/a memory/tasks
  ENOTDIR
  $ mv memory/tasks memory/threads
  ENOTDIR
  $ mv memory/a memory/.memcgfs
  EEXIST
  user$ mv memory/a memory/c
  EACCES
  $ mv memory/a memory/c
  $ cat memory/c/tasks
  $t1
  $ cat memory/c/memory.limit_in_bytes
  65536
  $ ls memory/a
  ENOENT
`,
  V1,
)

transcript(
  'flags are inherited by what is made later',
  ['6.1'],
  `
  $ mkdir memory/a
  $ echo 4294967296 > memory/a/notify_on_release
  $ echo 7 > memory/a/cgroup.clone_children
  $ mkdir memory/a/b
  $ cat memory/a/b/notify_on_release
  1
  $ cat memory/a/b/cgroup.clone_children
  1
  $ echo -1 > memory/a/notify_on_release
  EINVAL
`,
  V1,
)

transcript(
  'whoever is called when a cgroup falls empty is recorded, not run (core/memory/release/agent)',
  ['6.1'],
  `
  $ echo /agent > memory/release_agent
  user$ echo /other > memory/release_agent
  EACCES
  $ mkdir memory/t
  $ echo 1 > memory/t/notify_on_release
  $ mkdir memory/t/a
  memory/t/a/$ task A bare
  memory/t/a/$ exit A
  memory/t/a/$ task B bare
  $ echo $B > memory/tasks
  $ rmdir memory/t/a
  $ grep 1000000000000 .memcgfs/log
  1000000000000 /t/a 1 ok task A pid=5000001 cgroup=/t/a cpu=0
  1000000000000 /t/a done=1 failed=0 waiting=0 clock=1000000000000
  1000000000000 release agent /agent /t/a
  1000000000000 /t/a 1 ok exit A
  1000000000000 /t/a done=1 failed=0 waiting=0 clock=1000000000000
  1000000000000 /t/a 1 ok task B pid=5000002 cgroup=/t/a cpu=1
  1000000000000 /t/a done=1 failed=0 waiting=0 clock=1000000000000
  1000000000000 release agent /agent /t/a
  1000000000000 release agent /agent /t
`,
  V1,
)

t.test('who may move whom: root anybody, a user his own processes (cgroup-core.md §6.2)', async t => {
  const { root, table, spawn } = machine({ kernel: '6.1', ...V1 })
  const user = spawn(200, 1000)
  table.add(201, { uid: 1000 })
  table.add(202, { uid: 0 })
  root.mkdir('/memory/a', 0o755)
  root.chmod('/memory/a/tasks', 0o666)
  t.equal(user.writeFile('/memory/a/tasks', '201'), 3, 'no right on the directory it comes from is asked for')
  t.equal(user.writeFile('/memory/a/tasks', '202'), -13)
  t.equal(user.writeFile('/memory/a/tasks', '203'), ESRCH)
  t.equal(root.writeFile('/memory/a/tasks', '202'), 3)
})

t.test(
  'lists are sorted, and one that is read again through the same descriptor is the old one for a second',
  async t => {
    const { root, table, pass } = machine({ kernel: '6.1', ...V1 })
    for (const pid of [303, 301, 302]) table.add(pid)
    root.mkdir('/memory/a', 0o755)
    for (const pid of [303, 301, 302]) root.writeFile('/memory/a/tasks', String(pid))
    const fd = root.open('/memory/a/tasks', 0)
    t.equal(root.read(fd, 4096), '301\n302\n303\n')
    root.writeFile('/memory/tasks', '301')
    t.equal(root.pread(fd, 4096, 0), '301\n302\n303\n')
    t.equal(root.readFile('/memory/a/tasks'), '302\n303\n', 'the first read of a description is fresh')
    t.equal(root.pread(fd, 4096, 0), '302\n303\n', 'and the list is shared')
    root.writeFile('/memory/tasks', '302')
    pass(seconds(1))
    t.equal(root.pread(fd, 4096, 0), '303\n')
  },
)

t.test('inode numbers differ between the mount and the roots of hierarchies', async t => {
  const { root } = machine({ kernel: '6.1', ...V1 })
  const ino = (path: string): number => (root.stat(path) as { ino: number }).ino
  t.equal(ino('/memory'), 1)
  t.not(ino('/'), 1)
  t.equal((root.stat('/') as { nlink: number }).nlink, 3, 'one subdirectory')
  t.equal(root.mkdir('/x', 0o755), EPERM)
  t.equal(root.rmdir('/memory'), EBUSY)
})
