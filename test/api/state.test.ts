/**
 * The state of a machine is plain data: a copy of it goes on as the original does, file by file
 * (engine-shape.md §5, decision 1).
 */
import t from 'tap'
import { MANUAL_BOOT_TIME } from '../../src/api/boot.ts'
import { brokenInvariants } from '../../src/api/invariants.ts'
import { resolveOptions } from '../../src/api/options.ts'
import { pack, unpack } from '../../src/api/pack.ts'
import { O } from '../../src/api/process.ts'
import { System, type SystemState } from '../../src/api/system.ts'
import { isErrno } from '../../src/errno.ts'

/** What somebody does to a machine. Descriptors are counted from 3 in the order they are opened. */
type Request = (system: System) => unknown

const shell = (system: System) => system.process(1)
const user = (system: System) => system.process(2)
const run =
  (dir: string, ...lines: string[]): Request =>
  system =>
    shell(system).writeFile(`${dir}/.memcgfs/do`, lines.map(line => `${line}\n`).join(''))
const write =
  (path: string, text: string): Request =>
  system =>
    shell(system).writeFile(path, text)
const mkdir =
  (path: string): Request =>
  system =>
    shell(system).mkdir(path, 0o755)
const rmdir =
  (path: string): Request =>
  system =>
    shell(system).rmdir(path)
const open =
  (path: string, flags: number = O.RDWR): Request =>
  system =>
    shell(system).open(path, flags)
const read =
  (fd: number, count: number): Request =>
  system =>
    shell(system).read(fd, count)
const pass =
  (ms: number): Request =>
  system =>
    system.advance(ms * 1e6)

const busy: Record<string, Request> = {
  'a program begins': system => system.spawn({ pid: 100 }),
  'an ordinary user begins': system => system.spawn({ uid: 1000, gid: 1000, groups: [5], pid: 200 }),
  'both exist': system => [system.addPid(100), system.addPid(200)],
  controllers: write('/cgroup.subtree_control', '+memory +pids +cpu'),
  cgroups: system => ['/a', '/a/x', '/b', '/dying', '/frozen', '/slow'].map(path => mkdir(path)(system)),
  'controllers below': write('/a/cgroup.subtree_control', '+memory +pids'),
  limits: system => [
    write('/b/memory.max', '64M')(system),
    write('/slow/memory.high', '1M')(system),
    write('/slow/memory.swap.max', '0')(system),
  ],
  'tasks and memory': run('/b', 'task t1', 'anon t1 heap 20M', 'fork t1 t2', 'thread t1 t3', 'anon t2 heap 3M order=9'),
  'files that two cgroups share': run(
    '/b',
    'task s1 /a/x',
    'file shared 8M',
    'read s1 shared 0 8M',
    'map t1 shared view',
    'touch t1 view',
    'shm t1 anonymous 2M',
  ),
  'kernel memory': run(
    '/b',
    'kmalloc t1 192 500 tag=w',
    'kpages t1 2 3',
    'lookup t1 ext4 40 prefix=p',
    'hold t1 ext4 5 prefix=p',
  ),
  'a cgroup that dies with memory': run('/dying', 'task d1', 'file left 4M', 'read d1 left 0 4M', 'exit d1'),
  'open files of it': system => [open('/dying/memory.stat')(system), open('/dying/cgroup.events')(system)],
  'one half read': read(4, 5),
  'its end': rmdir('/dying'),
  'a zombie': run('/a/x', 'task z1', 'exit z1 zombie'),
  'a real process': write('/a/x/cgroup.procs', '200'),
  'a frozen task with work to do': run('/frozen', 'task f1', 'task f2'),
  'its freezing': write('/frozen/cgroup.freeze', '1'),
  'time for that': pass(50),
  'queued work': run('/frozen', 'anon f1 heap 5M', 'anon f2 heap 6M'),
  'a sleeping task': run('/slow', 'task l1', 'anon l1 heap 3M'),
  'memory on the swap device': system => [
    write('/b/memory.swap.max', '10M')(system),
    run('/b', 'reclaim /b 6M', 'reclaim /b 6M', 'reclaim /b 6M')(system),
  ],
  'a limit that is hit': run('/b', '- anon t2 more 100M'),
  'a file half read': system => [open('/b/memory.stat')(system), read(5, 10)(system)],
  'a peak of its own': system => [open('/b/memory.peak')(system), shell(system).write(6, '1')],
  'a trigger': system => [open('/b/memory.pressure')(system), shell(system).write(7, 'some 500000 2000000')],
  'pressure it waits for': run('/b', 'stall memory some=50%'),
  'an unfinished line': system => [open('/b/.memcgfs/do')(system), shell(system).write(8, 'echo one\nec')],
  attributes: system => [
    shell(system).chmod('/b/memory.max', 0o600),
    shell(system).chown('/a', 1000, 1000),
    shell(system).utimes('/b', 5),
    shell(system).setxattr('/b', 'user.note', 'kept'),
  ],
  delegation: system => user(system).mkdir('/a/mine', 0o700),
  'a directory that is in use': system => [shell(system).chdir('/a'), open('/a', O.RDONLY)(system)],
  'a watcher': system => {
    const watch = shell(system).inotify()
    return [shell(system).watch(watch, '/b'), shell(system).watch(watch, '/b/cgroup.events', ['IN_MODIFY'])]
  },
  'what it sees': mkdir('/b/seen'),
  'hidden pressure files': write('/a/x/cgroup.pressure', '0'),
  'a notification that is held back': system => [
    write('/a/x/cgroup.procs', '100')(system),
    write('/cgroup.procs', '100')(system),
    write('/a/x/cgroup.procs', '100')(system),
  ],
  'a cgroup that is just dying': system => [mkdir('/gone')(system), rmdir('/gone')(system)],
}

