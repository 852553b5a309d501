/** Lines of memory.stat that say the same in two ways agree (charge-reclaim.md §12). */
import t from 'tap'
import { KERNEL_IDS, type KernelId } from '../../src/profiles/features.ts'
import { featuresOf } from '../../src/profiles/profiles.ts'
import { type Shell, shellOf } from '../workload/helpers.ts'

const PAGE = 4096

const statOf = (shell: Shell, path: string): Map<string, number> =>
  new Map(
    shell
      .read(`${path}/memory.stat`)
      .split('\n')
      .filter(Boolean)
      .map(line => [line.split(' ')[0]!, Number(line.split(' ')[1])]),
  )

/** Lines of a kernel whose statistics come in batches may each be a batch of 32 pages behind, per CPU. */
const slackOf = (kernel: KernelId): number => (featuresOf(kernel).vmstat.startsWith('batched') ? 32 * PAGE : 0)

/** A cgroup with a child, both with memory of every kind, some of it in swap. */
function busy(kernel: KernelId, hierarchy: 'v1' | 'v2'): { shell: Shell; top: string } {
  const shell = shellOf({ kernel, hierarchy, cpus: 1, swap: '64M' })
  const top = hierarchy === 'v1' ? '/memory' : ''
  if (hierarchy === 'v1') shell.write('/memory/memory.use_hierarchy', '1')
  shell.root.mkdir(`${top}/a`, 0o755)
  if (hierarchy === 'v2') shell.write('/a/cgroup.subtree_control', '+memory')
  shell.root.mkdir(`${top}/a/b`, 0o755)
  const tasks = hierarchy === 'v1' ? ['a', 'a/b'] : ['a/b']
  for (const [i, path] of tasks.entries())
    shell.do(
      `${top}/${path}`,
      `task t${i}`,
      `anon t${i} heap 8M`,
      `shm t${i} shared 2M`,
      `file f${i} 6M`,
      `map t${i} f${i} m`,
      `touch t${i} m`,
      `lookup t${i} ext4 500 prefix=x${i}`,
      `pipe t${i} 3 fill=64K`,
      `fork t${i} c${i}`,
      `reclaim ${path === 'a' ? '/a' : '/a/b'} 2M`,
      'rstat-flush',
    )
  return { shell, top }
}

t.test('version 2: lists, slab and kernel memory are sums of other lines', async t => {
  for (const kernel of KERNEL_IDS) {
    const { shell } = busy(kernel, 'v2')
    if (!shell.read('/a/cgroup.controllers').includes('memory') || !featuresOf(kernel).memoryMin) continue
    const stat = statOf(shell, '/a')
    const value = (name: string): number => stat.get(name) ?? Number.NaN
    const same = (what: string, left: number, right: number, lines: number): void =>
      void t.ok(Math.abs(left - right) <= lines * slackOf(kernel), `${kernel}: ${what}: ${left} and ${right}`)
    const anonLists = value('inactive_anon') + value('active_anon')
    const fileLists = value('inactive_file') + value('active_file')
    t.ok(value('anon') > 0 && value('shmem') > 0 && value('file') > value('shmem') && value('slab') > 0, kernel)
    same('swap-backed memory', anonLists + value('unevictable'), value('anon') + value('shmem'), 5)
    same('page cache', fileLists, value('file') - value('shmem'), 4)
    const slab = value('slab_reclaimable') + value('slab_unreclaimable')
    same('slab', value('slab'), slab, 0)
    if (stat.has('kernel')) {
      const parts = ['kernel_stack', 'pagetables', 'percpu', 'vmalloc'].reduce((sum, name) => sum + value(name), 0)
      t.ok(value('kernel') >= slab + parts, `${kernel}: kernel ${value('kernel')}, its parts ${slab + parts}`)
    }
    if (stat.has('pgscan_direct')) {
      const sum = (kind: string): number =>
        ['kswapd', 'direct', 'khugepaged', 'proactive'].reduce((all, by) => all + (stat.get(`${kind}_${by}`) ?? 0), 0)
      t.equal(value('pgscan'), sum('pgscan'), kernel)
      t.equal(value('pgsteal'), sum('pgsteal'), kernel)
      t.ok(value('pgscan') >= value('pgsteal') && value('pgsteal') > 0, kernel)
    }
    if (stat.has('pswpout'))
      t.equal(value('pswpout') * PAGE, Number(shell.read('/a/memory.swap.current')), `${kernel}: nothing came back`)
    t.ok(value('pgfault') > value('pgmajfault'), kernel)
    // What is used is what is in memory and what the kernel holds; the rest is stock.
    if (stat.has('kernel')) {
      shell.do('/a', 'drain-stocks', 'rstat-flush')
      const after = statOf(shell, '/a')
      const held = ['anon', 'file', 'kernel', 'sock'].reduce((sum, name) => sum + (after.get(name) ?? 0), 0)
      t.equal(held, Number(shell.read('/a/memory.current')), `${kernel}: memory.current`)
    }
  }
})

