/** fs.watch and fs.promises.watch on the simulated files. Rules of what is told: cgroup-core.md §1.6. */
import { setImmediate as tick } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type CgroupFs, createCgroupFs } from '../../mount/index.ts'

/** Watches a path; the function returned says what was told since it was asked last. */
function watching(
  t: Test,
  { fs }: CgroupFs,
  path: string,
  options: { recursive?: boolean } = {},
): () => Promise<string[]> {
  const told: string[] = []
  const watcher = fs.watch(path, options, (type, name) => told.push(`${type} ${name}`))
  t.teardown(() => watcher.close())
  return async () => {
    await tick() // Watchers are told in a turn of the event loop of their own.
    await tick()
    return told.splice(0)
  }
}

t.test('a directory tells of children that come and go', async t => {
  const cgroups = createCgroupFs()
  const { fs } = cgroups
  const told = watching(t, cgroups, '/')
  fs.mkdirSync('/a')
  t.same(await told(), ['rename a'])
  fs.mkdirSync('/a/b')
  t.same(await told(), [], 'not of their children')
  fs.rmdirSync('/a/b')
  fs.rmdirSync('/a')
  t.same(await told(), ['rename a'])
})

t.test('a recursive watch tells of everything below', async t => {
  const cgroups = createCgroupFs()
  const { fs } = cgroups
  fs.mkdirSync('/a/b', { recursive: true })
  const told = watching(t, cgroups, '/a', { recursive: true })
  fs.mkdirSync('/a/b/c')
  t.same(await told(), ['rename b/c'])
  fs.mkdirSync('/a/b/c/d')
  t.same(await told(), ['rename b/c/d'])
  fs.rmdirSync('/a/b/c/d')
  fs.writeFileSync('/a/b/cgroup.freeze', '1')
  t.same(await told(), ['rename b/c/d', 'change b/cgroup.freeze'])
})

t.test('files tell when they are written, and when they change by themselves', async t => {
  const cgroups = createCgroupFs()
  const { fs } = cgroups
  fs.mkdirSync('/a')
  const file = watching(t, cgroups, '/a/cgroup.events')
  const directory = watching(t, cgroups, '/a')
  fs.writeFileSync('/a/cgroup.procs', '0')
  t.same(await file(), ['change cgroup.events'])
  t.same(await directory(), ['change cgroup.events', 'change cgroup.procs'])
  fs.readFileSync('/a/cgroup.events')
  t.same(await file(), [], 'reading is no change')
})

t.test('a file tells once in 10 ms of simulated time', async t => {
  const cgroups = createCgroupFs()
  const { fs } = cgroups
  fs.mkdirSync('/a')
  const told = watching(t, cgroups, '/a/cgroup.events')
  const flip = (): void => {
    fs.writeFileSync('/a/cgroup.procs', '0')
    fs.writeFileSync('/cgroup.procs', '0')
  }
  flip()
  t.same(await told(), ['change cgroup.events'])
  flip()
  t.same(await told(), [], 'held back')
  cgroups.advance('9ms')
  t.same(await told(), [])
  // 250 ticks a second: a hundredth is rounded up to three of them, 12 ms.
  cgroups.advance('3ms')
  t.same(await told(), ['change cgroup.events'], 'but not lost')
})

t.test('memory.events tells of what the engine did', async t => {
  const cgroups = createCgroupFs({ swap: 0 })
  const { fs } = cgroups
  fs.writeFileSync('/cgroup.subtree_control', '+memory')
  fs.mkdirSync('/a')
  fs.writeFileSync('/a/memory.max', '16M')
  const told = watching(t, cgroups, '/a/memory.events')
  fs.writeFileSync('/a/.memcgfs/do', 'task t1\n- anon t1 heap 64M\n')
  t.same(await told(), ['change memory.events'])
  t.match(fs.readFileSync('/a/memory.events', 'utf8'), /^oom_kill 1$/m)
})

t.test('watchers of what was removed hear nothing', async t => {
  const cgroups = createCgroupFs()
  const { fs } = cgroups
  fs.mkdirSync('/a')
  const told = [watching(t, cgroups, '/a'), watching(t, cgroups, '/a/cgroup.events')]
  fs.rmdirSync('/a')
  for (const each of told) t.same(await each(), [])
})

t.test('promises.watch', async t => {
  const { fs } = createCgroupFs()
  fs.mkdirSync('/a')
  const aborting = new AbortController()
  const events: unknown[] = []
  setImmediate(() => fs.mkdirSync('/a/b'))
  await t.rejects(
    async () => {
      for await (const event of fs.promises.watch('/a', { signal: aborting.signal })) {
        events.push({ ...event })
        aborting.abort()
      }
    },
    { name: 'AbortError' },
  )
  t.same(events, [{ eventType: 'rename', filename: 'b' }])
})

t.test('what cannot be watched', async t => {
  const cgroups = createCgroupFs({ owner: { uid: 0, gid: 0 } })
  t.throws(() => cgroups.fs.watch('/nope'), {
    message: "ENOENT: no such file or directory, watch '/nope'",
    code: 'ENOENT',
    syscall: 'watch',
    filename: '/nope',
  })
  cgroups.fs.mkdirSync('/secret', 0o700)
  t.throws(() => cgroups.as({ uid: 1000 }).watch('/secret'), { code: 'EACCES' })
})

t.test('a watcher keeps the process alive unless it is told not to', async t => {
  const { fs } = createCgroupFs()
  const before = process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length
  const timers = (): number => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length - before
  const watcher = fs.watch('/')
  t.equal(timers(), 1)
  watcher.unref()
  t.equal(timers(), 0)
  watcher.ref()
  t.equal(timers(), 1)
  watcher.close()
  t.equal(timers(), 0)
})

t.test('watchFile sees attributes change', async t => {
  const cgroups = createCgroupFs()
  const { fs } = cgroups
  const changed = new Promise<[number, number]>(resolve =>
    fs.watchFile('/cgroup.procs', { interval: 1 }, (now, before) => resolve([now.mode & 0o777, before.mode & 0o777])),
  )
  t.teardown(() => fs.unwatchFile('/cgroup.procs'))
  fs.chmodSync('/cgroup.procs', 0o600)
  t.same(await changed, [0o600, 0o644])
})
