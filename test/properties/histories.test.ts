// Random histories of operations keep the books in order. A failure prints the seed and the operations that led there.
import fc from 'fast-check'
import t from 'tap'
import { boot, MANUAL_BOOT_TIME } from '../../src/api/boot.ts'
import { brokenInvariants } from '../../src/api/invariants.ts'
import { resolveOptions } from '../../src/api/options.ts'
import { Process } from '../../src/api/process.ts'
import type { Settings } from '../../src/api/settings.ts'
import { ProcessTable, Vfs } from '../../src/api/vfs.ts'
import { errnoName, isErrno } from '../../src/errno.ts'
import { explain } from '../../src/explain/explain.ts'
import { NO_WORDS } from '../../src/explain/refusals.ts'
import type { Kernel } from '../../src/kernel.ts'
import { KERNEL_IDS, type KernelId } from '../../src/profiles/features.ts'
import { featuresOf } from '../../src/profiles/profiles.ts'

/** One operation, as text: a path and what is done to it. */
type Operation = readonly [kind: 'mkdir' | 'rmdir' | 'write' | 'do' | 'read' | 'pass', path: string, text: string]

const DIRECTORIES = ['/a', '/b', '/a/x', '/a/y', '/b/x', '/a/x/k'] as const
const TASKS = ['t1', 't2', 't3', 't4'] as const
const directory = fc.constantFrom(...DIRECTORIES)
const task = fc.constantFrom(...TASKS)
const pages = fc.integer({ min: 1, max: 700 }).map(n => `${n}p`)
const region = fc.constantFrom('r', 's')
const file = fc.constantFrom('f', 'g')

