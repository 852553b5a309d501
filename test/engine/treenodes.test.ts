// Tree nodes of files (workload.md §6.1; errata.md §2.21: 592 bytes for each 64 pages).
import t from 'tap'
import { shellOf } from '../workload/helpers.ts'

const slab = (text: string): number => Number(/^slab_reclaimable (\d+)$/m.exec(text)![1])

t.test(
  'a node for every started 64 pages, charged to who brings in the first; gone a grace period after the last',
  t => {
    const shell = shellOf({ swap: 0, cpus: 1 })
    shell.root.mkdir('/a', 0o755)
    const bytes = (...lines: string[]): number => {
      shell.do('/a', ...lines, 'drain-stocks', 'rstat-flush')
      return slab(shell.read('/a/memory.stat'))
    }
    const before = bytes('task t', 'file f 1000p', 'read t f 0 0')
    t.equal(bytes('read t f 0 128p') - before, 2 * 592)
    t.equal(bytes('read t f 128p 1p') - before, 3 * 592)
    t.equal(bytes('read t f 0 200p') - before, 4 * 592, 'a started one')
    t.equal(bytes('drop-caches 1') - before, 4 * 592, 'somebody may be reading')
    t.equal(bytes('tick 20ms') - before, 0)
    t.end()
  },
)

t.test('a bare task costs its pages alone', t => {
  const shell = shellOf({ swap: 0, cpus: 1 })
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t bare', 'file f 1000p', 'read t f 0 128p', 'drain-stocks', 'rstat-flush')
  t.equal(slab(shell.read('/a/memory.stat')), 0)
  t.equal(shell.read('/a/memory.current'), `${128 * 4096}\n`)
  t.end()
})
