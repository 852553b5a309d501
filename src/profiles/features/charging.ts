/** Charging and memory.high (profiles.md §3.1). How a row is read stands in kinds.ts. */
import { type AnyFeature, flag, integer, word } from './kinds.ts'

/*          4.2   4.3   4.4   4.19  5.2   5.3   5.5   5.8   5.9   5.15  6.1   6.12  6.18  7.1 */
export const CHARGING = {
  batchPages: integer({
    cells: '32    .     .     .     .     .     .     .     .     .     64    .     .     .',
    about: 'Pages charged at once to fill the per-CPU stock; also the unit of the statistics gates.',
    source: 'mm/memcontrol.c CHARGE_BATCH (4.2), include/linux/memcontrol.h MEMCG_CHARGE_BATCH (6.1)',
    test: 'E2',
  }),
  stockSlots: integer({
    cells: '1     .     .     .     .     .     .     .     .     .     .     .     7     .',
    about: 'Memcgs one CPU keeps pre-charged pages for.',
    source: 'mm/memcontrol.c struct memcg_stock_pcp (4.2, 6.18)',
    test: 'a second memcg on the CPU drains the first',
  }),
  stockOverfull: word({
    cells: 'keep  .     .     drain-slot . .    .     .     .     .     .     .     bypass .',
    words: ['keep', 'drain-slot', 'bypass'],
    about: 'What happens when a refill exceeds the batch: kept, the whole slot drained, or a big refill never stocked.',
    source: 'mm/memcontrol.c refill_stock (4.3, 4.19, 6.18)',
    test: 'a refill above the batch empties the slot',
  }),
  stockPin: word({
    cells: 'per-page .  .     .     .     .     .     .     per-slot .  .     .     .     .',
    words: ['per-page', 'per-slot'],
    about: 'References that stocked pages hold on their memcg: one per page, or one per occupied slot of a CPU.',
    source: 'mm/memcontrol.c refill_stock, drain_stock (5.3, 5.9)',
    test: 'E4',
  }),
  stockDrainOnLimitWrite: flag({
    cells: 'no    .     yes   .     .     .     .     .     .     .     .     .     .     .',
    about: 'Writing memory.max below the usage drains the stocks first.',
    source: 'mm/memcontrol.c memory_max_write (4.3, 4.4.155)',
    test: 'writing memory.max below the usage gives stocked pages back first, from 4.4 on',
  }),
  stockDrainOnOffline: flag({
    cells: 'no    .     .     yes?  yes   .     .     .     .     .     .     .     .     .',
    about: 'rmdir drains the stocks of the removed memcg.',
    source: 'mm/memcontrol.c mem_cgroup_css_offline (4.3, 5.2)',
    test: 'E4',
  }),
  reclaimRetries: integer({
    cells: '5     .     .     .     .     .     .     .     16    .     .     .     .     .',
    about: 'Empty rounds a charge, a limit write or memory.reclaim tries before it gives up.',
    source: 'mm/memcontrol.c MEM_CGROUP_RECLAIM_RETRIES (4.2), MAX_RECLAIM_RETRIES (5.9)',
    test: 'WE-05',
  }),
  chargeOrder: word({
    cells: 'zero  log2  .     .     .     .     .     .     .     .     .     .     .     .',
    words: ['zero', 'log2'],
    about: 'Order the OOM killer is told for a charge of n pages: always 0, or the logarithm of n.',
    source: 'mm/memcontrol.c try_charge (4.2, 4.3)',
    test: 'charge_order: 4.2 tells the killer of every charge that it is a single page',
  }),
  memswOverMargin: word({
    cells: 'ignore zero? .    .     .     .     .     .     .     .     .     .     .     .',
    words: ['ignore', 'zero'],
    about:
      'Room left when memory and swap together are over their limit (v1): that limit is ignored, or there is none.',
    source: 'mm/memcontrol.c mem_cgroup_margin (4.2, 4.4.155)',
    test: 'memsw_over_margin: memory and swap over their limit leave the room of memory, or none',
  }),
  atomicCharge: word({
    cells: 'fail  .     .     .     .     .     force .     .     .     force+event . .   .',
    words: ['fail', 'force', 'force+event'],
    about: 'A GFP_ATOMIC charge over the limit: refused, let through, or let through with a `max` event.',
    source: 'mm/memcontrol.c try_charge (5.3, 5.4), try_charge_memcg (6.1)',
    test: 'WE-04',
  }),
  dyingCharge: word({
    cells: 'bypass .    force .     .     .     .     .     .     normal .    .     .     .',
    words: ['bypass', 'force', 'normal'],
    about:
      'Charge over the limit by a task that is being killed: to the root instead, over the limit, or as by any other.',
    source: 'mm/memcontrol.c try_charge (4.3, 4.4.155, 5.15)',
    test: 'WE-07',
  }),
  reclaimerCharge: word({
    cells: 'normal .    .     force .     .     .     .     .     .     .     .     .     .',
    words: ['normal', 'force'],
    about: 'Charge made from inside reclaim: as any other, or over the limit.',
    source: 'mm/memcontrol.c try_charge, PF_MEMALLOC (4.3, 4.19)',
    test: 'a charge from inside reclaim passes the limit, from 4.19 on',
  }),
  nofailCharge: word({
    cells: 'bypass-before-oom . force-before-oom . . . . .  .     oom-first . .     .     .',
    words: ['bypass-before-oom', 'force-before-oom', 'oom-first'],
    about:
      'When a __GFP_NOFAIL charge gives up on the limit: to the root before an OOM kill, over it before one, or after one.',
    source: 'mm/memcontrol.c try_charge (4.3, 5.9, 5.15)',
    test: 'a charge that may not fail passes the limit when the retries are used up, from 5.15 on after the OOM killer',
  }),
  mayfailCharge: word({
    cells: 'ignored .   .     one-kill no-kill . .    .     .     .     .     .     .     .',
    words: ['ignored', 'one-kill', 'no-kill'],
    about: 'What __GFP_RETRY_MAYFAIL means to a charge: nothing, at most one OOM kill, or none.',
    source: 'mm/memcontrol.c try_charge (4.3, 4.19, 5.2)',
    test: 'a charge that may fail is worth one kill on 4.19, and none later',
  }),
  pageChargeMoment: word({
    cells: 'before-page . after-page . .  .     .     .     .     .     .     .     .     .',
    words: ['before-page', 'after-page'],
    about: 'Kernel pages are charged before they are taken from the page allocator, or after.',
    source: 'mm/memcontrol.c __memcg_kmem_newpage_charge (4.3), __memcg_kmem_charge (4.4.155)',
    unseen: 'the pages of the machine never run out here, so nobody can tell which came first',
  }),
  highMode: word({
    cells: 'inline .    return-to-user . . .    .     .     .     .     .     .     .     .',
    words: ['inline', 'return-to-user'],
    about: 'Where memory.high makes a task reclaim: inside a charge that may wait, or on its return to user space.',
    source: 'mm/memcontrol.c try_charge (4.3); commit b23afb93d317 (4.4)',
    test: 'E20',
  }),
  highIrqWork: flag({
    cells: 'no    .     .     yes   .     .     .     .     .     .     .     .     .     .',
    about: 'A charge over memory.high in interrupt context queues a work item that reclaims.',
    source: 'mm/memcontrol.c high_work_func (4.4.155, 4.19)',
    test: 'in interrupt context memory.high makes work for later, from 4.19 on',
  }),
  highDelay: flag({
    cells: 'no    .     .     .     .     .     yes   .     .     .     .     .     .     .',
    about: 'A task that stays over memory.high sleeps on its return to user space.',
    source: 'mm/memcontrol.c calculate_high_delay (5.4)',
    test: 'above memory.high: no sleep up to 5.3, one round from 5.5, retries from 5.9',
  }),
  highRetry: flag({
    cells: 'no    .     .     .     .     .     .     .     yes   .     .     .     .     .',
    about: 'Over memory.high the task reclaims again while that frees anything, before it sleeps.',
    source: 'mm/memcontrol.c mem_cgroup_handle_over_high (5.8, 5.9)',
    test: 'above memory.high: no sleep up to 5.3, one round from 5.5, retries from 5.9',
  }),
  highSyncLarge: flag({
    cells: 'no    .     .     .     .     .     .     .     .     .     yes   .     .     .',
    about: 'A task far over memory.high reclaims inside the charge already.',
    source: 'mm/memcontrol.c try_charge_memcg (5.15, 6.1)',
    test: 'WE-12',
  }),
  swapHigh: flag({
    cells: 'no    .     .     .     .     .     .     yes   .     .     .     .     .     .',
    about: 'There is memory.swap.high, and being over it slows down as memory.high does.',
    source: 'mm/memcontrol.c swap_high_write (5.8)',
    test: 'above memory.swap.high a task sleeps as above memory.high, and memory.swap.events counts it',
  }),
  useHierarchy: word({
    cells: 'settable .  .     .     .     .     .     .     .     always .    .     .     .',
    words: ['settable', 'always'],
    about: 'On v1 a cgroup can be kept out of the accounts of its parent (memory.use_hierarchy=0), or not.',
    source: 'mm/memcontrol.c mem_cgroup_hierarchy_write (5.9, 5.15)',
    test: 'use_hierarchy: a parent that keeps its children out is not charged for them',
  }),
} as const satisfies Record<string, AnyFeature>