const alive = fc.oneof(
  fc
    .tuple(task, fc.constantFrom(...DIRECTORIES, '/'), fc.constantFrom('', ' bare'))
    .map(([id, at, kind]) => `task ${id} ${at}${kind}`),
  fc.tuple(task, task).map(([id, child]) => `fork ${id} ${child}`),
  fc.tuple(task, task).map(([id, child]) => `thread ${id} ${child}`),
  fc.tuple(task, directory, fc.constantFrom('', ' thread')).map(([id, to, one]) => `move ${id} ${to}${one}`),
  fc
    .tuple(task, region, pages, fc.constantFrom('', ' untouched', ' cpu=3'))
    .map(([id, name, size, how]) => `anon ${id} ${name} ${size}${how}`),
  fc.tuple(task, region).map(([id, name]) => `anon ${id} ${name} 1200p order=9`),
  fc.tuple(task, region, fc.constantFrom('', ' write')).map(([id, name, how]) => `touch ${id} ${name}${how}`),
  fc.tuple(task, region, fc.constantFrom('', ' 5p')).map(([id, name, size]) => `free ${id} ${name}${size}`),
  fc.tuple(file, pages, fc.constantFrom('ext4', 'tmpfs')).map(([name, size, fs]) => `file ${name} ${size} fs=${fs}`),
  fc
    .tuple(fc.constantFrom('read', 'write'), task, file, pages)
    .map(([verb, id, name, size]) => `${verb} ${id} ${name} 0 ${size}`),
  fc.tuple(task, file, fc.constantFrom('', ' private')).map(([id, name, how]) => `map ${id} ${name} m${how}`),
  fc.tuple(task, fc.constantFrom('', ' write')).map(([id, how]) => `touch ${id} m${how}`),
  task.map(id => `unmap ${id} m`),
  file.map(name => `unlink ${name}`),
  fc.tuple(task, pages).map(([id, size]) => `shm ${id} h ${size}`),
  fc
    .tuple(fc.constantFrom('pin', 'unpin'), task, fc.constantFrom('r', 'm', 'f', 'g'), pages)
    .map(([verb, id, what, size]) => `${verb} ${id} ${what} ${size}`),
  fc.tuple(task, fc.constantFrom('', ' user=t3'), pages).map(([id, user, size]) => `dmabuf ${id} d ${size}${user}`),
  fc.constant('dmabuf-free d'),
  fc.tuple(fc.constantFrom('mlock', 'munlock'), task, region).map(([verb, id, name]) => `${verb} ${id} ${name}`),
  fc
    .tuple(task, fc.constantFrom('r', 's', 'm', 'h'), fc.constantFrom('dontneed', 'pageout', 'cold', 'free'))
    .map(([id, name, how]) => `advise ${id} ${name} ${how}`),
  fc
    .tuple(task, fc.integer({ min: 1, max: 200 }), fc.constantFrom('', ' tag=w', ' cpu=0-3'))
    .map(([id, n, how]) => `kmalloc ${id} 192 ${n}${how}`),
  fc
    .tuple(
      task,
      fc.constantFrom('NOWAIT', 'ATOMIC', 'NOFS', 'KERNEL+NOFAIL', 'KERNEL+MAYFAIL', 'KERNEL+NORETRY'),
      fc.constantFrom('', ' syscall=40'),
    )
    .map(([id, flags, calls]) => `kmalloc ${id} 3000 100 gfp=GFP_${flags}${calls}`),
  fc.tuple(task, fc.constantFrom('on', 'off', 'off')).map(([id, how]) => `irq ${id} ${how}`),
  fc.tuple(task, fc.constantFrom('-1000', '0', '500')).map(([id, n]) => `adj ${id} ${n}`),
  fc
    .tuple(task, fc.integer({ min: 1, max: 50 }), fc.constantFrom('', ' tag=w'))
    .map(([id, n, how]) => `kfree ${id} ${n}${how}`),
  fc.tuple(task, fc.integer({ min: 1, max: 5 })).map(([id, n]) => `kpages ${id} 1 ${n}`),
  task.map(id => `kpages-free ${id} 1`),
  fc
    .tuple(
      task,
      fc.constantFrom('open', 'pipe', 'sock'),
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom('', ' fill=30K', ' data=50K', ' kind=tcp data=50K', ' cpu=1-2'),
    )
    .map(([id, verb, n, how]) => `${verb} ${id} ${n}${how}`),
  fc.tuple(task, fc.constantFrom('', ' kind=pipe', ' kind=sock')).map(([id, kind]) => `close ${id} 2${kind}`),
  task.map(id => `percpu ${id} 100 3`),
  task.map(id => `percpu-free ${id} 2`),
  fc.tuple(task, pages).map(([id, size]) => `vmalloc ${id} ${size}`),
  task.map(id => `vmalloc-free ${id} 5p`),
  fc
    .tuple(
      task,
      fc.constantFrom('ext4', 'tmpfs', 'proc'),
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom('', ' negative', ' len=60', ' prefix=p'),
    )
    .map(([id, fs, n, how]) => `lookup ${id} ${fs} ${n}${how}`),
  task.map(id => `hold ${id} ext4 1 prefix=p`),
  task.map(id => `drop ${id} ext4 1 prefix=p`),
  fc
    .tuple(directory, fc.constantFrom('some=40% full=10% for=2s', 'some=100%', 'some=12.5% for=30ms', 'off'))
    .map(([at, how]) => `stall memory ${at} ${how}`),
  fc.constantFrom(
    'rstat-flush',
    'drain-stocks',
    'reclaim /a 100p',
    'reclaim global 10p',
    'drop-caches 3',
    'config oom_exit_ms=5',
    'config oom_exit_ms=0',
    'swap off',
    'flush all',
    'swap on 1M',
    'reclaim /a/x 700p',
    'reclaim global 2000p',
    'tick 15ms',
    'wait all max=3s',
    'step',
    'settle',
  ),
)

const ending = fc.oneof(
  fc.tuple(task, fc.constantFrom('', ' zombie')).map(([id, how]) => `exit ${id}${how}`),
  task.map(id => `reap ${id}`),
  fc.tuple(task, fc.constantFrom('', ' sig=STOP', ' sig=CONT', ' pending')).map(([id, how]) => `kill ${id}${how}`),
)

