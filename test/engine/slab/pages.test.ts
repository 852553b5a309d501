// Pages of slabs: refusals and fallbacks, copies of caches and what they cost (slab-kmem.md §3.3, §4.4, E21).
import t from 'tap'
import { copyBytes } from '../../../src/engine/slab/copies.ts'
import {
  addCache,
  allocObjects,
  createCacheCopy,
  destroyCache,
  findCache,
  freeObjects,
  type ObjectRun,
  type SlabPages,
} from '../../../src/engine/slab/slub.ts'
import { engineOf, memcgBelow } from '../helpers.ts'
import { give, onCpu, take } from './helpers.ts'

/** Grants what it is asked for while `allow` says so, and remembers it all. */
function pagesThat(allow: (order: number, attempt: string, asked: number) => boolean): SlabPages & { log: string[] } {
  const log: string[] = []
  return {
    log,
    take(_e, cache, order, attempt) {
      const granted = allow(order, attempt, log.length)
      log.push(`${granted ? 'take' : 'refuse'} ${cache.name} ${order} ${attempt}`)
      return granted
    },
    give(_e, cache, order, cpu) {
      log.push(`give ${cache.name} ${order} on ${cpu}, ${cache.slabs} left`)
    },
  }
}

t.test('E21, the slab: refused two pages, SLUB is content with one', t => {
  const e = engineOf('5.3', { cpus: 32 })
  const dentry = findCache(e.slab, 'dentry')!
  const pages = pagesThat(order => order === 0)
  const runs: ObjectRun[] = []
  t.equal(allocObjects(e, dentry, 22, onCpu(0), null, runs, pages), 22)
  t.same(
    runs.map(run => run.count),
    [21, 1],
    '21 objects of a one-page slab, 42 would have been in two pages',
  )
  t.equal(dentry.orderFallbacks, 2)
  t.equal(dentry.pages, 2)
  t.same(pages.log, [
    'refuse dentry 1 first',
    'take dentry 0 fallback',
    'refuse dentry 1 first',
    'take dentry 0 fallback',
  ])
  t.end()
})

t.test('refused twice, an allocation ends with what it got', t => {
  const e = engineOf('5.3', { cpus: 32 })
  const dentry = findCache(e.slab, 'dentry')!
  const pages = pagesThat((_order, _attempt, asked) => asked === 0)
  const runs: ObjectRun[] = []
  t.equal(allocObjects(e, dentry, 100, onCpu(0), null, runs, pages), 42)
  t.equal(dentry.objects, 42)
  t.equal(dentry.orderFallbacks, 0)
  t.same(pages.log, ['take dentry 1 first', 'refuse dentry 1 first', 'refuse dentry 0 fallback'])
  t.end()
})

t.test('a cache of the smallest order asks a second time as well, with the flags of the caller', t => {
  const e = engineOf('4.3', { cpus: 8 })
  const pages = pagesThat((_order, attempt) => attempt === 'fallback')
  take(e, findCache(e.slab, 'dentry')!, 1, 0, pages)
  t.same(pages.log, ['refuse dentry 0 first', 'take dentry 0 fallback'])
  t.end()
})

t.test('pages that go are told with their order and CPU, when the slab is gone', t => {
  const e = engineOf('5.3', { cpus: 4 })
  const cache = createCacheCopy(e.slab, findCache(e.slab, 'kmalloc-8k')!, memcgBelow(e))
  cache.cpuLimit = 0
  cache.minPartial = 0
  const pages = pagesThat(() => true)
  const objects = take(e, cache, 5, 0, pages)
  give(e, objects.slice(0, 4), 3, pages)
  t.same(pages.log.slice(2), ['give kmalloc-8k 3 on 3, 1 left'])
  t.end()
})

t.test('a copy has slabs and limits of its own; its index is used again', t => {
  const e = engineOf('5.3', { cpus: 8 })
  const root = findCache(e.slab, 'dentry')!
  const copy = createCacheCopy(e.slab, root, memcgBelow(e))
  t.equal(copy.root, root.index)
  t.equal(findCache(e.slab, 'dentry'), root)
  const [mine] = take(e, root, 1)
  const [its] = take(e, copy, 1)
  t.not(mine, its)
  t.same([root.slabs, copy.slabs], [1, 1])
  copy.minPartial = 0
  copy.cpuLimit = 0
  t.equal(root.minPartial, 5)
  give(e, [its!])
  t.equal(copy.slabs, 1, 'the CPU has the slab')
  t.throws(() => destroyCache(e.slab, copy))
  copy.cpus.length = 0
  t.end()
})

t.test('destroyed copies leave their index to the next', t => {
  const e = engineOf('5.3')
  const root = findCache(e.slab, 'dentry')!
  const first = createCacheCopy(e.slab, root, null)
  destroyCache(e.slab, first)
  t.equal(createCacheCopy(e.slab, root, null).index, first.index)
  t.throws(() => destroyCache(e.slab, root), 'a cache of everybody stays')
  t.end()
})

t.test('§4.4: metadata of a copy on 64 CPUs', t => {
  for (const [kernel, bytes] of [
    ['4.3', 2432],
    ['5.2', 2560],
    ['5.3', 3136],
    ['5.8', 3136],
  ] as const)
    t.equal(copyBytes(engineOf(kernel, { cpus: 64 })), bytes, kernel)
  t.end()
})

t.test('a layout that somebody chose is taken as it is', t => {
  const e = engineOf('4.3')
  const layout = { preferred: { order: 3, objects: 32 }, minimum: { order: 0, objects: 4 } }
  const cache = addCache(e.slab, { name: 'k1', object: 1024, layout }, e.machine, e.features)
  const refuseHigh = pagesThat(order => order === 0)
  const objects = take(e, cache, 6, 0, refuseHigh)
  t.equal(new Set(objects).size, 2)
  t.equal(cache.orderFallbacks, 2)
  for (const slab of objects) freeObjects(e, slab, 1, 0)
  t.equal(cache.objects, 0)
  t.end()
})
