// Removed cgroups that stay: stages, what keeps them, and who says so. Worked examples of slab-kmem.md §13.
import t from 'tap'
import { memcgFor } from '../../src/tree/spawn.ts'
import { type Shell, shellOf } from '../workload/helpers.ts'

const dying = (shell: Shell, path = ''): number =>
  Number(/nr_dying_descendants (\d+)/.exec(shell.read(`${path}/cgroup.stat`))![1])

t.test('E24: a dying child keeps its dying parents', t => {
  for (const kernel of ['6.12', '7.1'] as const) {
    const shell = shellOf({ kernel, cpus: 1 })
    shell.root.mkdir('/a', 0o755)
    shell.write('/a/cgroup.subtree_control', '+memory')
    shell.root.mkdir('/a/b', 0o755)
    shell.do('', 'file f 1p', 'task t /a/b bare', 'read t f 0 1p', 'exit t')
    t.equal(shell.root.rmdir('/a/b'), 0)
    t.equal(shell.root.rmdir('/a'), 0)
    shell.do('', 'settle')
    t.equal(dying(shell), kernel === '6.12' ? 2 : 0, kernel)
    if (kernel === '7.1') {
      const { engine } = shell.kernel
      t.equal(engine.root.pins.folios, 1, 'the page is charged to the root')
    }
    shell.do('', 'unlink f', 'settle')
    t.equal(dying(shell), 0)
  }
  t.end()
})

t.test('E25: the stack of a task that moved away keeps the cgroup it was made in, up to 5.12', t => {
  for (const [kernel, zombies] of [
    ['5.9', 1],
    ['5.15', 0],
  ] as const) {
    const shell = shellOf({ kernel, cpus: 1 })
    shell.root.mkdir('/c', 0o755)
    shell.root.mkdir('/d', 0o755)
    shell.do('', 'task t /c', 'move t /d')
    t.equal(shell.root.rmdir('/c'), 0)
    shell.do('', 'settle')
    t.equal(dying(shell), zombies, kernel)
    shell.do('', 'exit t', 'settle')
    t.equal(dying(shell), 0)
  }
  t.end()
})

t.test('E29: the stages of an empty cgroup take 20+1, 1, 20+1 and 1 ms', t => {
  const shell = shellOf({ kernel: '5.3', cpus: 1 })
  shell.root.mkdir('/c', 0o755)
  const { engine, tree } = shell.kernel
  const m = memcgFor(tree, tree.hierarchies[0]!.root.children!.get('c')!)
  const start = shell.kernel.now
  t.equal(shell.root.rmdir('/c'), 0)
  t.equal(dying(shell), 1)
  t.ok(m.online)
  shell.do('', 'tick 20ms')
  t.ok(m.online)
  shell.do('', 'tick 1ms')
  t.notOk(m.online, 'S1 and S2')
  t.equal(engine.memcgs[m.slot], m)
  shell.do('', 'tick 1ms', 'tick 20ms')
  t.equal(dying(shell), 1)
  shell.do('', 'tick 1ms')
  t.equal(engine.memcgs[m.slot], null, 'S3 and S4 of the memory state')
  t.equal(dying(shell), 1)
  shell.do('', 'tick 1ms')
  t.equal(dying(shell), 0, 'S3 of the cgroup itself')
  t.equal(shell.kernel.now - start, 44_000_000)
  t.end()
})

t.test('a hundred removed cgroups with cached names stay on 5.2, and go on 5.3 and 5.9', t => {
  for (const [kernel, zombies] of [
    ['5.2', 100],
    ['5.3', 0],
    ['5.9', 0],
  ] as const) {
    const shell = shellOf({ kernel, cpus: 4 })
    for (let i = 0; i < 100; i++) {
      shell.root.mkdir('/x', 0o755)
      shell.do('', `task t /x bare`, 'lookup t ext4 100', 'exit t')
      t.equal(shell.root.rmdir('/x'), 0)
      shell.do('', 'settle')
    }
    t.equal(dying(shell), zombies, kernel)
    const lines = shell.read('/.memcgfs/zombies').split('\n').slice(0, -1)
    t.equal(lines.length, zombies)
    for (const line of lines) t.match(line, /^\/x since=\d+ stage=offline cost=\d+ pays=\/ pins=slab_pages:\d+:\d+$/)
  }
  t.end()
})
