/**
 * What must hold of kernel memory between two operations: everything that is charged is held by somebody, and the slabs
 * hold what was handed out (slab-kmem.md §15). Part of invariants.ts.
 */
import type { Belongings } from '../engine/belongings.ts'
import { usage } from '../engine/counter.ts'
import type { Engine } from '../engine/engine.ts'
import type { PageCacheFile } from '../engine/file.ts'
import { type KernelObjects, type KernelPages, OWNER_POINTER, payerOf } from '../engine/kmem.ts'
import { forEachInSubtree, type MemCgroup } from '../engine/memcg.ts'
import { percpuBytes } from '../engine/objcg.ts'
import { ownAllocations } from '../engine/offline.ts'
import type { Kernel } from '../kernel.ts'
import type { Bytes, Pages } from '../units.ts'

type Expect = (what: string, actual: number, wanted: number) => void

export function checkKernelMemory(kernel: Kernel, expect: Expect): void {
  const { engine } = kernel
  const held = holdings(kernel)
  checkSlabs(engine, held, expect)
  const charged = chargesOf(engine, held)
  for (const m of engine.memcgs) {
    if (!m) continue
    expect(`memcg ${m.slot}: pages that refer to it`, m.pins.kernelPages, charged.get(m)?.pins ?? 0)
    // A removed memcg keeps the last value of its counters, whatever its parent pays for meanwhile.
    if (m.parent === null || !m.online) continue
    let pages = 0
    let bytes = 0
    forEachInSubtree(engine, m, each => {
      const own = charged.get(each)
      pages += own?.pages ?? 0
      bytes += own?.bytes ?? 0
    })
    const { pageSize } = engine.machine
    expect(
      `memcg ${m.slot}: kernel memory in bytes`,
      usage(engine.counters, m.kmem) * pageSize,
      pages * pageSize + bytes,
    )
  }
}

interface Holdings {
  readonly objects: readonly KernelObjects[]
  readonly pages: readonly KernelPages[]
  readonly percpus: Belongings['percpus']
}

/** Everything anybody holds. */
function holdings({ engine, tree }: Kernel): Holdings {
  const files = new Set<PageCacheFile>(engine.files.byName.values())
  for (const batch of engine.folios.batches) if (batch?.file) files.add(batch.file)
  for (const mm of engine.mms.values()) for (const vma of mm.vmas.values()) if (vma.file) files.add(vma.file)
  const holders = [...tree.tasks.values(), ...tree.tags.values()]
  const memories = [...tree.tasks.values()].flatMap(task => task.memory ?? [])
  const belongings = [...tree.tasks.values()].map(task => task.belongings)
  const descriptors = belongings.flatMap(each => each.descriptors)
  const names = [...engine.dcache.families.values()].flatMap(family => family.ranges)
  return {
    objects: [
      ...holders.flatMap(each => each.objects),
      ...memories.flatMap(each => each.objects),
      ...names.flatMap(each => each.objects),
      ...[...engine.dcache.dying.values()].flat(),
      ...[...files].flatMap(each => each.objects ?? []),
      ...[...files].flatMap(each => each.nodes.map(node => node.object)),
      ...descriptors.flatMap(each => each.objects),
    ],
    pages: [
      ...holders.flatMap(each => each.pages),
      ...memories.map(each => each.stack),
      ...[...engine.mms.values()].flatMap(mm => mm.pageTables ?? []),
      ...descriptors.flatMap(each => each.pages ?? []),
      ...belongings.flatMap(each => each.vmallocs),
    ],
    percpus: belongings.flatMap(each => each.percpus),
  }
}

/** What each memcg pays for by itself. */
interface Charges {
  /** Whole pages: of slabs it owns, of blocks. */
  pages: Pages
  /** By the byte: objects, per-CPU memory, and what was charged in advance and is not used. */
  bytes: Bytes
  /** Pages that refer to it directly. */
  pins: number
}

function chargesOf(e: Engine, { objects, pages, percpus }: Holdings): Map<MemCgroup, Charges> {
  const charges = new Map<MemCgroup, Charges>()
  const of = (m: MemCgroup): Charges => {
    const known = charges.get(m) ?? { pages: 0, bytes: 0, pins: 0 }
    charges.set(m, known)
    return known
  }
  for (const cache of e.slab.caches) if (cache?.owner) of(cache.owner).pages += cache.pages
  for (const block of pages) {
    const payer = payerOf(block)
    if (payer === null) continue
    of(payer).pages += block.blocks * 2 ** block.order
    if (block.memcg !== null)
      of(payer).pins += block.blocks * (e.features.stockPin === 'per-page' ? 2 ** block.order : 1)
  }
  for (const group of objects) {
    const bytes = e.slab.caches[group.cache]!.size + OWNER_POINTER
    for (const { objcg, count } of group.runs) if (objcg !== null) of(objcg.memcg).bytes += count * bytes
  }
  for (const { payer, size } of percpus) if (payer !== null) of(payer.memcg).bytes += percpuBytes(e, size)
  for (const stock of e.objStocks) if (stock.objcg !== null) of(stock.objcg.memcg).bytes += stock.bytes
  for (const m of e.memcgs) {
    if (!m) continue
    for (const objcg of [...(m.objcgs ?? []), ...(m.inherited ?? [])]) of(m).bytes += objcg.chargedBytes
    if (m.percpuPayer !== null)
      for (const size of ownAllocations(e)) of(m.percpuPayer.memcg).bytes += percpuBytes(e, size)
  }
  return charges
}

/** Objects handed out are held, and slabs have room for them. */
function checkSlabs(e: Engine, { objects }: Holdings, expect: Expect): void {
  const handedOut = new Map<number, number>()
  for (const group of objects) handedOut.set(group.cache, (handedOut.get(group.cache) ?? 0) + group.count)
  const inSlabs = new Map<number, number>()
  for (const cache of e.slab.caches) {
    if (cache === null) continue
    inSlabs.set(cache.root, (inSlabs.get(cache.root) ?? 0) + cache.objects)
    expect(`${cache.name}: more objects than there is room`, Math.max(0, cache.objects - cache.capacity), 0)
  }
  for (const [root, count] of inSlabs) {
    // Ownership vectors are objects nobody holds by name.
    if (e.slab.vectorCaches.includes(root)) continue
    expect(`${e.slab.caches[root]!.name}: objects`, count, handedOut.get(root) ?? 0)
  }
}