t.test('version 2: the nodes of memory.numa_stat add up to memory.stat', async t => {
  const shell = shellOf({ kernel: '6.12', cpus: 2, with: { nodes: 2 } })
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t cpu=0', 'anon t x 4M', 'file f 2M', 'read t f 0 2M', 'anon t y 3M node=1', 'rstat-flush')
  const stat = statOf(shell, '/a')
  for (const line of shell.read('/a/memory.numa_stat').trim().split('\n')) {
    const [name = '', ...nodes] = line.split(' ')
    const sum = nodes.reduce((all, each) => all + Number(each.split('=')[1]), 0)
    t.equal(sum, stat.get(name), name)
  }
  t.ok(/^anon N0=[1-9]\d* N1=[1-9]\d*$/m.test(shell.read('/a/memory.numa_stat')), 'both nodes have some')
})

t.test('version 1: own lines and those of the children are the total, and lists add up', async t => {
  for (const kernel of KERNEL_IDS.filter(id => featuresOf(id).v1MemoryCpusetBuilt)) {
    const { shell } = busy(kernel, 'v1')
    const a = statOf(shell, '/memory/a')
    const b = statOf(shell, '/memory/a/b')
    const names = [...a.keys()].filter(name => a.has(`total_${name}`))
    t.ok(names.includes('pgpgin') && names.includes('swap'), kernel)
    const slack = slackOf(kernel)
    for (const name of names) {
      const sum = a.get(name)! + b.get(`total_${name}`)!
      const unit = /^(pg|workingset)/.test(name) ? slack / PAGE : slack
      t.ok(Math.abs(a.get(`total_${name}`)! - sum) <= 2 * unit, `${kernel}: ${name} ${a.get(`total_${name}`)} ${sum}`)
    }
    const value = (name: string): number => a.get(`total_${name}`)!
    const within = (what: string, left: number, right: number): void =>
      void t.ok(Math.abs(left - right) <= 8 * slack, `${kernel}: ${what}: ${left} and ${right}`)
    const fileLists = value('inactive_file') + value('active_file')
    const anonLists = value('inactive_anon') + value('active_anon')
    within('memory of both kinds', fileLists + anonLists + value('unevictable'), value('cache') + value('rss'))
    if (a.has('shmem')) within('page cache', fileLists, value('cache') - value('shmem'))
    const numa = new Map(
      shell
        .read('/memory/a/memory.numa_stat')
        .trim()
        .split('\n')
        .map(line => [line.split('=')[0]!, Number(/=(\d+)/.exec(line)![1])]),
    )
    t.equal(numa.get('total'), numa.get('file')! + numa.get('anon')! + numa.get('unevictable')!, kernel)
    t.equal(numa.get('hierarchical_anon')! * PAGE, anonLists, `${kernel}: the lists are the same`)
  }
})
