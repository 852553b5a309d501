/** Reclaim, protection, OOM, pressure (profiles.md §3.4). How a row is read stands in kinds.ts. */
import { type AnyFeature, flag, integer, word } from './kinds.ts'

/*                                   4.2 4.3 4.4 4.19 5.2 5.3 5.5 5.8 5.9 5.15 6.1 6.12 6.18 7.1 */
export const RECLAIM = {
  protection: word(['P0', 'P1', 'P1+scan', 'P2', 'P3', 'P4'], '', 'P0 . . P1 . . P1+scan P2 . P3 . P4 . .', {
    source: 'CR 8; D7',
    test: '',
  }),
  recursiveProtOption: flag('', 'no . . . . . . yes . . . . . .', { source: 'CR 5.8, core 2.1', test: '' }),
  scanBalance: word(['rotated', 'cost'], '', 'rotated . . . . . . cost . . . . . .', { source: 'CR 6.4', test: '' }),
  balanceScope: word(['memcg', 'target'], '', 'memcg . . . . . target? target . . . . . .', {
    source: 'CR 1 notes, 6.4',
    test: '',
  }),
  smallListScan: word(['second-pass-32', 'offline-32'], '', 'second-pass-32 . . offline-32 . . . . . . . . . .', {
    source: 'CR 6.4',
    test: '',
  }),
  reclaimCursor: word(['per-priority', 'shared'], '', 'per-priority . . . . . shared? shared . . . . . .', {
    source: 'CR 6.3; H6',
    test: '',
  }),
  reclaimSecondChance: word(
    ['low', 'low,deactivate', 'full-walk,deactivate,low'],
    '',
    'low . . low,deactivate? . . . . . . . full-walk,deactivate,low . .',
    { source: 'CR 6.3; H6', test: '' },
  ),
  newAnon: word(['active', 'inactive'], '', 'active . . . . . . . inactive . . . . .', {
    source: 'CR 1, 6.2',
    test: '',
  }),
  workingsetAnon: flag('', 'no . . . . . . . yes . . . . .', { source: 'CR 6.7', test: '' }),
  workingsetChargedTo: word(['owner', 'target'], '', 'owner . . . . . target? target . . . . . .', {
    source: 'CR 6.7',
    test: '',
  }),
  shrinker: word(['S0', 'S1m', 'S1', 'S2'], '', 'S0 . . S1m S1 . . . . S2 . . . .', { source: 'CR 7', test: '' }),
  shrinkerDeferred: word(['shared', 'per-memcg'], '', 'shared . . . . . . . . per-memcg . . . .', {
    source: 'CR 7',
    test: '',
  }),
  slabPagesCountAsReclaimed: word(['yes', 'global-only'], '', 'yes . . . . . . . . . . global-only . .', {
    source: 'CR 7',
    test: '',
  }),
  oomMode: word(['end-of-fault', 'inline'], '', 'end-of-fault . . inline . . . . . . . . . .', {
    source: 'CR 9.1',
    test: '',
  }),
  oomCostly: word(['try', 'skip'], '', 'try . . skip . . . . . . . . . .', { source: 'CR 1', test: '' }),
  oomEvent: word(['before-call', 'only-order-0..3'], '', 'before-call . . . only-order-0..3 . . . . . . . . .', {
    source: 'CR 1',
    test: '',
  }),
  oomNofs: word(['kill', 'decline'], '', 'kill . . decline . . kill . . . . . . .', { source: 'CR 1', test: '' }),
  oomNoVictim: word(['bypass', 'force', 'fail'], '', 'bypass? . force . . . . . . fail . . . .', {
    source: 'CR 3.2; H7',
    test: '',
  }),
  oomRecheckMargin: flag('', 'no . . . . . . . yes . . . . .', { source: 'CR 9.2', test: '' }),
  oomTie: word(['first', 'last'], '', 'first . . . last? last . . . . . . . .', { source: 'CR 9.2; H8', test: '' }),
  oomChildFirst: flag('', 'yes . . . no . . . . . . . . .', { source: 'CR 9.2', test: '' }),
  oomBadness: word(
    ['root-bonus,floor-1', 'floor-1', 'signed'],
    '',
    'root-bonus,floor-1 . . floor-1 . . . . signed . . . . .',
    { source: 'CR 9.2; H8', test: '' },
  ),
  oomGroup: flag('', 'no . . yes . . . . . . . . . .', { source: 'CR 9.2', test: '' }),
  oomGroupCountsVictim: word(['twice'], '', '- . . twice? . . . . . . twice . . .', { source: 'CR 9.2', test: '' }),
  swappinessV1Max: integer('', '100 . . . . . . . . 100? 200 . . .', { source: 'CR 5.5; H9', test: '' }),
  moveCharge: flag('', 'yes . . . . . . . . . . . no .', { source: 'CR 14', test: '' }),
  psi: flag('', 'no . . . yes . . . . . . . . .', { source: 'CR 10', test: '' }),
  psiCpuFull: flag('', '- . . . no . . . . yes . . . .', { source: 'files: cpu.pressure', test: '' }),
  psiMemFull: word(
    ['no-runnable', 'only-reclaimers'],
    '',
    '- . . . no-runnable . . . . . only-reclaimers? only-reclaimers . .',
    { source: 'CR 10.2; H10', test: '' },
  ),
  psiStall: word(
    ['every-memcg-reclaim', 'charge-and-high'],
    '',
    '- . . . every-memcg-reclaim . . . charge-and-high . . . . .',
    { source: 'CR 10.2', test: '' },
  ),
  psiWindowMinUs: integer(
    'Shortest window of a pressure trigger, in microseconds.',
    '- - - - 500000 . . . . . . 1 . .',
    {
      source: 'kernel/sched/psi.c psi_trigger_create',
      test: 'oracle: writes/memory.pressure',
    },
  ),
  psiUnprivileged: word(['file-mode', '2s-multiples'], '', '- . . . file-mode . . . . . 2s-multiples . . .', {
    source: 'CR 10.5 (mainline 6.3, in the recorded 6.1)',
    test: '',
  }),
} as const satisfies Record<string, AnyFeature>
