/** Which interface files and which lines there are, by kernel: profiles.md §3.5, second table. */
import t from 'tap'
import { core } from '../../src/controllers/index.ts'
import { memory } from '../../src/controllers/memory.ts'
import { pids } from '../../src/controllers/pids.ts'
import { KERNEL_IDS, type KernelId } from '../../src/profiles/features.ts'
import { featuresOf } from '../../src/profiles/profiles.ts'
import { rowMode, tableOf } from '../../src/tree/controller.ts'
import { engineOf, MACHINE } from '../engine/helpers.ts'

/** Files by the kernel they came with. Those on the root too are marked. */
const CAME: Partial<Record<KernelId, string>> = {
  '4.2':
    'cgroup.procs/ cgroup.controllers/ cgroup.subtree_control/ cgroup.events memory.current memory.low memory.high ' +
    'memory.max memory.events pids.max pids.current',
  '4.19':
    'cgroup.type cgroup.threads/ cgroup.stat/ cgroup.max.depth/ cgroup.max.descendants/ memory.min memory.oom.group ' +
    'memory.stat memory.swap.current memory.swap.max memory.swap.events pids.events',
  '5.2': 'cgroup.freeze io.pressure/ memory.pressure/ cpu.pressure/',
  '5.3': 'memory.events.local',
  '5.8': 'memory.swap.high',
  '5.15': 'memory.numa_stat/ cgroup.kill',
  '6.1': 'memory.peak memory.reclaim/ memory.zswap.current memory.zswap.max cgroup.pressure/ pids.peak',
  '6.12': 'memory.swap.peak memory.zswap.writeback/ pids.events.local',
  '6.18': 'cgroup.stat.local',
}

const machine = { ...MACHINE, zswap: true }

function namesOn(kernel: KernelId, isRoot: boolean): string[] {
  const names = [core, memory, pids].flatMap(({ files }) =>
    tableOf(files, isRoot, featuresOf(kernel), machine).rows.map(({ name }) => name),
  )
  return names.sort()
}

t.test('which interface files there are, by kernel', t => {
  const everywhere: string[] = []
  const below: string[] = []
  for (const kernel of KERNEL_IDS) {
    for (const file of CAME[kernel]?.split(' ') ?? [])
      (file.endsWith('/') ? everywhere : below).push(file.replace('/', ''))
    const onRoot = [...everywhere]
    if (kernel === '4.2') onRoot.push('memory.current')
    // Also on the root "from 5.9 at the latest" (charge-reclaim.md §5.1).
    if (KERNEL_IDS.indexOf(kernel) >= KERNEL_IDS.indexOf('5.9')) onRoot.push('memory.stat')
    t.same(namesOn(kernel, true), onRoot.sort(), `${kernel}, root`)
    t.same(namesOn(kernel, false), [...everywhere, ...below].sort(), `${kernel}, below`)
  }
  t.end()
})

t.test('memory.peak is read-only before 6.12', t => {
  for (const [kernel, mode] of [
    ['6.1', 0o444],
    ['6.12', 0o644],
  ] as const) {
    const { rows, index } = tableOf(memory.files, false, featuresOf(kernel), machine)
    t.equal(rowMode(rows[index.get('memory.peak')!]!), mode, kernel)
  }
  t.end()
})

const linesOf = (kernel: KernelId, of: 'lines' | 'nodeLines' = 'lines'): string[] =>
  engineOf(kernel, machine).vmstats[of].map(({ name }) => name)

/** charge-reclaim.md §12.1 and slab-kmem.md §8.3; 6.1 and 6.12 whole are rows of the oracle (layout/child). */
t.test('lines of memory.stat by kernel', t => {
  t.same(linesOf('5.3').slice(0, 5), ['anon', 'file', 'kernel_stack', 'slab', 'sock'])
  t.same(linesOf('5.9').slice(3, 6), ['slab', 'percpu', 'sock'])
  t.same(linesOf('5.15').slice(2, 6), ['kernel_stack', 'pagetables', 'percpu', 'sock'])
  for (const kernel of ['5.15', '6.1', '6.12', '6.18', '7.1'] as const) {
    const lines = linesOf(kernel)
    t.same(lines[lines.indexOf('slab') - 1], 'slab_unreclaimable', kernel)
    t.equal(new Set(lines).size, lines.length, `${kernel}: no line twice`)
  }
  const workingset = (kernel: KernelId): string[] => linesOf(kernel).filter(name => name.startsWith('workingset_'))
  t.same(workingset('5.5'), ['workingset_refault', 'workingset_activate', 'workingset_nodereclaim'])
  t.same(workingset('5.8'), [
    'workingset_refault',
    'workingset_activate',
    'workingset_restore',
    'workingset_nodereclaim',
  ])
  t.equal(workingset('5.9').length, 7)
  for (const [line, first] of Object.entries({
    percpu: '5.9',
    pagetables: '5.15',
    kernel: '6.1',
    sec_pagetables: '6.1',
    vmalloc: '6.1',
    zswap: '6.1',
    swpin_zero: '6.12',
    pswpin: '6.18',
    zswap_incomp: '7.1',
  }))
    t.same(
      KERNEL_IDS.filter(kernel => KERNEL_IDS.indexOf(kernel) >= 4 && linesOf(kernel).includes(line)),
      KERNEL_IDS.slice(KERNEL_IDS.indexOf(first as KernelId)),
      line,
    )
  t.end()
})

t.test('lines of memory.numa_stat by kernel', t => {
  const extra = (kernel: KernelId, than: KernelId): string[] =>
    linesOf(kernel, 'nodeLines').filter(name => !linesOf(than, 'nodeLines').includes(name))
  t.same(extra('6.12', '6.1'), ['pgdemote_kswapd', 'pgdemote_direct', 'pgdemote_khugepaged', 'pgpromote_success'])
  t.same(extra('6.18', '6.12'), ['pgdemote_proactive'])
  t.same(extra('7.1', '6.18'), [
    'vmalloc',
    ...['kswapd', 'direct', 'khugepaged', 'proactive'].map(who => `pgsteal_${who}`),
    ...['kswapd', 'direct', 'khugepaged', 'proactive'].map(who => `pgscan_${who}`),
    'pgrefill',
  ])
  for (const none of ['kernel', 'percpu', 'sock', 'zswap', 'zswapped', 'slab', 'pgfault'])
    t.notOk(linesOf('7.1', 'nodeLines').includes(none), none)
  t.end()
})
