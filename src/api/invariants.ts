/**
 * What must hold in every kernel between two operations, whatever happened: the books agree with what they count.
 * For tests, which call it after each operation; nothing in the model depends on it. The numbers refer to
 * slab-kmem.md §15.
 */
import { highOf, lowOf, maxOf, minOf, NO_COUNTER, parentOf, usage } from '../engine/counter.ts'
import type { SocketBuffers } from '../engine/descriptors.ts'
import type { Engine } from '../engine/engine.ts'
import { type FolioBatch, foliosIn } from '../engine/folio.ts'
import { LISTS, listPages } from '../engine/foliolist.ts'
import { forEachInSubtree, type MemCgroup } from '../engine/memcg.ts'
import type { Mm } from '../engine/mm.ts'
import { DEVICE, MOVING } from '../engine/pins.ts'
import { brokenSlabBooks } from '../engine/slab/check.ts'
import { STAT, type StatName, trueStat } from '../engine/vmstat.ts'
import type { Kernel } from '../kernel.ts'
import { type Cgroup, isPopulated, pathOf, subtree } from '../tree/cgroup.ts'
import { stateCount } from '../tree/css.ts'
import { isToBeFrozen } from '../tree/freezer.ts'
import { TASK_WAKES } from '../tree/sleep.ts'
import { STATE_COUNTS } from '../tree/tree.ts'
import type { Pages } from '../units.ts'
import { checkKernelMemory } from './kmeminvariants.ts'
import { checkPressure } from './pressureinvariants.ts'

/** What does not hold, in words; empty when all is well. */
export function brokenInvariants(kernel: Kernel): string[] {
  const broken: string[] = []
  const expect = (what: string, actual: number, wanted: number): void => {
    if (actual !== wanted) broken.push(`${what}: ${actual}, not ${wanted}`)
  }
  checkMemory(kernel, expect)
  checkSwap(kernel.engine, expect)
  checkHolds(kernel.engine, expect)
  checkKernelMemory(kernel, expect)
  broken.push(...brokenSlabBooks(kernel.engine))
  checkTree(kernel, expect)
  checkPressure(kernel, expect)
  checkSleepers(kernel, expect)
  return broken
}

type Expect = (what: string, actual: number, wanted: number) => void

/** Who sleeps is alive and will be woken: by the clock, or by whoever makes room. */
function checkSleepers({ tree, engine }: Kernel, expect: Expect): void {
  const { clock } = engine
  for (const { name, pid, state, sleep, mm } of tree.tasks.values()) {
    if (mm !== null && mm.sleep !== null) expect(`${name}: it was told to sleep and does not`, 1, 0)
    if (sleep === null || state !== 'alive') continue
    const isTimed = clock.queue.some(item => item.kind === TASK_WAKES && item.a === pid && item.due === sleep.until)
    const isWaiting = sleep.until === Number.POSITIVE_INFINITY && mm?.waitsFor !== null
    expect(`${name}: it sleeps (${sleep.reason}) and nothing will wake it`, Number(isTimed || isWaiting), 1)
  }
}

/** Slots are charged and pinned where they are recorded, and every page table that names them knows. */
function checkSwap(e: Engine, expect: Expect): void {
  const slots = new Map<MemCgroup, Pages>()
  const entries = new Map<Mm, Pages>()
  let used = 0
  for (const batch of e.swap.batches) {
    if (!batch) continue
    used += batch.pages
    slots.set(batch.memcg, (slots.get(batch.memcg) ?? 0) + batch.pages)
    for (const { vma } of batch.mappers) entries.set(vma.mm, (entries.get(vma.mm) ?? 0) + batch.pages)
  }
  expect('slots in use', e.swap.used, used)
  expect('slots beyond the device', Math.max(0, used - e.swapTotal), 0)
  for (const mm of e.mms.values()) expect(`address space ${mm.id}: swap entries`, mm.swapents, entries.get(mm) ?? 0)
  for (const m of e.memcgs) {
    if (!m) continue
    expect(`memcg ${m.slot}: references of swap slots`, m.pins.swap, slots.get(m) ?? 0)
    if (m.parent === null || !m.online) continue
    let below = 0
    forEachInSubtree(e, m, each => {
      below += slots.get(each) ?? 0
    })
    if (e.hierarchy === 'v2') expect(`memcg ${m.slot}: memory.swap.current`, usage(e.counters, m.swap), below)
    else if (m.memsw !== NO_COUNTER)
      expect(`memcg ${m.slot}: memory and swap`, usage(e.counters, m.memsw), usage(e.counters, m.memory) + below)
  }
}

