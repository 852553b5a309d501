/**
 * Settings that contradict each other (profiles.md §4.4). Everything else may be combined, also what no kernel ever was:
 * to switch one thing alone is what settings are for.
 */
import type { FeatureKey, Features, KernelId } from './features.ts'
import { snakeCase } from './names.ts'
import { featuresOf } from './profiles.ts'

/** What somebody wants to mount. */
export interface Wish {
  readonly id: KernelId
  readonly features: Features
  /** Features that were given by themselves, not by a preset. */
  readonly singly: ReadonlySet<FeatureKey>
  readonly allocator: 'slub' | 'slab'
}

/** What is wrong with a wish in one respect; undefined if nothing is. */
type Rule = (wish: Wish, own: Features) => string | undefined

const ZOMBIE_PAGES = [
  'zombieFileUnmapped',
  'zombieFileMapped',
  'zombieSwapbackedUnmapped',
  'zombieSwapbackedMapped',
  'zombiePinned',
] as const

/** What removed pages of one kind cannot be given by itself, and why. */
const IMPOSSIBLE: readonly (readonly [(typeof ZOMBIE_PAGES)[number], string, string])[] = [
  ['zombiePinned', 'evict', 'pinned pages cannot be evicted'],
  ['zombieFileUnmapped', 'mapper', 'nobody maps them'],
  ['zombieSwapbackedUnmapped', 'mapper', 'nobody maps them'],
  ...ZOMBIE_PAGES.map(key => [key, 'deferred-in-place', 'that is a part of zombie=rfc-2023'] as const),
]

const RULES: readonly Rule[] = [
  ({ allocator }, own) =>
    allocator === 'slab' && own.slabController === 'objcg'
      ? 'allocator=slab is there up to 5.8, while caches belong to cgroups'
      : undefined,
  ({ features }, own) =>
    features.slabController === 'page' && own.slabController === 'objcg'
      ? 'slab_controller=page is there up to 5.8'
      : undefined,
  ({ id, features }, own) =>
    features.slabController === 'objcg' && own.slabController === 'page' && id !== '5.5' && id !== '5.8'
      ? 'slab_controller=objcg is there from 5.5 on'
      : undefined,
  ({ features, singly }) => {
    const found = IMPOSSIBLE.find(([key, value]) => singly.has(key) && features[key] === value)
    return found === undefined ? undefined : `${snakeCase(found[0])}=${found[1]}: ${found[2]}`
  },
  ({ features }) => {
    const other = ZOMBIE_PAGES.find(key => features[key] !== 'parent')
    return features.lruReparent && other !== undefined
      ? `lru_reparent=yes moves every page to the parent, which contradicts ${snakeCase(other)}=${features[other]}; zombie=reparent sets them alike`
      : undefined
  },
  ({ id, features }, own) =>
    features.vmstat !== own.vmstat
      ? `vmstat=${features.vmstat} decides what a counter is; on ${id} it stays ${own.vmstat}`
      : undefined,
  ({ features }) =>
    features.slabFlushAtOffline !== 'none' && features.vmstat !== 'batched-tree'
      ? `slab_flush_at_offline=${features.slabFlushAtOffline} needs vmstat=batched-tree, which 5.2 to 5.9 have`
      : undefined,
]

/** Why this cannot be mounted, in one sentence; undefined if it can. */
export function refusal(wish: Wish): string | undefined {
  const own = featuresOf(wish.id)
  for (const rule of RULES) {
    const why = rule(wish, own)
    if (why !== undefined) return why
  }
  return undefined
}
