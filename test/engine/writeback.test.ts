// Dirty page cache, and the flusher (charge-reclaim.md §6.6).
import t from 'tap'
import { shellOf } from '../workload/helpers.ts'

const SETTINGS = { swap: 0, cpus: 1, with: { writeback: 'timed', kmem_on_v2: 'no' } } as const

function lines(text: string, ...names: string[]): number[] {
  return names.map(name => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)![1]) / 4096)
}

t.test('with writeback=timed written pages are dirty, then being written, then clean', t => {
  const shell = shellOf(SETTINGS)
  shell.root.mkdir('/a', 0o755)
  const shown = () => {
    shell.do('/a', 'rstat-flush')
    return lines(shell.read('/a/memory.stat'), 'file', 'file_dirty', 'file_writeback')
  }
  shell.do('/a', 'task t bare', 'file f 300p', 'write t f 0 100p', 'read t f 100p 100p')
  t.same(shown(), [200, 100, 0])
  shell.do('/a', 'drop-caches 1')
  t.same(shown(), [100, 100, 0], 'clean pages go, dirty ones stay')
  shell.do('/a', 'tick 5s')
  t.same(shown(), [100, 0, 100], 'the flusher came')
  shell.do('/a', 'write t f 0 10p')
  t.same(shown(), [100, 10, 100], 'dirty again while it is being written')
  shell.do('/a', 'tick 20ms')
  t.same(shown(), [100, 10, 0])
  shell.do('/a', 'flush f', 'tick 20ms')
  t.same(shown(), [100, 0, 0])
  shell.do('/a', 'map t f m', 'touch t m 5p write', 'unmap t m')
  t.same(shown(), [100, 5, 0], 'through a mapping')
  shell.do('/a', 'unlink f')
  t.same(shown(), [0, 0, 0])
  t.end()
})

t.test('reclaim leaves dirty pages to the flusher', t => {
  const shell = shellOf(SETTINGS)
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t bare', 'file f 300p', 'write t f 0 100p', 'drain-stocks')
  t.equal(shell.do('/a', 'reclaim . 50p'), 'EAGAIN')
  shell.do('/a', 'flush all', 'settle')
  t.equal(shell.do('/a', 'reclaim . 50p'), 'reclaim . 50p\n'.length)
  t.end()
})
