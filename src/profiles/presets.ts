/**
 * Presets: one setting that stands for several (profiles.md §4.3). A preset has the form of a key with a value; what
 * somebody says with single keys beside it holds, whatever the order.
 */
import { type Features, KERNEL_IDS, type KernelId } from './features.ts'

export interface Preset {
  readonly key: string
  readonly value: string
  /** What it stands for. */
  readonly about: string
  readonly on: readonly KernelId[]
  /** Why it is refused on the others. */
  readonly otherwise: string
  readonly sets: Partial<Features>
}

const upTo = (last: KernelId): readonly KernelId[] => KERNEL_IDS.slice(0, KERNEL_IDS.indexOf(last) + 1)

/** How slab was to be charged over memory.high: the answers of the thread of August 2015 (charge-reclaim.md §4.2). */
const slabCharge = (value: string, about: string, sets: Partial<Features>): Preset => ({
  key: 'slab_charge',
  value,
  about,
  on: upTo('5.8'),
  otherwise: "since 5.9 objects are charged with the caller's flags, and there is nothing to choose",
  sets: { slabChargeGfp: 'attempt', highMode: 'inline', kmemOnV2: true, ...sets },
})

/** What becomes of the pages of a removed cgroup (charge-reclaim.md §13.2). */
const zombie = (value: string, about: string, sets: Partial<Features>): Preset => ({
  key: 'zombie',
  value,
  about,
  on: KERNEL_IDS,
  otherwise: '',
  sets: { zombieSwap: 'pin', lruReparent: false, ...sets },
})

const everyPage = (policy: Features['zombiePinned']): Partial<Features> => ({
  zombieFileUnmapped: policy,
  zombieFileMapped: policy,
  zombieSwapbackedUnmapped: policy,
  zombieSwapbackedMapped: policy,
  zombiePinned: policy,
})

const mappedPages = (policy: Features['zombiePinned']): Partial<Features> => ({
  zombieFileMapped: policy,
  zombieSwapbackedMapped: policy,
})

const toolkit = (mapped: Features['zombiePinned']): Partial<Features> => ({
  ...mappedPages(mapped),
  zombieFileUnmapped: 'evict',
  zombieSwapbackedUnmapped: 'deferred',
  zombiePinned: 'parent',
  zombieOverLimit: 'skip',
})

export const PRESETS: readonly Preset[] = [
  slabCharge('none', 'As 4.3: what may not wait is charged without looking at memory.high.', {}),
  slabCharge('with-wait', "The patches of the thread: charged with the caller's flags.", { slabChargeGfp: 'caller' }),
  slabCharge('task-work', 'As 4.4: reclaim on the return to user space.', { highMode: 'return-to-user' }),
  slabCharge('both', "The caller's flags, and reclaim on the return to user space.", {
    slabChargeGfp: 'caller',
    highMode: 'return-to-user',
  }),
  slabCharge('watermark', 'As none, and a gap is kept free below memory.max.', { maxWatermark: true }),
  {
    key: 'slab_controller',
    value: 'objcg-two-sets',
    about: 'The new slab controller as posted first: one set of caches for the root, one for all cgroups.',
    on: ['5.5', '5.8'],
    otherwise: 'the patches it stands for were made for 5.5',
    sets: {
      slabController: 'objcg',
      cacheCreate: 'async-once',
      slabReparent: 'objcg',
      slabChargeGfp: 'caller',
      slabStatUnit: 'bytes',
      objChargeMoment: 'before-bulk',
      objChargeFail: 'unaccounted',
      objStock: 'drain-over-page',
      objUncharge: 'counter',
      objVector: 'first-object',
      objcgPerNode: false,
    },
  },
  zombie('none', 'As up to 7.0: pages keep the removed cgroup they were charged to.', everyPage('none')),
  zombie('reparent', 'As 7.1: pages go to the parent.', { ...everyPage('parent'), lruReparent: true }),
  zombie('rfc-2023', 'Mapped pages go to who maps them, the others stay until somebody uses them.', {
    ...everyPage('deferred-in-place'),
    ...mappedPages('mapper'),
    zombieOverLimit: 'skip',
  }),
  zombie('seed004-direct', 'Unused page cache is dropped, mapped pages go to who maps them.', toolkit('mapper')),
  zombie('seed004-deferred', 'The same, and mapped pages go to who uses them next.', toolkit('deferred')),
]
