// How objects are laid out in slabs: slab-kmem.md §3.1, §3.2 and example E5.
import t from 'tap'
import {
  arrayBatch,
  arrayLimit,
  cpuPartialObjects,
  cpuPartialSlabs,
  leastGeometry,
  minPartial,
  sheafCapacity,
  slabGeometry,
  slubGeometry,
} from '../../../src/engine/slab/geometry.ts'
import { findCache } from '../../../src/engine/slab/slub.ts'
import type { KernelId } from '../../../src/profiles/features.ts'
import { featuresOf } from '../../../src/profiles/profiles.ts'
import { engineOf, MACHINE } from '../helpers.ts'

const PAGES_64K = { cpus: 80, pageSize: 65536 }

/** Order/objects on 4, 8 and 32 CPUs with 4 KiB pages, and on 80 CPUs with 64 KiB pages (§3.1). */
const REFERENCE: readonly (readonly [number, readonly string[], ...string[]])[] = [
  [64, ['kmalloc-64', 'anon_vma_chain'], '0/64', '0/64', '0/64', '0/1024'],
  [88, ['anon_vma'], '0/46', '0/46', '0/46', '0/744'],
  [104, ['buffer_head'], '0/39', '0/39', '0/39', '0/630'],
  [128, ['kmalloc-128', 'pid'], '0/32', '0/32', '0/32', '0/512'],
  [192, ['dentry', 'cred_jar'], '0/21', '0/21', '1/42', '0/341'],
  [208, ['vm_area_struct'], '0/19', '1/39', '1/39', '0/315'],
  [256, ['filp', 'kmalloc-256'], '0/16', '1/32', '1/32', '0/256'],
  [512, ['kmalloc-512'], '1/16', '2/32', '2/32', '0/128'],
  [584, ['radix_tree_node'], '2/28', '2/28', '2/28', '0/112'],
  [600, ['inode_cache'], '2/27', '2/27', '3/54', '0/109'],
  [680, ['proc_inode_cache'], '2/24', '2/24', '3/48', '0/96'],
  [704, ['files_cache', 'sock_inode_cache'], '2/23', '2/23', '3/46', '0/93'],
  [1024, ['kmalloc-1k'], '2/16', '3/32', '3/32', '0/64'],
  [1088, ['mm_struct', 'signal_cache'], '3/30', '3/30', '3/30', '0/60'],
  [1096, ['ext4_inode_cache'], '3/29', '3/29', '3/29', '0/59'],
  [2112, ['sighand_cache'], '3/15', '3/15', '3/15', '1/62'],
  [4096, ['kmalloc-4k'], '3/8', '3/8', '3/8', '1/32'],
  [6720, ['task_struct'], '3/4', '3/4', '3/4', '2/39'],
  [8192, ['kmalloc-8k'], '3/4', '3/4', '3/4', '2/32'],
]
const MACHINES = [{ cpus: 4 }, { cpus: 8 }, { cpus: 32 }, PAGES_64K]

const text = ({ order, objects }: { order: number; objects: number }): string => `${order}/${objects}`

for (const kernel of ['4.3', '6.1', '6.12'] as const)
  t.test(`E5: the whole table of geometry, as ${kernel} computes it`, t => {
    for (const [size, , ...cells] of REFERENCE)
      for (const [i, machine] of MACHINES.entries())
        t.equal(
          text(slubGeometry(size, { ...MACHINE, ...machine }, featuresOf(kernel))),
          cells[i],
          `${size} bytes on ${machine.cpus} CPUs`,
        )
    t.end()
  })

t.test('E5: the reference sizes of the named caches', t => {
  for (const [i, machine] of MACHINES.entries()) {
    const e = engineOf('5.3', machine, { cacheObjects: 'reference' })
    for (const [size, names, ...cells] of REFERENCE)
      for (const name of names) {
        const cache = findCache(e.slab, name)!
        t.equal(cache.size, size, name)
        t.equal(text(cache.geometry), cells[i], `${name} on ${machine.cpus} CPUs`)
      }
  }
  t.end()
})