/** Holds are those of who holds, and what cannot be evicted stands on the list of that. */
function checkHolds({ folios, mms }: Kernel['engine'], expect: Expect): void {
  const pinned = new Map<number, Pages>()
  for (const batch of folios.batches) {
    if (!batch) continue
    const { id, pages, holders, mappers, list } = batch
    for (const holder of holders) pinned.set(holder, (pinned.get(holder) ?? 0) + pages)
    const isKept = holders.includes(DEVICE) || mappers.some(({ vma }) => vma.isLocked)
    expect(`batch ${id}: unevictable`, Number(list === 'unevictable'), Number(isKept))
  }
  expect('pages whose charge is moving', pinned.get(MOVING) ?? 0, 0)
  for (const mm of mms.values()) expect(`address space ${mm.id}: pins`, mm.pinned, pinned.get(mm.id) ?? 0)
}

function checkMemory({ engine, tree }: Kernel, expect: Expect): void {
  const { counters, stocks } = engine
  const folios = new Map<MemCgroup, number>()
  for (const batch of engine.folios.batches)
    if (batch) folios.set(batch.memcg, (folios.get(batch.memcg) ?? 0) + foliosIn(batch))
  const stocked = (m: MemCgroup): number =>
    stocks.pages.reduce((sum, pages, slot) => sum + (stocks.memcg[slot] === m.slot ? pages : 0), 0)
  const listed = (m: MemCgroup): number => {
    let pages = 0
    for (const list of LISTS)
      for (let node = 0; node < engine.machine.nodes; node++) pages += listPages(engine, m, node, list)
    return pages
  }
  const sockets = [...tree.tasks.values()]
    .flatMap(task => task.belongings.descriptors)
    .flatMap(({ buffers }) => buffers ?? [])
  const counted = countedBatches(engine)
  for (const m of engine.memcgs) {
    if (!m) continue
    const name = `memcg ${m.slot}`
    expect(`${name}: references of folios`, m.pins.folios, folios.get(m) ?? 0)
    const slots = stocks.memcg.filter(slot => slot === m.slot).length
    const isPerPage = engine.features.stockPin === 'per-page'
    expect(`${name}: references of stocks`, m.pins.stock, isPerPage ? stocked(m) : slots)
    expect(`${name}: references of sockets`, m.pins.sockets, sockets.filter(each => each.memcg === m).length)
    // A zombie's own counters are not meaningful: what it held is the parent's to give back.
    if (m.parent === null || !m.online) continue
    let held = 0
    forEachInSubtree(engine, m, each => {
      held += listed(each) + stocked(each) + (engine.hierarchy === 'v2' ? pagesIn(sockets, each) : 0)
    })
    // 1: usage is what is held here and below, removed cgroups included, and what is stocked.
    expect(`${name}: usage`, usage(counters, m.memory), held + usage(counters, m.kmem))
    let onLists = 0
    for (const list of LISTS) onLists += trueStat(engine, m, STAT[list])
    let listedBelow = 0
    forEachInSubtree(engine, m, each => {
      listedBelow += listed(each)
    })
    expect(`${name}: statistics of the lists`, onLists, listedBelow)
    for (const [item, own] of counted) {
      let below = 0
      forEachInSubtree(engine, m, each => {
        below += own.get(each) ?? 0
      })
      expect(`${name}: statistics of ${item}`, trueStat(engine, m, STAT[item]), below)
    }
    checkProtection(engine.counters, m.memory, name, expect)
  }
}

