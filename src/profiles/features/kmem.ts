/** Kernel memory and slab (profiles.md §3.2). How a row is read stands in kinds.ts. */
import { type AnyFeature, flag, formula, integer, word } from './kinds.ts'

/*                                   4.2 4.3 4.4 4.19 5.2 5.3 5.5 5.8 5.9 5.15 6.1 6.12 6.18 7.1 */
export const KMEM = {
  kmemOnV2: flag('', 'no . . yes . . . . . . . . . .', { source: 'CR 1, 3.4; SK 6 (`kmemForcedOn`)', test: '' }),
  kmemOnlineV1: word(['opt-in-limit', 'always'], '', 'opt-in-limit . . always? always . . . . . . . . .', {
    source: 'SK 1.1; H1',
    test: '',
  }),
  kmemAccount: word(['opt-out', 'opt-in'], '', 'opt-out . . opt-in . . . . . . . . . .', {
    source: 'SK 4.1',
    test: '',
  }),
  kmemChargeOrder: word(['kmem-first', 'memory-first'], '', 'kmem-first . . memory-first . . . . . . . . . .', {
    source: 'CR 3.4, SK 4.2',
    test: '',
  }),
  kmemLimit: word(
    ['activate+enforce', 'enforce', 'inert'],
    '',
    'activate+enforce . . enforce . . . . . . inert . . .',
    { source: 'SK 8.1, CR 3.4; H3', test: '' },
  ),
  slabController: word(['page', 'objcg'], '', 'page . . . . . . . objcg . . . . .', { source: 'SK 4, 5', test: '' }),
  cacheCreate: word(['async', 'async-once', 'none'], '', 'async . . . . . . . none . . . . .', {
    source: 'SK 4.1; workload 8.3',
    test: '',
  }),
  cacheShrink: word(
    ['at-offline', 'deferred'],
    'When the empty slabs of a removed cgroup are given back: while it goes offline, or by work one grace period later.',
    'at-offline . . deferred? deferred . . . - . . . . .',
    { source: 'mm/slub.c __kmemcg_cache_deactivate (4.3, 5.2)', test: 'E15' },
  ),
  slabFirstTry: word(
    ['keep-wait', 'no-wait-high-order', 'no-wait'],
    '',
    'keep-wait no-wait-high-order . . . . . . . . . . . .',
    { source: 'SK 6, CR 4.1', test: '' },
  ),
  slabChargeGfp: word(['attempt', 'caller'], '', 'attempt . . . . . . . caller . . . . .', {
    source: 'CR 1, 3.4',
    test: '',
  }),
  slabReparent: word(['no', 'caches', 'objcg'], '', 'no . . . . caches . . objcg . . . . .', {
    source: 'SK 4.3, 5.1',
    test: '',
  }),
  slabPin: word(['per-page', 'no'], '', 'per-page . . . . no . . . . . . . .', { source: 'SK 9.3', test: '' }),
  kpageOwner: word(['memcg', 'objcg'], '', 'memcg . . . . . . . . objcg . . . .', { source: 'SK 5.5', test: '' }),
  lruReparent: flag('', 'no . . . . . . . . . . . . yes', { source: 'CR 13.1, SK 1.1', test: '' }),
  objChargeMoment: word(
    ['before-bulk', 'after-bulk', 'after-each'],
    '',
    '- . . . . . . . before-bulk . . after-bulk after-each .',
    { source: 'SK 5.2', test: '' },
  ),
  objChargeFail: word(['unaccounted', 'fail'], '', '- . . . . . . . unaccounted fail . . . .', {
    source: 'SK 5.2',
    test: '',
  }),
  objStock: word(
    ['drain-over-page', 'trim+vmstat', 'own-struct'],
    '',
    '- . . . . . . . drain-over-page trim+vmstat . . own-struct .',
    { source: 'SK 5.4', test: '' },
  ),
  objUncharge: word(
    ['counter', 'page-stock', 'page-stock,drain-to-counter'],
    '',
    '- . . . . . . . counter page-stock . . page-stock,drain-to-counter .',
    { source: 'SK 5.4, CR 2.2', test: '' },
  ),
  objVector: word(
    ['first-object', 'slab-creation', 'slab-leftover'],
    '',
    '- . . . . . . . first-object slab-creation . . . slab-leftover',
    { source: 'SK 5.3', test: '' },
  ),
  objcgPerNode: flag('', '- . . . . . . . no . . . . yes', { source: 'SK 5.1', test: '' }),
  percpuCharge: word(
    ['none', 'size', 'size+vector'],
    'What an accounted per-CPU allocation is charged: nothing, its size, or also 8 bytes per 4 for the owner vector.',
    'none . . . . . . . size . size+vector . . .',
    { source: 'mm/percpu-internal.h pcpu_obj_full_size', test: 'E22' },
  ),
  memcgPercpuBytes: formula(
    'Per-CPU bytes of one memcg: its own, and for each possible node (n).',
    '- - - - - - - - 2096+592n 2168+624n 1064+688n 1024+496n 1152+512n 1152+512n?',
    { source: 'measured from debug information (slab-kmem.md §5.6)', test: 'E22' },
  ),
  slubOrder: word(
    ['loop', 'fixed'],
    'How SLUB looks for the order with the least waste.',
    'loop . . . . . . . . . . fixed . .',
    {
      source: 'mm/slub.c calculate_order',
      test: 'E5',
    },
  ),
  slubCpus: word(['possible', 'present'], '', 'possible . . . . . . . . present . . . .', {
    source: 'SK 3.1',
    test: '',
  }),
  slubCpuPartial: word(['objects', 'slabs', 'sheaves'], '', 'objects . . . . . . . . . slabs . . sheaves', {
    source: 'SK 3.3',
    test: '',
  }),
  slubPartialBatch: word(['objects/2', 'slabs/2'], '', 'objects/2 . . . . . . . . . slabs/2 . . -', {
    source: 'SK 3.3',
    test: '',
  }),
  kmallocRcl: flag('', 'no . . . yes . . . . . . . . .', { source: 'SK 3.2 (4.20 [R])', test: '' }),
  kmallocCg: flag('', 'no . . . . . . . . yes . . . .', { source: 'SK 3.2', test: '' }),
  dnameInline: integer('', '31 . . . . . . . . . . . 39? .', { source: 'SK 12.5; H4', test: '' }),
  cacheSizes: word(
    ['4.3', '5.2', '5.9', '5.15', '6.1', '6.12', '6.19'],
    '',
    '4.3 . . . 5.2 . . . 5.9 5.15 6.1 6.12 6.19 6.19',
    { source: 'SK 3.2; D6', test: '' },
  ),
  cacheNameId: word(['css-id', 'serial'], '', 'css-id . . serial? serial . . . - . . . . .', {
    source: 'SK 4.1',
    test: '',
  }),
  slabinfoFile: word(
    ['full,header-always', 'full', 'full,header-if-any-cache', 'empty'],
    '',
    'full,header-always . . full? . full,header-if-any-cache . . empty . . . . .',
    { source: 'SK 8.2', test: '' },
  ),
  slabStatUnit: word(['none', 'pages', 'bytes'], '', 'none . . pages . . . . bytes . . . . .', {
    source: 'SK 7, CR 12.1',
    test: '',
  }),
} as const satisfies Record<string, AnyFeature>
