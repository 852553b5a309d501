// Random histories of allocations keep the allocator's books in order, in every generation of it (slab-kmem.md §15).
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import type { Engine } from '../../src/engine/engine.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { brokenSlabBooks } from '../../src/engine/slab/check.ts'
import {
  allocObjects,
  createCacheCopy,
  destroyCache,
  findCache,
  flushCpu,
  freeObjects,
  type KmemCache,
  type ObjectRun,
  shrinkCache,
  zeroPartialLimits,
} from '../../src/engine/slab/slub.ts'
import type { KernelId } from '../../src/profiles/features.ts'
import { engineOf, memcgBelow } from '../engine/helpers.ts'
import { onCpu } from '../engine/slab/helpers.ts'

const RUNS = Number(process.env.MEMCGFS_RUNS ?? 60)
const CPUS = 3

interface World {
  readonly e: Engine
  /** Two caches of everybody, and two copies of the first. */
  readonly caches: readonly KmemCache[]
  /** What is allocated, by cache. */
  readonly held: ObjectRun[][]
}

type Operation = readonly [
  kind: 'take' | 'pay' | 'give' | 'flush' | 'shrink' | 'close',
  cache: number,
  cpu: number,
  count: number,
]

const operation: fc.Arbitrary<Operation> = fc.tuple(
  fc.constantFrom('take', 'take', 'pay', 'give', 'give', 'flush', 'shrink', 'close'),
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: CPUS - 1 }),
  fc.integer({ min: 1, max: 150 }),
)

/** Up to 100 slabs of a cache are granted in high order, and up to 200 in all. */
const pages = {
  take: (_: Engine, cache: KmemCache, order: number): boolean => cache.slabs < (order > 0 ? 100 : 200),
  give: (): void => {},
}

function run(world: World, [kind, number, cpu, count]: Operation): void {
  const { e } = world
  const cache = world.caches[number]!
  const held = world.held[number]!
  switch (kind) {
    case 'take':
      allocObjects(e, cache, count, onCpu(cpu), null, held, pages)
      break
    case 'pay':
      allocObjects(e, cache, count, onCpu(cpu), e.memcgs[1]!.objcgs?.[0] ?? null, held, pages)
      break
    case 'give': {
      // From the middle, so that slabs of all kinds are met.
      const some = held.splice(Math.floor(held.length / 3), count % 7)
      for (const each of some) freeObjects(e, each.slab, each.count, cpu, pages)
      break
    }
    case 'flush':
      flushCpu(e, cache, cpu, pages)
      break
    case 'shrink':
      shrinkCache(e, cache, cpu, pages)
      break
    case 'close':
      if (cache.root === cache.index) return
      zeroPartialLimits(e.slab, cache)
      shrinkCache(e, cache, cpu, pages)
  }
}

const GENERATIONS: readonly (readonly [KernelId, Partial<Machine>])[] = [
  ['4.2', { allocator: 'slab' }],
  ['4.3', {}],
  ['5.9', {}],
  ['6.12', { pageSize: 65536 }],
  ['6.12', { nodes: 2 }],
  ['7.1', {}],
]

for (const [kernel, machine] of GENERATIONS)
  t.test(`${kernel} ${JSON.stringify(machine)}: any history keeps the books`, t => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), operations => {
        const e = engineOf(kernel, { cpus: CPUS, ...machine })
        memcgBelow(e)
        const named = (name: string): KmemCache => e.slab.caches[e.slab.byName.get(name)!]!
        const copies = [0, 1].map(() => createCacheCopy(e.slab, named('dentry'), null))
        const world: World = { e, caches: [named('dentry'), named('kmalloc-64'), ...copies], held: [[], [], [], []] }
        for (const each of operations) {
          run(world, each)
          const broken = brokenSlabBooks(e)
          if (broken.length > 0) throw new Error(`${each.join(' ')}: ${broken.join('; ')}`)
        }
        for (const each of world.held.flat()) freeObjects(e, each.slab, each.count, 0, pages)
        // Giving a slab back frees its vector, which may empty a slab of another cache: that one is shrunk again.
        for (let round = 0; round < 3; round++) for (const cache of e.slab.caches) shrinkCache(e, cache!, 0, pages)
        for (const cache of e.slab.caches)
          if (cache!.slabs > 0) throw new Error(`${cache!.name}: ${cache!.slabs} slabs of nothing`)
        for (const copy of copies) destroyCache(e.slab, copy)
      }),
      { numRuns: RUNS },
    )
    t.end()
  })

for (const [kernel, machine] of GENERATIONS)
  t.test(`${kernel} ${JSON.stringify(machine)}: many objects at once are those of many calls`, t => {
    const counts = fc.array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: CPUS - 1 })), {
      maxLength: 20,
    })
    fc.assert(
      fc.property(counts, steps => {
        const together = engineOf(kernel, { cpus: CPUS, ...machine })
        const single = structuredClone(together)
        for (const e of [together, single]) {
          const cache = findCache(e.slab, 'dentry')!
          const held: ObjectRun[] = []
          for (const [i, [count, cpu]] of steps.entries()) {
            const step = e === together ? count : 1
            for (let done = 0; done < count; done += step) allocObjects(e, cache, step, onCpu(cpu), null, held)
            if (i % 2 === 0) continue
            for (const each of held.splice(0, 5))
              for (let done = 0; done < each.count; done += e === together ? each.count : 1)
                freeObjects(e, each.slab, e === together ? each.count : 1, cpu)
          }
        }
        return isDeepStrictEqual(together.slab, single.slab)
      }),
      { numRuns: RUNS },
    )
    t.end()
  })
