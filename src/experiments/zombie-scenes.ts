/** Policies on the scene of WE-39: what is switched, what happens after the removal, and what the specification says. */
import type { Metric } from '../engine/zombiemetrics.ts'
import type { KernelId } from '../profiles/features.ts'
import type { Pages } from '../units.ts'
import { type Settings, ZombieScene } from './zombie-scene.ts'

/** The kinds of memory with one policy each, in the words of `--with`. What nobody maps is as `unmapped` unless said. */
export const policies = (unmapped: string, mapped: string, shared = unmapped, pinned = 'parent'): Settings => ({
  zombie_file_unmapped: unmapped,
  zombie_file_mapped: mapped,
  zombie_swapbacked_unmapped: shared,
  zombie_swapbacked_mapped: mapped,
  zombie_pinned: pinned,
})

export const NONE: Settings = { zombie: 'none' }
export const EVICT = policies('evict', 'evict', 'evict', 'none')
export const PARENT: Settings = { zombie: 'reparent' }
export const MAPPER = policies('parent', 'mapper')
export const DEFERRED = policies('parent', 'deferred', 'deferred')
export const DIRECT: Settings = { zombie: 'seed004-direct' }

/** What is in the table, in pages: charged to P itself, to B, to C and to what is left of A; P as a whole. */
export interface TableRow {
  readonly p: Pages
  readonly b: Pages
  readonly c: Pages
  readonly zombie: Pages
  readonly current: Pages
  readonly swap: Pages
}

export interface Scene {
  readonly id: string
  readonly name: string
  readonly kernel: KernelId
  readonly settings: Settings
  /** memory.max of B. */
  readonly limit?: Pages
  /** What happens after A was removed. */
  readonly act?: (scene: ZombieScene) => void
  readonly expected: TableRow
  /** What keeps A. */
  readonly kept: '' | 'slots' | 'folios slots'
  readonly metrics?: Partial<Record<Metric, number>>
}

const row = (p: Pages, b: Pages, c: Pages, zombie: Pages, current: Pages, swap: Pages): TableRow => ({
  p,
  b,
  c,
  zombie,
  current,
  swap,
})

/** The rows of WE-39 (charge-reclaim.md §16), with the numbers it says besides. */
export const SCENES: readonly Scene[] = [
  {
    id: 'none',
    name: 'none',
    kernel: '6.12',
    settings: NONE,
    expected: row(128, 1000, 500, 8960, 10588, 768),
    kept: 'folios slots',
    metrics: { misattributed_pages: 2816, refault_major: 0 },
  },
  {
    id: 'evict',
    name: 'evict',
    kernel: '6.12',
    settings: EVICT,
    expected: row(128, 1000, 500, 256, 1884, 2304),
    kept: 'folios slots',
    metrics: { misattributed_pages: 256 },
  },
  {
    id: 'evict-touched',
    name: 'evict, then B touches its file, C its shmem',
    kernel: '6.12',
    settings: EVICT,
    act: scene => {
      scene.touchB(2048)
      scene.touchC()
    },
    expected: row(640, 3048, 500, 256, 4444, 1792),
    kept: 'folios slots',
    metrics: { misattributed_pages: 256 + 512, refault_major: 2560 },
  },
  {
    id: 'parent',
    name: 'parent',
    kernel: '7.1',
    settings: {},
    expected: row(9088, 1000, 500, 0, 10588, 768),
    kept: 'slots',
    metrics: { misattributed_pages: 2816 },
  },
  {
    id: 'parent-reparent',
    name: 'parent, swap entries too',
    kernel: '7.1',
    settings: { zombie_swap: 'reparent' },
    expected: row(9088, 1000, 500, 0, 10588, 768),
    kept: '',
  },
  {
    id: 'parent-swapin',
    name: 'parent, swap entries read back',
    kernel: '7.1',
    settings: { zombie_swap: 'swapin' },
    expected: row(9856, 1000, 500, 0, 11356, 0),
    kept: '',
  },
  {
    id: 'mapper',
    name: 'mapper, rest parent',
    kernel: '6.12',
    settings: MAPPER,
    expected: row(6528, 3048, 1012, 0, 10588, 768),
    kept: 'slots',
    metrics: { misattributed_pages: 256, recharge_failed: 0 },
  },
  {
    id: 'mapper-limit',
    name: 'mapper, B.max 2500, skip',
    kernel: '6.12',
    settings: MAPPER,
    limit: 2500,
    expected: row(7076, 2500, 1012, 0, 10588, 768),
    kept: 'slots',
    metrics: { recharge_failed: 548 },
  },
  {
    id: 'deferred',
    name: 'deferred',
    kernel: '6.12',
    settings: DEFERRED,
    expected: row(9088, 1000, 500, 0, 10588, 768),
    kept: 'slots',
    metrics: { deferred_pending: 3584 },
  },
  {
    id: 'deferred-touched',
    name: 'deferred, B touches 1500 of its pages',
    kernel: '6.12',
    settings: DEFERRED,
    act: scene => scene.touchB(1500),
    expected: row(7588, 2500, 500, 0, 10588, 768),
    kept: 'slots',
    metrics: { recharge_minor: 1500 },
  },
  {
    id: 'direct',
    name: 'seed004-direct',
    kernel: '6.12',
    settings: DIRECT,
    expected: row(1408, 3048, 1012, 0, 5468, 768),
    kept: 'slots',
    metrics: { misattributed_pages: 256, evicted_dirty: 1024, evicted_clean: 5120 - 1024 },
  },
  {
    id: 'direct-read',
    name: 'seed004-direct, C reads the unmapped shmem',
    kernel: '6.12',
    settings: DIRECT,
    act: scene => scene.readC(),
    expected: row(384, 3048, 2036, 0, 5468, 768),
    kept: 'slots',
  },
]

/** Plays a scene up to where it is looked at. */
export function play({ kernel, settings, limit, act }: Scene): ZombieScene {
  const scene = new ZombieScene(kernel, settings, limit)
  scene.remove()
  act?.(scene)
  return scene
}