t.test('E5: what is kept: empty slabs of a node, partial slabs of a CPU', t => {
  t.equal(minPartial(192), 5)
  t.equal(minPartial(4096), 6)
  t.equal(minPartial(8192), 6)
  t.equal(minPartial(8), 5, 'never below 5')
  t.equal(minPartial(2 ** 22), 10, 'never above 10')
  t.equal(cpuPartialSlabs(192, 21, 4096), 12)
  t.equal(cpuPartialSlabs(192, 42, 4096), 6)
  t.equal(cpuPartialSlabs(1096, 29, 4096), 2)
  const sizes = [192, 255, 256, 1023, 1024, 4095, 4096]
  t.same(
    sizes.map(size => cpuPartialObjects(size, 4096)),
    [30, 30, 13, 13, 6, 6, 2],
  )
  t.same(
    sizes.map(size => sheafCapacity(size, 4096)),
    [60, 60, 28, 28, 12, 12, 4],
  )
  t.end()
})

t.test('the smallest slab that SLUB is content with', t => {
  t.equal(text(leastGeometry(192, MACHINE)), '0/21')
  t.equal(text(leastGeometry(1096, MACHINE)), '0/3')
  t.equal(text(leastGeometry(6720, MACHINE)), '1/1')
  t.end()
})

t.test('SLAB: the lowest order that wastes at most an eighth, 1 at most; reclaimable caches take the first', t => {
  t.equal(text(slabGeometry(192, true, MACHINE)), '0/21')
  // 5 x 704 = 3520 leaves 576 of 4096, more than 512; 11 x 704 = 7744 leaves 448 of 8192, less than 1024.
  t.equal(text(slabGeometry(704, false, MACHINE)), '1/11')
  t.equal(text(slabGeometry(704, true, MACHINE)), '0/5')
  t.equal(text(slabGeometry(6784, false, MACHINE)), '1/1', 'no order above 1 for less waste')
  t.same([192, 256, 257, 1024, 1025, 4096, 4097].map(arrayLimit), [120, 120, 54, 54, 24, 24, 8])
  t.same([120, 54, 24, 8].map(arrayBatch), [60, 27, 12, 4])
  t.end()
})

/** Slots that follow from the measured sizes of §3.2 by its rounding rule. */
const MEASURED: readonly (readonly [string, KernelId, number])[] = [
  ['dentry', '4.3', 192],
  ['inode_cache', '4.3', 568], // 560 and the free pointer
  ['inode_cache', '5.9', 592],
  ['ext4_inode_cache', '5.3', 1072], // the tree measured for 5.3 is 5.2
  ['ext4_inode_cache', '5.15', 1160],
  ['proc_inode_cache', '6.12', 704],
  ['shmem_inode_cache', '6.1', 784],
  ['radix_tree_node', '4.2', 584],
  ['buffer_head', '6.18', 104],
  ['filp', '5.9', 256],
  ['filp', '5.15', 256], // 232, aligned to cache lines
  ['filp', '6.12', 192], // profiles.md D6: recorded, 500 open files cost 500 x (192 + 8)
  ['vm_area_struct', '6.1', 152],
  ['task_struct', '4.3', 6784],
  ['task_struct', '5.15', 7296],
  ['sighand_cache', '5.2', 2112],
  ['fs_cache', '5.2', 64],
]

t.test('the measured sizes of each tree', t => {
  for (const [name, kernel, slot] of MEASURED)
    t.equal(findCache(engineOf(kernel).slab, name)?.size, slot, `${name} of ${kernel}`)
  t.end()
})

t.test('kmalloc caches go up to two pages, and have the kinds that the kernel has', t => {
  const names = (kernel: KernelId, pageSize = 4096): string[] => [...engineOf(kernel, { pageSize }).slab.byName.keys()]
  const biggest = (kernel: KernelId, pageSize?: number): string | undefined =>
    names(kernel, pageSize).findLast(name => /^kmalloc-\d/.test(name))
  t.equal(biggest('6.12'), 'kmalloc-8k')
  t.equal(biggest('6.12', 65536), 'kmalloc-128k')
  const kinds = (kernel: KernelId): string[] => names(kernel).filter(name => /^kmalloc-(rcl-|cg-)?96$/.test(name))
  t.same(kinds('4.3'), ['kmalloc-96'])
  t.same(kinds('5.9'), ['kmalloc-96', 'kmalloc-rcl-96'])
  t.same(kinds('5.15'), ['kmalloc-96', 'kmalloc-rcl-96', 'kmalloc-cg-96'])
  t.end()
})
