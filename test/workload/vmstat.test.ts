/** `.memcgfs/vmstat`: what memory.stat shows beside what is true. */
import t from 'tap'
import type { Process } from '../../src/api/process.ts'
import { modStatTimes, STAT } from '../../src/engine/vmstat.ts'
import type { KernelId } from '../../src/profiles/features.ts'
import { seconds } from '../../src/units.ts'
import { type Shell, shellOf } from './helpers.ts'

function booted(kernel: KernelId): Shell {
  const shell = shellOf({ kernel })
  shell.root.mkdir('/a', 0o755)
  return shell
}

/** Name and the three numbers of a line. */
function lineOf(root: Process, path: string, name: string): string[] | undefined {
  const lines = String(root.readFile(`${path}/.memcgfs/vmstat`)).split('\n')
  return lines.map(line => line.split(' ')).find(([first]) => first === name)
}

t.test('6.12: late by up to two seconds', async t => {
  const { kernel, root } = booted('6.12')
  root.writeFile('/a/.memcgfs/do', 'task t bare\nanon t x 100K\n')
  for (const path of ['/a', '']) {
    t.same(lineOf(root, path, 'anon'), ['anon', '0', '102400', '-102400'])
    t.match(root.readFile(`${path}/memory.stat`), /^anon 0$/m, 'as the line says')
  }
  kernel.advanceTo(kernel.now + seconds(2))
  for (const path of ['/a', '']) t.same(lineOf(root, path, 'anon'), ['anon', '102400', '102400', '0'])
})

t.test('an open gate shows what a reader would flush, and is not flushed by looking', async t => {
  const { root } = booted('6.12')
  root.writeFile('/a/.memcgfs/do', 'task t bare\nanon t x 4M\n')
  t.same(lineOf(root, '/a', 'anon'), ['anon', '4194304', '4194304', '0'])
  root.mkdir('/b', 0o755)
  t.match(root.readFile('/a/memory.stat'), /^anon 4194304$/m)
})

t.test('the pages in stock are charged, and not used', async t => {
  const { root } = booted('6.12')
  root.writeFile('/a/.memcgfs/do', 'task t bare\nanon t x 4K\n')
  // One page table of each kind, one page of data, of a batch of 64 that was charged.
  const [, shown, real, error] = lineOf(root, '/a', 'memory.current')!.map(Number)
  t.equal(shown, Number(root.readFile('/a/memory.current')))
  t.equal(error, shown! - real!)
  t.ok(real! < 16 * 4096 && shown! >= 64 * 4096)
  t.equal(lineOf(root, '', 'memory.current'), undefined)
})

t.test('5.3: an error that stays, and items the kernel has no line for', async t => {
  const { kernel, root } = booted('5.3')
  const m = kernel.tree.cssOfMemcg.find(css => css?.cgroup.name === 'a')!.memcg!
  modStatTimes(kernel.engine, m, STAT.slab_reclaimable, 0, 1, 40)
  t.same(lineOf(root, '/a', 'slab_reclaimable'), ['slab_reclaimable', '135168', '163840', '-28672'])
  modStatTimes(kernel.engine, m, STAT.vmalloc, 0, 1, 2)
  t.same(lineOf(root, '/a', 'vmalloc'), ['vmalloc', '-', '8192', '-'])
  t.match(root.readFile('/a/.memcgfs/vmstat'), /^# vmstat=batched-tree\n# line shown true error\n/)
})