const line = fc.oneof({ weight: 14, arbitrary: alive }, { weight: 1, arbitrary: ending })

const setting = fc.oneof(
  fc.tuple(
    fc.constantFrom('memory.max', 'memory.high', 'memory.min', 'memory.low'),
    fc.constantFrom('0', '1M', '3M', '10M', 'max'),
  ),
  fc.tuple(fc.constantFrom('memory.swap.max', 'memory.swap.high'), fc.constantFrom('0', '100K', '2M', 'max')),
  fc.tuple(fc.constant('memory.reclaim'), fc.constantFrom('1M', '100K')),
  fc.tuple(fc.constant('memory.oom.group'), fc.constantFrom('0', '1')),
  fc.tuple(fc.constant('pids.max'), fc.constantFrom('0', '2', 'max')),
  fc.tuple(fc.constant('cgroup.pressure'), fc.constantFrom('0', '1')),
  fc.tuple(fc.constant('cgroup.freeze'), fc.constantFrom('0', '1')),
  fc.tuple(fc.constant('cgroup.kill'), fc.constantFrom('1', '2', '3')), // Mostly refused: it ends the history.
  fc.tuple(fc.constant('cgroup.type'), fc.constant('threaded')),
  fc.tuple(
    fc.constant('cgroup.subtree_control'),
    fc.constantFrom('+memory +pids', '+memory', '+pids', '-memory', '-pids', '+io', '-io'),
  ),
)

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: directory.map((path): Operation => ['mkdir', path, '']) },
  { weight: 2, arbitrary: directory.map((path): Operation => ['rmdir', path, '']) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(...DIRECTORIES, ''), setting)
      .map(([path, [name, text]]): Operation => ['write', `${path}/${name}`, text]),
  },
  { weight: 12, arbitrary: line.map((text): Operation => ['do', '/.memcgfs/do', text]) },
  { weight: 1, arbitrary: directory.map((path): Operation => ['read', `${path}/memory.stat`, '']) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('+1ms', '+25ms', '+3s').map((text): Operation => ['pass', '/.memcgfs/clock', text]),
  },
)

function newShell(kernelId: KernelId, settings: Settings): { kernel: Kernel; shell: Process } {
  const allocator = featuresOf(kernelId).slabController === 'page' ? settings.allocator! : 'slub'
  const options = resolveOptions({ kernel: kernelId, cpus: 4, with: { ...settings, allocator } }, 'manual')
  const door = boot(options, { host: new ProcessTable(), bootTime: MANUAL_BOOT_TIME, owner: { uid: 0, gid: 0 } })
  const shell = new Process(new Vfs(door))
  shell.writeFile('/cgroup.subtree_control', '+memory +pids')
  for (const path of ['/a', '/b', '/a/x', '/a/y']) shell.mkdir(path, 0o755)
  shell.writeFile('/a/cgroup.subtree_control', '+memory +pids')
  const start = ['task t1 /a/x', 'task t2 /a/y bare', 'task t3 /b', 'file f 300p', 'file g 300p fs=tmpfs']
  shell.writeFile('/.memcgfs/do', `${start.join('\n')}\n`)
  return { kernel: door.kernel, shell }
}

function perform(shell: Process, [kind, path, text]: Operation): number {
  switch (kind) {
    case 'mkdir':
      return shell.mkdir(path, 0o755)
    case 'rmdir':
      return shell.rmdir(path)
    case 'read': {
      const read = shell.readFile(path)
      return isErrno(read) ? read : 0
    }
    default:
      return shell.writeFile(path, text)
  }
}

