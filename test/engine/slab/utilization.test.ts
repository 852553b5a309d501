// How well slab pages are used, old controller against new, and what ownership vectors cost: slab-kmem.md §5.3, E16,
// E17, E18. Who is charged is tested elsewhere; here are the slabs.
import t from 'tap'
import type { Engine } from '../../../src/engine/engine.ts'
import { freeKernelObjects } from '../../../src/engine/kmem.ts'
import { allocKernelObjects } from '../../../src/engine/kmemalloc.ts'
import type { MemCgroup } from '../../../src/engine/memcg.ts'
import { activeObjects, utilizationOf, writeSlabinfoOf } from '../../../src/engine/slab/report.ts'
import {
  createCacheCopy,
  findCache,
  type KmemCache,
  shrinkCache,
  zeroPartialLimits,
} from '../../../src/engine/slab/slub.ts'
import { TextBuffer } from '../../../src/formats/text.ts'
import { engineOf, memcgBelow } from '../helpers.ts'
import { give, onCpu, take } from './helpers.ts'

const dentryOf = (e: Engine): KmemCache => findCache(e.slab, 'dentry')!
const copyFor = (e: Engine): KmemCache => createCacheCopy(e.slab, dentryOf(e), memcgBelow(e))
/** memory.kmem.slabinfo of a memcg. */
function slabinfoOf(e: Engine, m: MemCgroup): string {
  const out = new TextBuffer()
  writeSlabinfoOf(e, m, out)
  return out.toString()
}

const percent = (share: number): string => (share * 100).toFixed(1)

t.test('E17: a hundred cgroups with ten dentries each', t => {
  const old = engineOf('5.3', { cpus: 32 })
  const copies = Array.from({ length: 100 }, () => copyFor(old))
  for (const copy of copies) take(old, copy, 10)
  const before = utilizationOf(old, copies)
  t.equal(before.pages, 819_200)
  t.equal(before.used, 192_000)
  t.equal(percent(before.exact), '23.4')

  const shared = engineOf('5.15', { cpus: 32 })
  for (let i = 0; i < 100; i++)
    allocKernelObjects(shared, dentryOf(shared), 10, { ...onCpu(0), memcg: memcgBelow(shared) })
  const after = utilizationOf(shared, [dentryOf(shared)])
  t.equal(dentryOf(shared).slabs, 24)
  t.equal(after.pages, 196_608)
  t.equal(percent(after.exact), '97.7')
  const vectors = findCache(shared.slab, 'kmalloc-512')!
  t.equal(vectors.objects * vectors.size, 12_288)
  t.equal(percent(1 - (after.pages + 12_288) / before.pages), '74.5')
  t.end()
})

t.test('E16: one survivor keeps a slab', t => {
  const old = engineOf('5.2', { cpus: 32 })
  const copy = copyFor(old)
  const objects = take(old, copy, 100)
  give(old, objects.slice(0, 42))
  give(old, objects.slice(43))
  zeroPartialLimits(old.slab, copy)
  shrinkCache(old, copy, 0)
  t.equal(copy.pages, 2)

  const shared = engineOf('5.9', { cpus: 32 })
  const cache = dentryOf(shared)
  const first = take(shared, cache, 42)
  give(shared, first.slice(1))
  t.same(new Set([...take(shared, cache, 41), ...first]).size, 1, 'others use the rest of it')
  t.end()
})

t.test('E18: a task that wanders has a slab on each CPU', t => {
  const old = engineOf('5.3', { cpus: 32 })
  const copy = copyFor(old)
  for (let cpu = 0; cpu < 32; cpu++) take(old, copy, 1, cpu)
  const u = utilizationOf(old, [copy])
  t.equal(copy.slabs, 32)
  t.equal(u.pages, 262_144)
  t.equal(u.used, 6144)
  t.equal(percent(u.exact), '2.3')
  // "slabinfo-visible 100 %" is of the objects; of the pages it is 42 x 192 of 8192 bytes, by the formula of §3.4.
  t.equal(activeObjects(old, copy), copy.capacity)
  t.equal(percent(u.visible), '98.4')
  t.end()
})

t.test('§3.4: free objects on node lists are the ones that slabinfo sees', t => {
  const e = engineOf('5.3', { cpus: 8 })
  const cache = dentryOf(e)
  const objects = take(e, cache, 42)
  give(e, objects.slice(0, 10))
  t.equal(percent(utilizationOf(e, [cache]).visible), percent((42 * 192) / 8192))
  shrinkCache(e, cache, 0)
  t.equal(percent(utilizationOf(e, [cache]).visible), percent((32 * 192) / 8192))
  t.equal(percent(utilizationOf(e, [cache]).exact), percent((32 * 192) / 8192))
  t.end()
})

/** Objects of the plain kmalloc caches, by name. */
function vectorsOf(e: Engine): Record<string, number> {
  const found = e.slab.caches.filter(cache => /^kmalloc-\d/.test(cache!.name) && cache!.objects > 0)
  return Object.fromEntries(found.map(cache => [cache!.name, cache!.objects]))
}