/** What goes on afterwards, with something for everything that is pending. */
const onwards: Record<string, Request> = {
  'the rest of the half-read files': system => [read(4, 100)(system), read(5, 4000)(system)],
  'the dead file': read(3, 10),
  polls: system => [3, 4, 5, 6, 7].map(fd => shell(system).poll(fd, 0xffff)),
  'the peak': system => shell(system).pread(6, 100, 0),
  'the line is finished': system => [shell(system).write(8, 'ho two\n'), shell(system).pread(8, 1000, 0)],
  'work of the frozen goes on': write('/frozen/cgroup.freeze', '0'),
  'grace periods and notifications': pass(100),
  'what the pressure was': system => shell(system).readFile('/b/memory.pressure'),
  'what the watcher saw': system => shell(system).inotifyRead({ id: 1 }),
  'relative paths': system => [shell(system).list('.'), shell(system).getdents(9), shell(system).mkdir('new', 0o755)],
  'a zombie is reaped': run('/', 'reap z1'),
  'shared pages are given up': run('/', 'unmap t1 view', 'unlink shared', 'exit s1'),
  'kernel memory is freed': run('/', 'kfree t1 100 tag=w', 'kpages-free t1 2', 'drop t1 ext4 2 prefix=p'),
  'a split of huge pages': run('/', 'free t2 heap 1M'),
  'the user is refused': system => [user(system).rmdir('/b'), user(system).mkdir('/a/mine/k', 0o755)],
  'the user exits': system => system.exitPid(200),
  'who is left': system => shell(system).readFile('/a/x/cgroup.procs'),
  'tasks go': run('/', 'exit t3', 'kill t1', 'kill t2', 'exit f1', 'kill f2'),
  'cgroups go': system => [rmdir('/b/seen')(system), rmdir('/b')(system), rmdir('/frozen')(system)],
  'a new cgroup': system => [mkdir('/after')(system), run('/after', 'task n1', 'anon n1 heap 2M')(system)],
  'all work is done': pass(5000),
}

const boot = (): System =>
  System.boot(resolveOptions({ cpus: 4, memory: '2G' }, 'manual'), {
    bootTime: MANUAL_BOOT_TIME,
    owner: { uid: 0, gid: 0 },
  })

/** A second system from a copy of the first one's state. */
const copyOf = (system: System): System => System.resume(unpack(structuredClone(pack(system.state))) as SystemState)

/** Everything a program could look at: contents, attributes and order of every file, also of the control directories. */
function everything(system: System): Record<string, unknown> {
  const looker = system.process(system.spawn({ pid: 300 }))
  const found: Record<string, unknown> = {}
  const look = (path: string): void => {
    found[path] = { ...(looker.stat(path) as object) }
    const entries = looker.list(path)
    if (isErrno(entries)) {
      found[path] = [found[path], looker.readFile(path), looker.listxattr(path)]
      return
    }
    found[`${path} lists`] = entries
    for (const { name } of entries) if (name !== '.' && name !== '..') look(`${path}/${name}`)
    if (!path.endsWith('.memcgfs')) look(`${path}/.memcgfs`)
  }
  look('/')
  return found
}

t.test('a copy of a busy machine goes on as the original does', async t => {
  const original = boot()
  for (const [title, request] of Object.entries(busy)) t.ok(request(original) !== undefined || true, title)
  const copy = copyOf(original)
  t.strictSame(brokenInvariants(copy.kernel), [])
  t.strictSame(everything(copy), everything(original), 'every file is the same')
  for (const [title, request] of Object.entries(onwards)) t.strictSame(request(copy), request(original), title)
  t.strictSame(everything(copy), everything(original), 'every file is the same in the end')
  t.strictSame(brokenInvariants(copy.kernel), [])
})

t.test('a machine that moves after every request', async t => {
  const stays = boot()
  let moves = boot()
  for (const [title, request] of Object.entries({ ...busy, ...onwards })) {
    t.strictSame(request(moves), request(stays), title)
    moves = copyOf(moves)
  }
  t.strictSame(everything(moves), everything(stays))
  t.strictSame(brokenInvariants(moves.kernel), [])
})

t.test('the copy is independent', async t => {
  const original = boot()
  for (const request of Object.values(busy)) request(original)
  const before = everything(original)
  const copy = copyOf(original)
  for (const request of Object.values(onwards)) request(copy)
  t.strictSame(everything(original), before)
  t.notSame(everything(copy), before)
})

t.test('all of it was really there', async t => {
  const system = boot()
  for (const request of Object.values(busy)) request(system)
  const { kernel } = system
  t.equal(kernel.workload.jobs.length, 3, 'queued work')
  t.ok(kernel.tree.tasksByName.get('l1')?.sleep, 'a sleeper')
  t.ok(kernel.engine.clock.queue.length >= 3, 'deferred work')
  t.ok(
    kernel.tree.css.some(css => css?.stage === 'offline'),
    'a dying state',
  )
  t.ok(
    kernel.tree.css.some(css => css?.stage === 'killed'),
    'one in its grace period',
  )
  t.match(shell(system).readFile('/b/memory.events'), /oom_kill 1/)
  t.ok(kernel.engine.swap.used > 0, 'memory on the swap device')
  t.match(shell(system).readFile('/cgroup.stat'), /nr_dying_descendants 2/)
  t.equal(system.vfs.door.opens.files.filter(Boolean).length, 6)
  t.ok([...kernel.tree.blocks.values()].some(block => [...(block.events?.values() ?? [])].some(({ held }) => held)))
  t.equal(kernel.tree.realTasks, 2)
  t.ok(Object.keys(everything(system)).length > 200, 'many files')
})