const kernelId = fc.constantFrom(...KERNEL_IDS)
const machineSettings = fc.record({
  nodes: fc.constantFrom(1, 2),
  page_size: fc.constantFrom('4K', '64K'),
  allocator: fc.constantFrom('slub', 'slab'),
  cache_objects: fc.constantFrom('measured', 'reference'),
  cache_create_bypass: fc.constantFrom('0', '1', '5', 'clock'),
  kmem_on_v2: fc.constant('yes'),
  max_watermark: fc.constantFrom('no', 'no', 'yes'),
  memory_localevents: fc.constantFrom('no', 'yes'),
  reclaim: fc.constantFrom('classic', 'classic', 'ideal'),
  swap: fc.constantFrom('0', '4M', '1G'),
  writeback: fc.constantFrom('instant', 'timed'),
})
/** Every history has a limit, an OOM and a removal, of a cgroup whose memory another uses. */
const REMOVAL: readonly Operation[] = [
  ['mkdir', '/z', ''],
  ['write', '/z/memory.max', '2M'],
  ['write', '/z/memory.swap.max', '0'],
  ...[
    'task v /z bare',
    'file zf 100p',
    'file zs 50p fs=tmpfs',
    'read v zf 0 100p',
    'write v zs 0 50p',
    'dmabuf v z 20p user=t3',
    'map t3 zf zf',
    'touch t3 zf 60p',
    'map t3 zs zs',
    'touch t3 zs 20p',
    'reclaim /z 40p',
    'anon v heap 20M',
    'exit v',
  ].map((text): Operation => ['do', '/.memcgfs/do', text]),
  ['rmdir', '/z', ''],
  ...['tick 30ms', 'touch t3 zf', 'read t3 zs 0 50p', 'settle', 'touch t3 zs write'].map(
    (text): Operation => ['do', '/.memcgfs/do', text],
  ),
]
const operations = fc.array(operation, { minLength: 10, maxLength: 60 })
const history = fc.tuple(operations, operations).map(([before, after]) => [...before, ...REMOVAL, ...after])

/** What becomes of the memory of removed cgroups. */
const zombieSettings: fc.Arbitrary<Settings> = fc.oneof(
  fc.constant({}),
  fc.record({
    zombie: fc.constantFrom('none', 'rfc-2023', 'seed004-direct', 'seed004-deferred'),
    zombie_over_limit: fc.constantFrom('skip', 'reclaim', 'oom', 'force'),
    zombie_swap: fc.constantFrom('pin', 'reparent', 'swapin'),
    zombie_mapper: fc.constantFrom('first', 'largest', 'any-online'),
    zombie_async_ms: fc.constantFrom('0', '20'),
  }),
  fc.record({ zombie: fc.constant('reparent'), zombie_swap: fc.constantFrom('pin', 'reparent', 'swapin') }),
  fc.constant({
    zombie: 'none',
    zombie_file_unmapped: 'evict',
    zombie_file_mapped: 'evict',
    zombie_swapbacked_unmapped: 'evict',
    zombie_swapbacked_mapped: 'evict',
  }),
)

const settings = fc.tuple(machineSettings, zombieSettings).map(([machine, zombies]) => ({ ...machine, ...zombies }))

const RUNS = Number(process.env.MEMCGFS_RUNS ?? 150)

t.test('the books agree after every operation', t => {
  fc.assert(
    fc.property(kernelId, settings, history, (id, choices, operations) => {
      const { kernel, shell } = newShell(id, choices)
      for (const each of operations) {
        perform(shell, each)
        const broken = brokenInvariants(kernel)
        if (broken.length > 0) throw new Error(`after ${each.join(' ')}:\n${broken.join('\n')}`)
      }
    }),
    { numRuns: RUNS },
  )
  t.end()
})

