// E26: the three hangs of the thread, and why they are gone (slab-kmem.md §11).
import t from 'tap'
import { lockOrder, operationsOf } from '../../src/engine/locks/operations.ts'
import { runScenario } from '../../src/engine/locks/scenarios.ts'
import { type Program, runLocks, type Step, waitsFor } from '../../src/engine/locks/simulator.ts'
import { findCycle, verdictOf } from '../../src/engine/locks/verdict.ts'
import { KERNEL_IDS, type KernelId } from '../../src/profiles/features.ts'
import { featuresOf } from '../../src/profiles/profiles.ts'

const FIRST_FIXED = KERNEL_IDS.indexOf('5.9')
const broken = KERNEL_IDS.slice(0, FIRST_FIXED)
const fixed = KERNEL_IDS.slice(FIRST_FIXED)
const run = (scenario: 'A' | 'B' | 'C', id: KernelId) => runScenario(scenario, featuresOf(id))

t.test('E26, A: four threads wait for each other up to 5.8', t => {
  for (const id of broken) t.strictSame(run('A', id).cycle, ['T1', 'T3', 'T4', 'T2'], id)
  const [t1, t2, t3, t4] = run('A', '5.5').threads
  t.strictSame(t1!.held, [{ lock: 'mem_hotplug_lock', mode: 'W' }])
  t.equal(t1!.wants, '"page reference dropped"')
  t.strictSame(t2!.held, [
    { lock: 'cgroup_mutex', mode: 'W' },
    { lock: 'cpu_hotplug_lock', mode: 'R' },
  ])
  t.equal(t2!.wants, 'mem_hotplug_lock(R)')
  t.equal(t3!.wants, '"room in the pipe"')
  t.equal(t4!.wants, 'cgroup_mutex(W)')
  t.end()
})

t.test('E26, A: from 5.9 on the cgroup goes first, then the reader, the core dump, the hot-remove', t => {
  for (const id of fixed) {
    t.strictSame(run('A', id).cycle, [], id)
    // Where /proc/PID/cgroup needs no cgroup_mutex the reader never waited; threads take their turns in order.
    t.strictSame(run('A', id).finished, ['T2', 'T4', 'T3', 'T1'], id)
  }
  t.end()
})

t.test('E26, B: the signal that would end it never comes', t => {
  for (const id of broken) t.strictSame(run('B', id).cycle, ['T1', 'T3', 'T2'], id)
  for (const id of fixed) {
    t.strictSame(run('B', id).cycle, [], id)
    t.equal(run('B', id).finished.length, 3, id)
  }
  t.end()
})

t.test('E26, C: a hang without a cycle: the worker is blocked by a loop', t => {
  for (const id of broken) {
    const report = run('C', id)
    t.strictSame(report.cycle, [], id)
    t.strictSame(
      report.threads.map(({ verdict }) => verdict),
      ['loops', 'blocked-by-loop'],
      id,
    )
  }
  for (const id of fixed)
    t.strictSame(
      run('C', id).threads.map(({ verdict }) => verdict),
      ['loops'],
      `${id}: nobody makes caches for cgroups`,
    )
  t.end()
})

t.test('cgroup_mutex before mem_hotplug_lock: there up to 5.8, gone from 5.9 on', t => {
  const hasEdge = (id: KernelId): boolean =>
    lockOrder(featuresOf(id)).some(({ outer, inner }) => outer === 'cgroup_mutex' && inner === 'mem_hotplug_lock')
  for (const id of broken) t.ok(hasEdge(id), id)
  for (const id of fixed) t.notOk(hasEdge(id), id)
  t.end()
})

t.test('reading /proc/PID/cgroup takes cgroup_mutex up to 6.1, and not in 6.12', t => {
  const locks = (id: KernelId) =>
    operationsOf(featuresOf(id))
      .find(({ name }) => name === 'read_proc_pid_cgroup')!
      .locks.map(({ lock }) => lock)
  t.strictSame(locks('6.1'), ['cgroup_mutex', 'css_set_lock'])
  t.strictSame(locks('6.12'), ['css_set_lock'])
  t.end()
})

const take = (lock: string, mode: 'R' | 'W'): Step => ({ do: 'take', lock, mode })
const drop = (lock: string): Step => ({ do: 'drop', lock })
const thread = (id: string, ...steps: Step[]): Program => ({ id, who: id, steps })

t.test('a waiting writer keeps new readers out', t => {
  const sim = runLocks([
    thread('reader', take('l', 'R'), { do: 'wait', condition: 'never' }, drop('l')),
    thread('writer', take('l', 'W'), drop('l')),
    thread('late', take('l', 'R'), drop('l')),
  ])
  t.strictSame(waitsFor(sim, sim.threads[1]!), ['reader'])
  t.strictSame(waitsFor(sim, sim.threads[2]!), ['writer'])
  t.end()
})

t.test('readers share; a condition with a provider outside is no deadlock', t => {
  const sim = runLocks([
    thread('a', take('l', 'R'), { do: 'wait', condition: 'c' }, drop('l')),
    thread('b', take('l', 'R'), drop('l')),
    thread('w', take('l', 'W'), drop('l'), { do: 'give', condition: 'c' }),
    thread('other', { do: 'wait', condition: 'never' }, { do: 'give', condition: 'c' }),
  ])
  t.strictSame(sim.finished, ['b'])
  t.strictSame(findCycle(sim), [], 'the other one could still give it')
  t.equal(verdictOf(sim, [], sim.threads[3]!), 'loops')
  t.end()
})

t.test('who waits for a ring without being in it is behind it', t => {
  const sim = runLocks([
    thread('a', take('x', 'W'), { do: 'wait', condition: 'go' }, take('y', 'W')),
    thread('b', take('y', 'W'), { do: 'give', condition: 'go' }, take('x', 'W')),
    thread('c', take('x', 'R')),
  ])
  const cycle = findCycle(sim)
  t.strictSame(cycle, ['a', 'b'])
  t.equal(verdictOf(sim, cycle, sim.threads[2]!), 'behind-deadlock')
  t.end()
})
