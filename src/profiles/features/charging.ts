/** Charging and memory.high (profiles.md §3.1). How a row is read stands in kinds.ts. */
import { type AnyFeature, flag, integer, word } from './kinds.ts'

/*                                   4.2 4.3 4.4 4.19 5.2 5.3 5.5 5.8 5.9 5.15 6.1 6.12 6.18 7.1 */
export const CHARGING = {
  batchPages: integer(
    'Pages charged at once to fill the per-CPU stock; also the unit of the statistics gates.',
    '32 . . . . . . . . . 64 . . .',
    { source: 'mm/memcontrol.c CHARGE_BATCH (4.2), include/linux/memcontrol.h MEMCG_CHARGE_BATCH', test: 'WE-01' },
  ),
  stockSlots: integer('Memcgs one CPU keeps pre-charged pages for.', '1 . . . . . . . . . . . 7 .', {
    source: 'mm/memcontrol.c struct memcg_stock_pcp',
    test: 'a second memcg on the CPU drains the first',
  }),
  stockOverfull: word(
    ['keep', 'drain-slot', 'bypass'],
    'What happens when a refill exceeds the batch: kept, the whole slot drained, or a big refill never stocked.',
    'keep . . drain-slot . . . . . . . . bypass .',
    { source: 'mm/memcontrol.c refill_stock', test: 'a refill above the batch empties the slot' },
  ),
  stockPin: word(['per-page', 'per-slot'], '', 'per-page . . . . . . . per-slot . . . . .', {
    source: 'SK 2.1, 9.3',
    test: '',
  }),
  stockDrainOnLimitWrite: flag('', 'no . yes . . . . . . . . . . .', { source: 'CR 5.3; D2', test: '' }),
  stockDrainOnOffline: flag('rmdir drains the stocks of the removed memcg.', 'no . . yes? yes . . . . . . . . .', {
    source: 'mm/memcontrol.c mem_cgroup_css_offline',
    test: 'E4',
  }),
  reclaimRetries: integer(
    'Empty rounds a charge, a limit write or memory.reclaim tries before it gives up.',
    '5 . . . . . . . 16 . . . . .',
    {
      source: 'mm/memcontrol.c MAX_RECLAIM_RETRIES',
      test: 'WE-05',
    },
  ),
  chargeOrder: word(['zero', 'log2'], '', 'zero log2 . . . . . . . . . . . .', { source: 'CR 3.2', test: '' }),
  memswOverMargin: word(['ignore', 'zero'], '', 'ignore zero? . . . . . . . . . . . .', {
    source: 'CR 3.2; H2',
    test: '',
  }),
  atomicCharge: word(
    ['fail', 'force', 'force+event'],
    'A GFP_ATOMIC charge over the limit: refused, let through, or let through with a `max` event.',
    'fail . . . . . force . . . force+event . . .',
    { source: 'mm/memcontrol.c try_charge', test: 'WE-04' },
  ),
  dyingCharge: word(['bypass', 'force', 'normal'], '', 'bypass . force . . . . . . normal . . . .', {
    source: 'CR 1, 3.2',
    test: '',
  }),
  reclaimerCharge: word(['normal', 'force'], '', 'normal . . force . . . . . . . . . .', {
    source: 'CR 1 notes; D3',
    test: '',
  }),
  nofailCharge: word(
    ['bypass-before-oom', 'force-before-oom', 'oom-first'],
    '',
    'bypass-before-oom . force-before-oom . . . . . . oom-first . . . .',
    { source: 'CR 3.2; D4', test: '' },
  ),
  mayfailCharge: word(['ignored', 'one-kill', 'no-kill'], '', 'ignored . . one-kill no-kill . . . . . . . . .', {
    source: 'CR 3.3',
    test: '',
  }),
  pageChargeMoment: word(['before-page', 'after-page'], '', 'before-page . after-page . . . . . . . . . . .', {
    source: 'CR 3.4, 4.1',
    test: '',
  }),
  highMode: word(['inline', 'return-to-user'], '', 'inline . return-to-user . . . . . . . . . . .', {
    source: 'CR 3.5, SK 6',
    test: '',
  }),
  highIrqWork: flag('', 'no . . yes . . . . . . . . . .', { source: 'CR 3.5; D5', test: '' }),
  highDelay: flag('', 'no . . . . . yes . . . . . . .', { source: 'CR 3.5', test: '' }),
  highRetry: flag('', 'no . . . . . . . yes . . . . .', { source: 'CR 3.5', test: '' }),
  highSyncLarge: flag(
    'A task far over memory.high reclaims inside the charge already.',
    'no . . . . . . . . . yes . . .',
    {
      source: 'mm/memcontrol.c try_charge_memcg',
      test: 'WE-12',
    },
  ),
  swapHigh: flag('', 'no . . . . . . yes . . . . . .', { source: 'CR 3.5, 5.4', test: '' }),
  useHierarchy: word(['settable', 'always'], '', 'settable . . . . . . . . always . . . .', {
    source: 'CR 5.5, SK 2',
    test: '',
  }),
} as const satisfies Record<string, AnyFeature>
