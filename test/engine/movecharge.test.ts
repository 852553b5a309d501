// Moving charges with a task: WE-45 of charge-reclaim.md §16.
import t from 'tap'
import { KERNEL_IDS, type KernelId } from '../../src/profiles/features.ts'
import { featuresOf } from '../../src/profiles/profiles.ts'
import { type Shell, shellOf } from '../workload/helpers.ts'

const PAGE = 4096

/** A task with 1000 anonymous pages and 500 of a file that it maps, in a; b is empty. Pages of the stocks are gone. */
function scene(kernel: KernelId, hierarchy: 'v1' | 'v2', withOptions = {}): Shell {
  const shell = shellOf({ kernel, hierarchy, cpus: 1, ...withOptions })
  const top = hierarchy === 'v1' ? '/memory' : ''
  for (const name of ['a', 'b']) shell.root.mkdir(`${top}/${name}`, 0o755)
  if (hierarchy === 'v2') shell.write('/cgroup.subtree_control', '+memory')
  shell.do(`${top}/a`, 'task t bare', 'anon t heap 1000p', 'file f 500p', 'map t f m', 'touch t m', 'drain-stocks')
  return shell
}

const usage = ({ read }: Shell, file: string): number => Number(read(file)) / PAGE

t.test('WE-45: version 2 moves no charge', async t => {
  for (const kernel of KERNEL_IDS) {
    const shell = scene(kernel, 'v2')
    const pages = (name: string): number => usage(shell, `/${name}/memory.current`)
    shell.do('/', 'move t /b')
    t.same([pages('a'), pages('b')], [1500, 0], kernel)
    shell.do('/b', 'anon t more 100p', 'drain-stocks')
    t.same([pages('a'), pages('b')], [1500, 100], `${kernel}: new charges`)
  }
})

t.test('WE-45: version 1 moves what memory.move_charge_at_immigrate of the target says', async t => {
  for (const kernel of KERNEL_IDS.filter(id => featuresOf(id).v1MemoryCpusetBuilt && featuresOf(id).moveCharge))
    for (const [wanted, a, b] of [
      [0, 1500, 0],
      [1, 500, 1000],
      [2, 1000, 500],
      [3, 0, 1500],
    ] as const) {
      const shell = scene(kernel, 'v1')
      const pages = (name: string, which = ''): number => usage(shell, `/memory/${name}/memory.${which}usage_in_bytes`)
      shell.write('/memory/b/memory.move_charge_at_immigrate', String(wanted))
      shell.do('/memory', 'move t /b', 'drain-stocks', 'rstat-flush')
      t.same([pages('a'), pages('b')], [a, b], `${kernel}: ${wanted}`)
      t.same([pages('a', 'memsw.'), pages('b', 'memsw.')], [a, b], `${kernel}: ${wanted}, with swap`)
      // Statistics in batches are up to a batch late for ever.
      if (featuresOf(kernel).vmstat.startsWith('batched')) continue
      const stat = shell.read('/memory/b/memory.stat')
      t.match(stat, new RegExp(`^rss ${(wanted & 1) * 1000 * PAGE}$`, 'm'))
      t.match(stat, new RegExp(`^cache ${((wanted & 2) / 2) * 500 * PAGE}$`, 'm'))
    }
})

t.test('WE-45: without room for all of it nothing moves', async t => {
  const shell = scene('6.1', 'v1')
  shell.write('/memory/b/memory.move_charge_at_immigrate', '3')
  shell.write('/memory/b/memory.limit_in_bytes', String(1200 * PAGE))
  t.equal(shell.write('/memory/b/tasks', shell.read('/memory/a/tasks').trim()), 'ENOMEM')
  shell.do('/memory', 'drain-stocks')
  t.equal(usage(shell, '/memory/a/memory.usage_in_bytes'), 1500)
  t.equal(usage(shell, '/memory/b/memory.usage_in_bytes'), 0)
  t.equal(shell.read('/memory/b/tasks'), '')
})

t.test('WE-45: 6.18 moves nothing any more', async t => {
  const shell = scene('6.18', 'v1')
  t.equal(shell.write('/memory/b/memory.move_charge_at_immigrate', '1'), 'EINVAL')
  t.equal(shell.read('/memory/b/memory.move_charge_at_immigrate'), '0\n')
})

t.test('a file that is mapped twice, and in part, moves once as far as it is mapped', async t => {
  const shell = shellOf({ kernel: '6.1', hierarchy: 'v1', cpus: 1 })
  for (const name of ['a', 'b']) shell.root.mkdir(`/memory/${name}`, 0o755)
  shell.do('/memory/a', 'task t bare', 'file f 200p', 'read t f 0 200p', 'map t f m 0 100p', 'map t f n 50p 100p')
  shell.do('/memory/a', 'drain-stocks')
  shell.write('/memory/b/memory.move_charge_at_immigrate', '2')
  shell.do('/memory', 'move t /b', 'drain-stocks')
  t.equal(usage(shell, '/memory/a/memory.usage_in_bytes'), 50)
  t.equal(usage(shell, '/memory/b/memory.usage_in_bytes'), 150)
})

t.test('what is in swap moves with anonymous memory, what others show stays', async t => {
  const shell = scene('6.1', 'v1', { swap: '64M' })
  shell.do('/memory/a', 'fork t child', 'task u bare', 'anon u heap 300p', 'drain-stocks')
  shell.write('/memory/a/memory.force_empty', '0')
  const swapped = (name: string): number =>
    usage(shell, `/memory/${name}/memory.memsw.usage_in_bytes`) - usage(shell, `/memory/${name}/memory.usage_in_bytes`)
  t.equal(swapped('a'), 1300)
  shell.write('/memory/b/memory.move_charge_at_immigrate', '1')
  shell.do('/memory', 'move u /b', 'move t /b', 'drain-stocks', 'rstat-flush')
  t.same([swapped('a'), swapped('b')], [1000, 300], 'the pages of t are those of its child, too')
  t.match(shell.read('/memory/b/memory.stat'), new RegExp(`^swap ${300 * PAGE}$`, 'm'))
  shell.do('/memory', 'exit u', 'exit t', 'exit child', 'drain-stocks')
  t.same([swapped('a'), swapped('b')], [0, 0])
})
