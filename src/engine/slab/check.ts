/**
 * What must hold in the allocator's books between two operations. For tests; nothing in the model depends on it. The
 * numbers refer to slab-kmem.md §15.
 */
import type { Engine } from '../engine.ts'
import { activeObjects, utilizationOf } from './report.ts'
import {
  cacheOfSlab,
  FREE,
  FROZEN,
  get,
  INSIDE,
  isEmpty,
  isListed,
  type KmemCache,
  NO_SLAB,
  NODE,
  OBJECTS,
  ORDER,
  type Slab,
  slabsOn,
  VECTOR,
} from './state.ts'

/** What does not hold, in words; empty when all is well. */
export function brokenSlabBooks(e: Engine): string[] {
  const { slab } = e
  const broken: string[] = []
  const expect = (what: string, actual: number, wanted: number): void => {
    if (actual !== wanted) broken.push(`${what}: ${actual}, not ${wanted}`)
  }
  expect('slabs that wait for a vector', slab.awaitVector.length, 0)
  expect('vectors of slabs that are gone', slab.orphanVectors.length, 0)
  const rows = livingRows(slab)
  for (const cache of slab.caches) {
    if (cache === null) continue
    const name = cache.root === cache.index ? cache.name : `copy ${cache.index} of ${cache.name}`
    const own = rows.filter(row => cacheOfSlab(slab, row) === cache)
    const sum = (column: number): number => own.reduce((total, row) => total + get(slab, row, column), 0)
    expect(`${name}: slabs`, cache.slabs, own.length)
    expect(
      `${name}: pages`,
      cache.pages,
      own.reduce((pages, row) => pages + 2 ** get(slab, row, ORDER), 0),
    )
    expect(`${name}: objects that fit`, cache.capacity, sum(OBJECTS))
    // An object is handed out, free in its slab, or free near a CPU.
    expect(`${name}: objects`, cache.objects, sum(OBJECTS) - sum(FREE) - heldNearCpus(cache))
    const active = activeObjects(e, cache)
    // 9: what is used counts as active, and what is active exists.
    expect(`${name}: used but not active`, Math.max(0, cache.objects - active), 0)
    expect(`${name}: active but not there`, Math.max(0, active - cache.capacity), 0)
    checkLists(slab, cache, name, expect)
  }
  for (const row of rows) checkSlab(e, row, expect)
  const all = utilizationOf(
    e,
    slab.caches.filter(cache => cache !== null),
  )
  if (all.exact > all.visible) broken.push(`utilization: ${all.exact} exact, ${all.visible} visible`)
  return broken
}

type Expect = (what: string, actual: number, wanted: number) => void

function livingRows({ rows }: Slab): number[] {
  const free = new Set(rows.free)
  return Array.from({ length: rows.used }, (_, row) => row).filter(row => !free.has(row))
}

const heldNearCpus = ({ stacks, nodes }: KmemCache): number =>
  stacks.reduce((held, stack) => held + (stack?.held ?? 0), 0) +
  nodes.reduce((held, node) => held + node.shared.held, 0)

function checkLists(slab: Slab, cache: KmemCache, name: string, expect: Expect): void {
  for (const [number, { partial, empty, free }] of cache.nodes.entries()) {
    const onLists = [...slabsOn(slab, partial), ...slabsOn(slab, empty)]
    expect(`${name}: slabs on the lists of node ${number}`, onLists.length, partial.length + empty.length)
    for (const row of onLists) expect(`${name}: node of a listed slab`, get(slab, row, NODE), number)
    for (const row of slabsOn(slab, empty)) expect(`${name}: objects in an empty slab`, Number(isEmpty(slab, row)), 1)
    if (slab.kind !== 'arrays') continue
    expect(
      `${name}: free in slabs`,
      free,
      onLists.reduce((sum, row) => sum + get(slab, row, FREE), 0),
    )
  }
  for (const own of cache.cpus) {
    if (own === undefined) continue
    const rows = own.current === NO_SLAB ? own.partial : [own.current, ...own.partial]
    for (const row of rows) expect(`${name}: slab of a CPU is frozen`, get(slab, row, FROZEN), 1)
    expect(`${name}: slabs of a CPU, each once`, new Set(rows).size, rows.length)
  }
}

function checkSlab(e: Engine, row: number, expect: Expect): void {
  const { slab } = e
  const name = `slab ${row} of ${cacheOfSlab(slab, row).name}`
  const free = get(slab, row, FREE)
  expect(`${name}: free below zero`, Math.min(0, free), 0)
  expect(
    `${name}: free and not on a list of its node, or the reverse`,
    Number(isListed(slab, row)),
    Number(free > 0 && get(slab, row, FROZEN) === 0),
  )
  const vector = get(slab, row, VECTOR)
  if (vector === 0 || vector === INSIDE) return
  expect(
    `${name}: its vector is in a plain kmalloc cache`,
    Number(slab.vectorCaches.includes(cacheOfSlab(slab, vector - 1).index)),
    1,
  )
}
