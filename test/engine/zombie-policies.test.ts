// What becomes of the memory of removed cgroups: the worked examples of charge-reclaim.md §16.
import t from 'tap'
import { type Settings, ZombieScene } from '../../src/experiments/zombie-scene.ts'
import type { KernelId } from '../../src/profiles/features.ts'

/** The five kinds of memory with one policy each, in the words of `--with`. */
const policies = (file: string, mapped: string, shared = file, shown = mapped, pinned = 'parent'): Settings => ({
  zombie_file_unmapped: file,
  zombie_file_mapped: mapped,
  zombie_swapbacked_unmapped: shared,
  zombie_swapbacked_mapped: shown,
  zombie_pinned: pinned,
})

const EVICT = policies('evict', 'evict', 'evict', 'evict', 'none')
const MAPPER = policies('parent', 'mapper')
const DEFERRED = policies('parent', 'deferred', 'deferred')

type Row = readonly [
  name: string,
  kernel: KernelId,
  settings: Settings,
  act: (scene: ZombieScene) => ZombieScene,
  // Pages: P itself, B, C, charged to A, P.current, P.swap; what keeps A.
  expected: readonly [number, number, number, number, number, number, 'folios slots' | 'slots' | ''],
  metrics: Partial<ZombieScene['numbers']['metrics']>,
]

const same = (scene: ZombieScene): ZombieScene => scene

const ROWS: readonly Row[] = [
  ['none', '6.12', {}, same, [128, 1000, 500, 8960, 10588, 768, 'folios slots'], { misattributed_pages: 2816 }],
  [
    'evict',
    '6.12',
    EVICT,
    same,
    [128, 1000, 500, 256, 1884, 2304, 'folios slots'],
    { misattributed_pages: 256, swapped_out: 1536 },
  ],
  [
    'evict, then B touches its file, C its shmem',
    '6.12',
    EVICT,
    scene => scene.touchB(2048).touchC(),
    [640, 3048, 500, 256, 4444, 1792, 'folios slots'],
    { refault_major: 2560, misattributed_pages: 256 + 512 },
  ],
  ['parent, swap pin', '7.1', {}, same, [9088, 1000, 500, 0, 10588, 768, 'slots'], { misattributed_pages: 2816 }],
  ['parent, swap reparent', '7.1', { zombie_swap: 'reparent' }, same, [9088, 1000, 500, 0, 10588, 768, ''], {}],
  ['parent, swap swapin', '7.1', { zombie_swap: 'swapin' }, same, [9856, 1000, 500, 0, 11356, 0, ''], {}],
  [
    'mapper, rest parent',
    '6.12',
    MAPPER,
    same,
    [6528, 3048, 1012, 0, 10588, 768, 'slots'],
    { misattributed_pages: 256, recharged_pages: 2560, recharge_failed: 0 },
  ],
  [
    'deferred, at once',
    '6.12',
    DEFERRED,
    same,
    [9088, 1000, 500, 0, 10588, 768, 'slots'],
    { deferred_pending: 3584, recharge_minor: 0 },
  ],
  [
    'deferred, B touches 1500 of its pages',
    '6.12',
    DEFERRED,
    scene => scene.touchB(1500),
    [7588, 2500, 500, 0, 10588, 768, 'slots'],
    { deferred_pending: 2084, recharge_minor: 1500 },
  ],
  [
    'seed004-direct',
    '6.12',
    { zombie: 'seed004-direct' },
    same,
    [1408, 3048, 1012, 0, 5468, 768, 'slots'],
    { misattributed_pages: 256 },
  ],
  [
    'seed004-direct, C reads the unmapped shmem',
    '6.12',
    { zombie: 'seed004-direct' },
    scene => scene.readC(),
    [384, 3048, 2036, 0, 5468, 768, 'slots'],
    {},
  ],
]

for (const [name, kernel, settings, act, expected, metrics] of ROWS)
  t.test(`WE-39 ${name}`, t => {
    const scene = act(new ZombieScene(kernel, settings).remove())
    const { p, b, c, zombie, current, swap, folios, slots, metrics: found } = scene.numbers
    const kept = [folios > 0 ? 'folios' : '', slots > 0 ? 'slots' : ''].filter(Boolean).join(' ')
    t.same([p, b, c, zombie, current, swap, kept], expected)
    t.match(found, metrics)
    t.equal(found.zombies_alive, kept === '' ? 0 : 1)
    t.equal(found.refault_major, metrics.refault_major ?? 0)
    t.end()
  })

t.test('WE-39 mapper, B.max 2500, skip', t => {
  const { p, b, c, current, metrics } = new ZombieScene('6.12', MAPPER, 2500).remove().numbers
  t.same([p, b, c, current], [7076, 2500, 1012, 10588])
  t.equal(metrics.recharge_failed, 548)
  t.end()
})
