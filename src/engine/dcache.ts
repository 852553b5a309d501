/**
 * Looking names up and holding them. What is cached, and how it goes, is in names.ts. Kernel: fs/dcache.c.
 */
import type { Engine } from './engine.ts'
import { freeKernelObjects, splitObjects } from './kmem.ts'
import { allocKernelObjects, type KernelActor } from './kmemalloc.ts'
import { cut, type Dcache, insert, NAME_SPACES, type NameFamily, type NameRange, type NameSpace } from './names.ts'
import { kmallocCache } from './slab/caches.ts'
import { findCache } from './slab/slub.ts'

/** Names somebody holds: given back one by one or all at once. */
export interface Hold {
  readonly family: string
  readonly first: number
  readonly count: number
}

/** What is looked up. */
export interface Lookup {
  readonly fs: NameSpace
  readonly count: number
  readonly negative: boolean
  /** Bytes of a name. */
  readonly length: number
  /** Absent: names nobody has used before. */
  readonly prefix: string | undefined
  readonly directory: number
}

/** Header of a name that is allocated by itself, with its closing zero. */
const EXTERNAL_NAME_HEADER = 17

/** Looks `count` names up; the number of names found or made before a charge was refused. */
export function lookupNames(e: Engine, what: Lookup, actor: KernelActor): number {
  const family = familyOf(e.dcache, what)
  let done = 0
  while (done < what.count) {
    const range = family.ranges.find(each => each.first + each.count > done)
    if (range !== undefined && range.first <= done) {
      range.referenced = true
      done = Math.min(what.count, range.first + range.count)
      continue
    }
    const end = Math.min(what.count, range?.first ?? what.count)
    const made = cacheNames(e, family, what, done, end - done, actor)
    if (made.count > 0) {
      // Reclaim may have taken all other names of the family meanwhile.
      e.dcache.families.set(family.key, family)
      insert(family.ranges, made)
    }
    done += made.count
    if (made.count > 0 && made.negative && what.fs !== 'ext4') forget(e, family, made, actor)
    if (done < end) break
  }
  return done
}

function familyOf(dcache: Dcache, what: Lookup): NameFamily {
  const prefix = what.prefix ?? `#${dcache.anonymous++}`
  const key = `${what.fs} ${what.directory} ${what.length} ${prefix}`
  let family = dcache.families.get(key)
  if (family === undefined) {
    family = { key, fs: what.fs, prefix, ranges: [] }
    dcache.families.set(key, family)
  }
  return family
}

function cacheNames(
  e: Engine,
  family: NameFamily,
  what: Lookup,
  first: number,
  count: number,
  actor: KernelActor,
): NameRange {
  const bytes = Math.max(what.length, (what.prefix?.length ?? 0) + String(first + count - 1).length)
  const caches = ['dentry']
  const { features, machine } = e
  if (bytes > features.dnameInline)
    caches.push(kmallocCache(bytes + EXTERNAL_NAME_HEADER, 'kmalloc-rcl', machine, features))
  if (!what.negative) caches.push(NAME_SPACES[what.fs])
  const objects = caches.map(name => allocKernelObjects(e, findCache(e.slab, name)!, count, actor))
  // A name exists when all its objects do; what was allocated beyond the last complete one goes back.
  const complete = Math.min(...objects.map(each => each.count))
  const kept = objects.map(each => splitObjects(each, complete))
  for (const spare of objects) freeKernelObjects(e, spare, spare.count, actor.cpu)
  return {
    family,
    first,
    count: complete,
    objects: kept,
    negative: what.negative,
    holds: 0,
    referenced: false,
    stamp: e.dcache.stamp++,
  }
}

/** Negative names of tmpfs and proc are not kept: nothing stays after the call (recorded). */
function forget(e: Engine, family: NameFamily, range: NameRange, actor: KernelActor): void {
  for (const objects of range.objects) freeKernelObjects(e, objects, objects.count, actor.cpu)
  family.ranges.splice(family.ranges.indexOf(range), 1)
}

/**
 * Takes a reference on each of the `count` lowest-numbered names of a prefix, or undefined if fewer are cached.
 * Without a prefix the names of the latest look-up that had none are meant.
 */
export function holdNames(e: Engine, fs: NameSpace, prefix: string | undefined, count: number): Hold[] | undefined {
  const { dcache } = e
  const wanted = prefix ?? `#${dcache.anonymous - 1}`
  for (const [key, family] of dcache.families) {
    if (family.fs !== fs || family.prefix !== wanted) continue
    const cached = family.ranges.reduce((sum, range) => sum + range.count, 0)
    if (cached < count) continue
    const holds: Hold[] = []
    let left = count
    for (const range of [...family.ranges]) {
      if (left === 0) break
      const taken = Math.min(left, range.count)
      holds.push({ family: key, first: range.first, count: taken })
      left -= taken
    }
    for (const hold of holds) addHolds(dcache, hold, 1)
    return holds
  }
  return undefined
}

export function dropHold(e: Engine, hold: Hold): void {
  addHolds(e.dcache, hold, -1)
}

function addHolds(dcache: Dcache, hold: Hold, change: number): void {
  const { ranges } = dcache.families.get(hold.family)!
  cut(ranges, hold.first)
  cut(ranges, hold.first + hold.count)
  for (const range of ranges)
    if (range.first >= hold.first && range.first < hold.first + hold.count) range.holds += change
}