t.test('§5.3: vectors: the bucket for 8 bytes per object', t => {
  // Objects per slab on 8 CPUs: 21, 29, 39 (x 8 = 168, 232, 312).
  for (const [name, bucket] of [
    ['dentry', 'kmalloc-192'],
    ['ext4_inode_cache', 'kmalloc-256'],
    ['vm_area_struct', 'kmalloc-512'],
  ] as const) {
    const e = engineOf('5.15', { cpus: 8 }, { cacheObjects: 'reference' })
    take(e, findCache(e.slab, name)!, 1)
    t.same(vectorsOf(e), { [bucket]: 1 }, name)
  }
  t.end()
})

t.test('§5.3: 5.9 makes the vector for the first accounted object, 5.15 with the slab of an accounting cache', t => {
  for (const [kernel, afterUnaccounted] of [
    ['5.9', {}],
    ['5.15', { 'kmalloc-192': 1 }],
  ] as const) {
    const e = engineOf(kernel, { cpus: 8 })
    const objects = take(e, dentryOf(e), 1)
    t.same(vectorsOf(e), afterUnaccounted, kernel)
    allocKernelObjects(e, dentryOf(e), 1, { ...onCpu(0), memcg: memcgBelow(e) })
    t.same(vectorsOf(e), { 'kmalloc-192': 1 }, kernel)
    t.equal(objects.length, 1)
  }
  const e = engineOf('5.15', { cpus: 8 })
  const radix = findCache(e.slab, 'radix_tree_node')!
  take(e, radix, 1)
  t.same(vectorsOf(e), {}, 'a cache that is accounted by the call')
  allocKernelObjects(e, radix, 1, { ...onCpu(0), memcg: memcgBelow(e) })
  t.same(vectorsOf(e), { 'kmalloc-256': 1 })
  t.end()
})

t.test('§5.3: a vector goes with its slab, not with the last accounted object', t => {
  const e = engineOf('5.15', { cpus: 8 })
  const cache = dentryOf(e)
  const objects = take(e, cache, 42)
  t.same(vectorsOf(e), { 'kmalloc-192': 2 })
  give(e, objects)
  t.same(vectorsOf(e), { 'kmalloc-192': 2 })
  shrinkCache(e, cache, 0)
  t.same(vectorsOf(e), {})
  t.end()
})

t.test('5.9: a slab of kmalloc-192 holds its own vector, and stays for ever', t => {
  const e = engineOf('5.9', { cpus: 8 })
  const cache = findCache(e.slab, 'kmalloc-192')!
  const objects = allocKernelObjects(e, cache, 1, { ...onCpu(0), memcg: memcgBelow(e) })
  t.equal(cache.objects, 2, 'the object, and the vector of 21 x 8 = 168 bytes')
  freeKernelObjects(e, objects, 1, 0)
  shrinkCache(e, cache, 0)
  t.same([cache.objects, cache.slabs], [1, 1])
  t.end()
})

t.test('§5.3: 7.1 puts it into the leftover space where it fits', t => {
  const e = engineOf('7.1', { cpus: 32 }, { cacheObjects: 'reference' })
  take(e, findCache(e.slab, 'task_struct')!, 1)
  t.same(vectorsOf(e), {}, 'task_struct: 4 x 6720 leave 5888 of 32768 bytes')
  take(e, findCache(e.slab, 'dentry')!, 1)
  // 128 bytes are left of 8192, 336 are wanted. A sheaf of 60 objects takes two slabs.
  t.same(vectorsOf(e), { 'kmalloc-512': 2 })
  t.end()
})

t.test('§5.3: the old controller has none', t => {
  const e = engineOf('5.8', { cpus: 8 })
  take(e, copyFor(e), 100)
  t.same(vectorsOf(e), {})
  t.end()
})

t.test('§8.2: the slabinfo of a cgroup lists the copies it owns now, inherited ones too', t => {
  const e = engineOf('5.3', { cpus: 8 })
  const parent = memcgBelow(e)
  t.equal(slabinfoOf(e, parent), '', 'no header without a cache')
  const inherited = copyFor(e)
  take(e, inherited, 21)
  inherited.owner = parent
  const own = createCacheCopy(e.slab, dentryOf(e), parent)
  take(e, own, 22)
  t.equal(
    slabinfoOf(e, parent),
    [
      'slabinfo - version: 2.1',
      '# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>',
      'dentry                42     42    192   21    1 : tunables    0    0    0 : slabdata      2      2      0',
      'dentry                21     21    192   21    1 : tunables    0    0    0 : slabdata      1      1      0',
      '',
    ].join('\n'),
  )
  const first = engineOf('4.2')
  t.match(slabinfoOf(first, first.root), /^slabinfo - version: 2\.1\n# name .*\n$/, '4.2: always a header')
  const last = engineOf('5.9')
  t.equal(slabinfoOf(last, last.root), '')
  t.end()
})
