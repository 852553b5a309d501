/**
 * Keys of the laboratory: what no kernel has, or has only one way of. Proposals of the threads, to be compared with what
 * was merged (profiles.md §4.3, charge-reclaim.md §13.2). How a row is read stands in kinds.ts.
 */
import { type AnyFeature, flag, integer, subset, word } from './kinds.ts'

const POLICIES = ['none', 'evict', 'parent', 'mapper', 'deferred', 'deferred-in-place'] as const

/*          4.2   4.3   4.4   4.19  5.2   5.3   5.5   5.8   5.9   5.15  6.1   6.12  6.18  7.1 */
export const LABORATORY = {
  maxWatermark: flag({
    cells: 'no    .     .     .     .     .     .     .     .     .     .     .     .     .',
    about:
      'After every charge that leaves less than a gap below memory.max, the cgroup is reclaimed until the gap is back.',
    source: 'proposed by V. Davydov, September 2015: thread "mm/slab: skip memcg reclaim only if in atomic context"',
    test: 'WE-10b',
  }),
  zombieFileUnmapped: word({
    cells: 'none  .     .     .     .     .     .     .     .     .     .     .     .     parent',
    words: POLICIES,
    about:
      'Page cache nobody maps, when its cgroup is removed: kept by the zombie, dropped, or handed to somebody else.',
    source: 'RFC on recharging memory of offline memcgs, July 2023; mm/memcontrol.c (7.1.5)',
    test: 'WE-39',
  }),
  zombieFileMapped: word({
    cells: 'none  .     .     .     .     .     .     .     .     .     .     .     .     parent',
    words: POLICIES,
    about: 'Page cache somebody maps, when its cgroup is removed.',
    source: 'RFC on recharging memory of offline memcgs, July 2023; mm/memcontrol.c (7.1.5)',
    test: 'WE-39',
  }),
  zombieSwapbackedUnmapped: word({
    cells: 'none  .     .     .     .     .     .     .     .     .     .     .     .     parent',
    words: POLICIES,
    about: 'Shared memory nobody maps, when its cgroup is removed.',
    source: 'RFC on recharging memory of offline memcgs, July 2023; mm/memcontrol.c (7.1.5)',
    test: 'WE-39',
  }),
  zombieSwapbackedMapped: word({
    cells: 'none  .     .     .     .     .     .     .     .     .     .     .     .     parent',
    words: POLICIES,
    about: 'Anonymous and shared memory somebody maps, when its cgroup is removed.',
    source: 'RFC on recharging memory of offline memcgs, July 2023; mm/memcontrol.c (7.1.5)',
    test: 'WE-39',
  }),
  zombiePinned: word({
    cells: 'none  .     .     .     .     .     .     .     .     .     .     .     .     parent',
    words: POLICIES,
    about: 'Pinned pages and DMA buffers, when their cgroup is removed.',
    source: 'RFC on recharging memory of offline memcgs, July 2023; mm/memcontrol.c (7.1.5)',
    test: 'WE-39',
  }),
  zombieSwap: word({
    cells: 'pin   .     .     .     .     .     .     .     .     .     .     .     .     .',
    words: ['pin', 'reparent', 'swapin'],
    about: 'Swap entries of a removed cgroup keep it alive, move to the parent, or are read back in.',
    source: 'mm/memcontrol.c mem_cgroup_swapout; "memcg, swap: reparent the swap entry", February 2026',
    test: 'WE-39',
  }),
  zombieOverLimit: word({
    cells: 'skip  .     .     .     .     .     .     .     .     .     .     .     .     .',
    words: ['skip', 'reclaim', 'oom', 'force'],
    about:
      'When who is to take over a charge has no room for it: left where it is, room is made, somebody is killed, or over the limit.',
    source: 'RFC on recharging memory of offline memcgs, July 2023: the target is never killed for it',
    test: 'WE-42',
  }),
  zombieMapper: word({
    cells: 'first .     .     .     .     .     .     .     .     .     .     .     .     .',
    words: ['first', 'largest', 'any-online'],
    about: 'Which of several mappers takes over a mapped page.',
    source: 'left open by the RFC on recharging memory of offline memcgs, July 2023',
    test: 'which of several mappers takes over',
  }),
  zombieDeferredTrigger: subset({
    cells: 'fault,read,write . .  .     .     .     .     .     .     .     .     .     .     .',
    words: ['fault', 'read', 'write'],
    about: 'Which accesses hand a deferred page to who accesses it.',
    source: 'RFC on recharging memory of offline memcgs, July 2023: on access or dirtying',
    test: 'which accesses hand over what is deferred',
  }),
  zombieAsyncMs: integer({
    cells: '0     .     .     .     .     .     .     .     .     .     .     .     .     .',
    about: 'Milliseconds between a removal and the worker that hands its pages over.',
    source: 'RFC on recharging memory of offline memcgs, July 2023: asynchronous at offline',
    test: 'a worker takes up what a removed cgroup left, after a delay',
  }),
} as const satisfies Record<string, AnyFeature>