t.test('when everything is gone nothing is left: no charge, no zombie, no task', t => {
  fc.assert(
    fc.property(zombieSettings, history, (choices, operations) => {
      const { kernel, shell } = newShell('6.12', choices)
      for (const each of operations) perform(shell, each)
      // A stopped task has lines queued, which may make other tasks once it goes on: so several rounds.
      const endTasks = TASKS.flatMap((id): Operation[] => [
        ['do', '/.memcgfs/do', `kill ${id} sig=CONT`],
        ['do', '/.memcgfs/do', `kill ${id}`],
        ['do', '/.memcgfs/do', `reap ${id}`],
      ])
      const clean = [
        ...DIRECTORIES.map((path): Operation => ['write', `${path}/cgroup.freeze`, '0']),
        ...endTasks,
        ...endTasks,
        ...endTasks,
        ['do', '/.memcgfs/do', 'dmabuf-free d'] as const,
        ['do', '/.memcgfs/do', 'dmabuf-free z'] as const,
        ...['f', 'g', 'zf', 'zs'].flatMap((name): Operation[] => [
          ['do', '/.memcgfs/do', `unlink ${name}`],
          ['do', '/.memcgfs/do', `unlink ${name}`],
        ]),
        ...['/z', ...[...DIRECTORIES].reverse()].map((path): Operation => ['rmdir', path, '']),
        ['do', '/.memcgfs/do', 'settle max=1h'] as const,
      ] satisfies Operation[]
      for (const each of clean) perform(shell, each)
      const { tree, engine } = kernel
      const { root } = tree.hierarchies[0]!
      if (tree.tasks.size > 0) throw new Error(`${tree.tasks.size} tasks are left`)
      if (root.descendants > 0) throw new Error(`${root.descendants} cgroups are left`)
      if (root.dyingDescendants > 0) throw new Error(`${root.dyingDescendants} cgroups are dying still`)
      if (engine.memcgs.filter(Boolean).length !== 1) throw new Error('a memcg is left')
      if (engine.mms.size > 0) throw new Error('an address space is left')
      const pages = engine.folios.batches.filter(Boolean).length
      if (pages > 0) throw new Error(`${pages} batches of folios are left`)
      if (engine.swap.used > 0) throw new Error(`${engine.swap.used} slots of the swap device are left`)
    }),
    { numRuns: RUNS },
  )
  t.end()
})

t.test('the same operations give the same bytes', t => {
  fc.assert(
    fc.property(kernelId, settings, history, (id, choices, operations) => {
      const [one, two] = [newShell(id, choices), newShell(id, choices)].map(({ shell }) => {
        const answers = operations.map(each => perform(shell, each))
        const texts = DIRECTORIES.flatMap(path =>
          ['memory.stat', 'memory.current', 'cgroup.procs', 'cgroup.stat', 'memory.events', 'memory.pressure'].map(
            name => shell.readFile(`${path}/${name}`),
          ),
        )
        return JSON.stringify([answers, texts, shell.readFile('/.memcgfs/log')])
      })
      if (one !== two) throw new Error('two runs differ')
    }),
    { numRuns: Math.ceil(RUNS / 3) },
  )
  t.end()
})

/** Files and cgroups of a directory; nothing where it is not there. */
function namesIn(shell: Process, path: string): string[] {
  const entries = shell.list(path === '' ? '/' : path)
  return isErrno(entries) ? [] : entries.map(({ name }) => name).filter(name => !name.startsWith('.'))
}

t.test('whatever was refused has a reason in words, and every file can be explained', t => {
  fc.assert(
    fc.property(kernelId, settings, history, (id, choices, operations) => {
      const { kernel, shell } = newShell(id, choices)
      for (const each of operations) perform(shell, each)
      const { tree, setup } = kernel
      for (const { op, errno, text, reason } of tree.refusals.values())
        if (reason.rule === NO_WORDS) throw new Error(`no words for ${op} of "${text}", ${errnoName(errno)}`)
      for (const path of ['', ...DIRECTORIES])
        for (const name of namesIn(shell, path)) {
          const answer = explain(tree, setup.profile, `${path}/${name}`)
          if (isErrno(answer)) throw new Error(`${path}/${name} is not explained`)
        }
    }),
    { numRuns: Math.ceil(RUNS / 3) },
  )
  t.end()
})
