// Random histories on version 1: the books agree on every kernel that has it, and when all is gone nothing is left.
import fc from 'fast-check'
import t from 'tap'
import { brokenInvariants } from '../../src/api/invariants.ts'
import type { Process } from '../../src/api/process.ts'
import type { Kernel } from '../../src/kernel.ts'
import { KERNEL_IDS } from '../../src/profiles/features.ts'
import { featuresOf } from '../../src/profiles/profiles.ts'
import { machine } from '../tree/machine.ts'

const KERNELS = KERNEL_IDS.filter(id => featuresOf(id).v1MemoryCpusetBuilt)

type Operation = readonly [kind: 'mkdir' | 'rmdir' | 'rename' | 'write', path: string, text: string]

const DIRECTORIES = ['/a', '/b', '/a/x', '/a/y', '/b/x', '/a/x/k'] as const
const TASKS = ['t1', 't2', 't3'] as const
const directory = fc.constantFrom(...DIRECTORIES)
const task = fc.constantFrom(...TASKS)
const size = fc.integer({ min: 1, max: 500 }).map(n => `${n}p`)

const line = fc.oneof(
  fc.tuple(task, directory, fc.constantFrom('', ' bare')).map(([id, at, kind]) => `task ${id} ${at}${kind}`),
  fc.tuple(task, task).map(([id, child]) => `thread ${id} ${child}`),
  fc.tuple(task, task).map(([id, child]) => `fork ${id} ${child}`),
  fc.tuple(task, directory, fc.constantFrom('', ' thread')).map(([id, to, one]) => `move ${id} ${to}${one}`),
  fc.tuple(task, size).map(([id, pages]) => `anon ${id} r ${pages}`),
  task.map(id => `free ${id} r`),
  fc.tuple(task, size).map(([id, pages]) => `read ${id} f 0 ${pages}`),
  task.map(id => `map ${id} f m`),
  task.map(id => `touch ${id} m`),
  task.map(id => `touch ${id} r`),
  fc.tuple(task, size).map(([id, pages]) => `shm ${id} s ${pages}`),
  fc.constantFrom('reclaim /a 300p', 'reclaim /b 30p'),
  fc.tuple(task, fc.integer({ min: 1, max: 200 })).map(([id, n]) => `lookup ${id} ext4 ${n} negative prefix=p`),
  fc.tuple(task, fc.integer({ min: 1, max: 100 })).map(([id, n]) => `kmalloc ${id} 192 ${n}`),
  fc.tuple(task, fc.integer({ min: 1, max: 5 })).map(([id, n]) => `kpages ${id} 1 ${n}`),
  task.map(id => `exit ${id}`),
  fc.constantFrom('tick 25ms', 'tick 3s', 'drain-stocks', 'rstat-flush'),
)

const setting = fc.oneof(
  fc.tuple(fc.constant('memory.limit_in_bytes'), fc.constantFrom('64K', '1M', '3M', '-1')),
  fc.tuple(fc.constant('memory.kmem.limit_in_bytes'), fc.constantFrom('4K', '64K', '1M', '-1')),
  fc.tuple(
    fc.constantFrom('memory.max_usage_in_bytes', 'memory.kmem.failcnt', 'memory.memsw.failcnt'),
    fc.constant('0'),
  ),
  fc.tuple(fc.constant('memory.memsw.limit_in_bytes'), fc.constantFrom('1M', '3M', '6M', '-1')),
  fc.tuple(fc.constant('memory.move_charge_at_immigrate'), fc.constantFrom('0', '1', '2', '3')),
  fc.tuple(fc.constant('memory.use_hierarchy'), fc.constantFrom('0', '1')),
  fc.tuple(fc.constant('memory.swappiness'), fc.constantFrom('0', '60', '100')),
  fc.tuple(fc.constant('memory.force_empty'), fc.constant('0')),
  fc.tuple(fc.constant('.memcgfs/notify'), fc.constantFrom('memory.usage_in_bytes 1M', 'memory.pressure_level low')),
  fc.tuple(fc.constant('memory.oom_control'), fc.constantFrom('0', '1')),
  fc.tuple(fc.constant('notify_on_release'), fc.constantFrom('0', '1')),
)

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: directory.map((path): Operation => ['mkdir', path, '']) },
  { weight: 2, arbitrary: directory.map((path): Operation => ['rmdir', path, '']) },
  { weight: 1, arbitrary: fc.tuple(directory, directory).map(([path, to]): Operation => ['rename', path, to]) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(directory, setting)
      .map(([path, [name, text]]): Operation => ['write', `${path}/${name}`, text]),
  },
  { weight: 10, arbitrary: line.map((text): Operation => ['write', '/.memcgfs/do', text]) },
)

const operations = fc.array(operation, { minLength: 20, maxLength: 80 })

function begin(kernel: string): { kernel: Kernel; root: Process } {
  const { root, vfs } = machine({ kernel, hierarchy: 'v1', swap: '2M' })
  root.writeFile('/memory/release_agent', '/agent')
  for (const path of ['/a', '/b', '/a/x']) perform(root, ['mkdir', path, ''])
  root.writeFile('/memory/a/memory.kmem.limit_in_bytes', '-1')
  root.writeFile('/.memcgfs/do', 'task t1 /a/x\ntask t2 /b bare\nfile f 300p\n')
  return { kernel: vfs.door.kernel, root }
}

function perform(root: Process, [kind, path, text]: Operation): number {
  const at = `/memory${path}`
  switch (kind) {
    case 'mkdir':
      return root.mkdir(at, 0o755)
    case 'rmdir':
      return root.rmdir(at)
    case 'rename':
      return root.rename(at, `/memory${text}`)
    default:
      return root.writeFile(at, text)
  }
}

const RUNS = Number(process.env.MEMCGFS_RUNS ?? 100)

t.test('the books agree after every operation', t => {
  fc.assert(
    fc.property(fc.constantFrom(...KERNELS), operations, (id, operations) => {
      const { kernel, root } = begin(id)
      for (const each of operations) {
        perform(root, each)
        const broken = brokenInvariants(kernel)
        if (broken.length > 0) throw new Error(`after ${each.join(' ')}:\n${broken.join('\n')}`)
      }
    }),
    { numRuns: RUNS },
  )
  t.end()
})

// On older kernels cached names and forgotten stocks keep removed cgroups.
t.test('when everything is gone nothing is left (6.1)', t => {
  fc.assert(
    fc.property(operations, operations => {
      const { kernel, root } = begin('6.1')
      for (const each of operations) perform(root, each)
      const run = (text: string): number => root.writeFile('/.memcgfs/do', text)
      for (const name of TASKS) run(`kill ${name}`)
      run('unlink f')
      // Whatever was renamed: a cgroup of three levels has one of these names.
      for (const top of ['/a', '/b'])
        for (const path of ['/x/k', '/y/k', '/x', '/y', '']) root.rmdir(`/memory${top}${path}`)
      run('settle max=1h')
      const { root: top } = kernel.tree.hierarchies[0]!
      if (top.descendants + top.dyingDescendants > 0)
        throw new Error(`${top.descendants} cgroups are left, ${top.dyingDescendants} are dying`)
      if (kernel.tree.tasks.size > 0) throw new Error(`${kernel.tree.tasks.size} tasks are left`)
    }),
    { numRuns: RUNS },
  )
  t.end()
})