/** Pages of each memcg that belong to an item of the statistics, by what the folios are. */
function countedBatches({ folios }: Engine): [StatName, Map<MemCgroup, Pages>][] {
  const rules: [StatName, (batch: FolioBatch) => boolean][] = [
    ['anon', ({ kind, mappers }) => kind === 'anon' && mappers.length > 0],
    ['file', ({ file }) => file !== null],
    ['shmem', ({ kind, file }) => kind === 'shmem' && file !== null],
    ['file_mapped', ({ kind, mappers }) => kind !== 'anon' && mappers.length > 0],
    ['file_dirty', ({ dirty }) => dirty],
    ['file_writeback', ({ writeback }) => writeback !== 0],
  ]
  return rules.map(([item, isCounted]) => {
    const own = new Map<MemCgroup, Pages>()
    for (const batch of folios.batches)
      if (batch && isCounted(batch)) own.set(batch.memcg, (own.get(batch.memcg) ?? 0) + batch.pages)
    return [item, own]
  })
}

const pagesIn = (sockets: readonly SocketBuffers[], m: MemCgroup): Pages =>
  sockets.reduce((sum, { memcg, pages }) => sum + (memcg === m ? pages : 0), 0)

/** A parent's sums of protected usage are those of its children. */
function checkProtection(counters: Kernel['engine']['counters'], c: number, name: string, expect: Expect): void {
  if (parentOf(counters, c) === NO_COUNTER) return
  for (const value of [maxOf(counters, c), highOf(counters, c), minOf(counters, c), lowOf(counters, c)])
    expect(`${name}: a limit below zero`, Math.min(0, value), 0)
}

function checkTree({ tree, engine }: Kernel, expect: Expect): void {
  for (const { root } of tree.hierarchies) {
    for (const cg of subtree(root)) {
      const name = pathOf(cg)
      const below = [...subtree(cg)].filter(each => each !== cg)
      expect(`${name}: nr_descendants`, cg.descendants, below.length)
      expect(
        `${name}: populated`,
        Number(isPopulated(cg)),
        Number([cg, ...below].some(each => (each.tasks?.size ?? 0) > 0)),
      )
      expect(
        `${name}: threaded children`,
        cg.threadedChildren,
        childrenOf(cg).filter(child => child.domain !== child).length,
      )
      checkFreezer(cg, below, name, expect)
      for (let c = 0; c < tree.controllers.length; c++) {
        const states = [cg, ...below].filter(each => each.css[c]).length
        expect(`${name}: nr_subsys_${tree.controllers[c]!.name}`, stateCount(tree, cg, STATE_COUNTS.live, c), states)
      }
    }
  }
  const tasks = [...tree.tasks.values()]
  for (const css of tree.css) {
    if (!css) continue
    if (css.pids !== null) {
      const counted = tasks.filter(task => isBelow(task.css[css.controller] ?? null, css)).length
      expect(`${pathOf(css.cgroup)}: pids.current`, css.pids.current, counted)
    }
    const dead = css.stage === 'freed' ? 1 : 0
    expect(`${pathOf(css.cgroup)}: a freed state is still there`, dead, 0)
  }
  const alive = engine.memcgs.filter(Boolean).length
  expect('memcgs and their states', tree.css.filter(css => css?.memcg).length, alive)
  const keepsId = engine.features.idFreedAt === 'css-free'
  expect(
    'memcg ids',
    engine.idsInUse,
    engine.memcgs.filter(m => m && m.parent !== null && (keepsId || m.online || m.pins.swap > 0)).length,
  )
}

const childrenOf = (cg: Cgroup): Cgroup[] => [...(cg.children?.values() ?? [])]

function isBelow(css: { parent: unknown } | null, ancestor: unknown): boolean {
  for (let level = css; level !== null; level = level.parent as typeof css) if (level === ancestor) return true
  return false
}

function checkFreezer(cg: Cgroup, below: readonly Cgroup[], name: string, expect: Expect): void {
  let asked = 0
  for (let level: Cgroup | null = cg; level !== null; level = level.parent) if (level.freeze) asked++
  expect(`${name}: cgroups that ask it to freeze`, cg.effectiveFreeze, asked)
  expect(`${name}: frozen descendants`, cg.frozenDescendants, below.filter(each => each.frozen).length)
  expect(`${name}: frozen tasks`, cg.frozenTasks, [...(cg.tasks ?? [])].filter(task => task.frozen).length)
  if (cg.frozen) expect(`${name}: frozen without being asked`, Number(isToBeFrozen(cg)), 1)
}
