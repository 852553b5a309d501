/**
 * Names of files that are cached: dentries with their inodes. Kernel: fs/dcache.c, fs/inode.c.
 *
 * Names are numbers behind a prefix, so that a script can make, share and hold many of them. A cached name is charged
 * to whoever looked it up first and stays cached, whatever becomes of that cgroup, until reclaim or drop_caches takes
 * it. Its memory comes back a grace period later: somebody may still be reading it.
 */
import { schedule, type WorkKind } from '../clock.ts'
import { type Cpu, milliseconds, type NodeNumber } from '../units.ts'
import type { Engine } from './engine.ts'
import { freeKernelObjects, type KernelObjects, splitObjects } from './kmem.ts'
import type { MemCgroup } from './memcg.ts'
import { cacheOfSlab } from './slab/slub.ts'

/** File systems that names can be looked up in, with the cache of their inodes. */
export const NAME_SPACES = { ext4: 'ext4_inode_cache', tmpfs: 'shmem_inode_cache', proc: 'proc_inode_cache' } as const
export type NameSpace = keyof typeof NAME_SPACES

/** Consecutive numbers that are alike. */
export interface NameRange {
  readonly family: NameFamily
  first: number
  count: number
  /** Groups of as many objects as there are names: dentries, names that are too long for them, inodes. */
  objects: KernelObjects[]
  negative: boolean
  /** References on each of these names. */
  holds: number
  /** Looked up again since it was cached: the shrinker spares it once. */
  referenced: boolean
  /** Place among those that can be freed: the lowest goes first. */
  stamp: number
}

/** The names of one prefix in one directory, by number. */
export interface NameFamily {
  readonly key: string
  readonly fs: NameSpace
  readonly prefix: string
  readonly ranges: NameRange[]
}

export interface Dcache {
  readonly families: Map<string, NameFamily>
  /** Numbers the families of look-ups without a prefix. */
  anonymous: number
  stamp: number
  /** Objects that wait for the end of a grace period, by the number of their work item. */
  readonly dying: Map<number, KernelObjects[]>
  nextDying: number
  /** When the latest of these began. */
  dyingSince: number
}

export const createDcache = (): Dcache => ({
  families: new Map(),
  anonymous: 0,
  stamp: 0,
  dying: new Map(),
  nextDying: 0,
  dyingSince: -1,
})

export function insert(ranges: NameRange[], range: NameRange): void {
  const index = ranges.findIndex(each => each.first > range.first)
  ranges.splice(index === -1 ? ranges.length : index, 0, range)
}

/** Cuts the range around the number `at` in two; the part below it, if there is one. */
export function cut(ranges: NameRange[], at: number): NameRange | undefined {
  const index = ranges.findIndex(each => each.first < at && each.first + each.count > at)
  const range = ranges[index]
  if (range === undefined) return undefined
  const count = at - range.first
  const head: NameRange = { ...range, count, objects: range.objects.map(each => splitObjects(each, count)) }
  range.first = at
  range.count -= count
  ranges.splice(index, 0, head)
  return head
}

/**
 * Frees every name that nobody holds, looked up again or not; how many objects went. The names of tmpfs are its files:
 * they stay. Kernel: prune_dcache_sb.
 */
export function dropNames(e: Engine, cpu: Cpu): number {
  let dropped = 0
  for (const [key, family] of e.dcache.families) {
    if (family.fs === 'tmpfs') continue
    const kept = family.ranges.filter(range => range.holds > 0)
    for (const range of family.ranges) {
      if (range.holds > 0) continue
      for (const objects of range.objects) {
        dropped += objects.count
        freeKernelObjects(e, objects, objects.count, cpu)
      }
    }
    family.ranges.splice(0, family.ranges.length, ...kept)
    if (kept.length === 0) e.dcache.families.delete(key)
  }
  return dropped
}

/** Names that can be freed, by the memcg on whose list they are: the oldest first. */
export type NameIndex = Map<MemCgroup, NameRange[]>

export function indexNames(e: Engine): NameIndex {
  const index: NameIndex = new Map()
  for (const { fs, ranges } of e.dcache.families.values()) {
    if (fs === 'tmpfs') continue
    for (const range of ranges) {
      if (range.holds > 0) continue
      const owner = listOwner(e, range)
      const list = index.get(owner)
      if (list === undefined) index.set(owner, [range])
      else list.push(range)
    }
  }
  for (const list of index.values()) list.sort((one, other) => one.stamp - other.stamp)
  return index
}

/** Whoever pays for them, or the nearest above that is not removed; the root where nobody pays. */
function listOwner(e: Engine, { objects }: NameRange): MemCgroup {
  let payer: MemCgroup | null = null
  for (const { slab, objcg } of objects[0]!.runs) payer ??= objcg?.memcg ?? cacheOfSlab(e.slab, slab).owner
  let owner = payer ?? e.root
  while (!owner.online && owner.parent !== null) owner = owner.parent
  return owner
}

/** Objects of one name, as the shrinker counts them: its dentry, and its inode if it has one. */
const weightOf = ({ negative }: NameRange): number => (negative ? 1 : 2)

const nodeOf = ({ objects }: NameRange): NodeNumber => objects[0]!.node

export const countFreeable = (list: readonly NameRange[], node: NodeNumber): number =>
  list.reduce((sum, range) => (nodeOf(range) === node ? sum + range.count * weightOf(range) : sum), 0)

/**
 * Looks at `objects` objects of a list, oldest first, and frees those names that were not looked up again. What was
 * looked up again is spared once and goes to the end.
 */
export function scanNames(e: Engine, list: NameRange[], node: NodeNumber, objects: number): void {
  for (let left = objects, turns = list.length * 2; left > 0 && turns > 0; turns--) {
    const range = list.find(each => nodeOf(each) === node)
    if (range === undefined) break
    list.splice(list.indexOf(range), 1)
    const names = Math.min(range.count, Math.ceil(left / weightOf(range)))
    left -= names * weightOf(range)
    const looked = cut(range.family.ranges, range.first + names) ?? range
    if (looked !== range) list.unshift(range)
    if (looked.referenced) {
      looked.referenced = false
      looked.stamp = e.dcache.stamp++
      list.push(looked)
    } else forgetRange(e, looked)
  }
}

function forgetRange(e: Engine, range: NameRange): void {
  const { family } = range
  family.ranges.splice(family.ranges.indexOf(range), 1)
  if (family.ranges.length === 0) e.dcache.families.delete(family.key)
  freeLater(e, range.objects)
}

/** Deferred: the end of a grace period for objects of names. */
export const NAMES_FREE: WorkKind = 'names-free'

/** Frees objects when nobody can be reading them any more. */
export function freeLater(e: Engine, objects: readonly KernelObjects[]): void {
  const { dcache, clock } = e
  if (dcache.dyingSince !== clock.now) {
    dcache.dyingSince = clock.now
    dcache.dying.set(++dcache.nextDying, [])
    schedule(clock, milliseconds(e.options.rcuMs), NAMES_FREE, dcache.nextDying)
  }
  dcache.dying.get(dcache.nextDying)!.push(...objects)
}

/** Nobody reads them any more. */
export function freeDyingNames(e: Engine, number: number): void {
  for (const each of e.dcache.dying.get(number) ?? []) freeKernelObjects(e, each, each.count, 0)
  e.dcache.dying.delete(number)
}
