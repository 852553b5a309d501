// Settings KEY=VALUE: profiles.md §2 and §4.
import t from 'tap'
import { type KernelOptions, OptionError, resolveOptions } from '../../src/api/options.ts'
import { KERNEL_IDS } from '../../src/profiles/features.ts'
import { PRESETS } from '../../src/profiles/presets.ts'
import { featuresOf } from '../../src/profiles/profiles.ts'
import { shellOf } from '../workload/helpers.ts'

const resolve = (options: KernelOptions) => resolveOptions(options, 'manual')

function complaint(options: KernelOptions): string {
  try {
    resolve(options)
    return 'accepted'
  } catch (error) {
    if (error instanceof OptionError) return error.message
    throw error
  }
}

t.test('every kernel of the table can be mounted, also by the release it stands for', t => {
  for (const kernel of KERNEL_IDS) {
    const { root, read } = shellOf({ kernel })
    t.equal(root.mkdir('/a', 0o755), 0, kernel)
    t.match(read('/.memcgfs/kernel'), `kernel ${kernel}\n`)
  }
  t.equal(resolve({ kernel: '5.3.1' }).profile.id, '5.3')
  t.match(
    complaint({ kernel: '5.4' }),
    /^kernel: no profile for 5\.4; nearest: 5\.3 \(.*double flush.*\), 5\.5 \(.*\)$/,
  )
  t.match(complaint({ kernel: '6.12.118' }), /nearest: 6\.12 \(6\.12\.117: /)
  t.match(complaint({ kernel: 'newest' }), /there are 4\.2, 4\.3, /)
  t.end()
})

t.test('one feature is switched alone', t => {
  const { profile } = resolve({ kernel: '5.3', with: { slab_flush_at_offline: 'none' } })
  t.same(profile.features, { ...featuresOf('5.3'), slabFlushAtOffline: 'none' })
  t.same(profile.switched, ['slabFlushAtOffline'])
  t.end()
})

t.test('yes and no have other spellings; numbers and booleans of the API are settings, too', t => {
  for (const value of ['yes', 'on', 'true', '1', true])
    t.equal(resolve({ with: { oom_group: value } }).profile.features.oomGroup, true, String(value))
  t.equal(resolve({ with: { batch_pages: 32 } }).profile.features.batchPages, 32)
  t.same(resolve({ with: { zombie_deferred_trigger: 'write,fault' } }).profile.features.zombieDeferredTrigger, [
    'fault',
    'write',
  ])
  t.end()
})

t.test('a preset sets several features, and single keys hold whatever the order', t => {
  for (const { key, value, on, sets } of PRESETS) {
    const { features } = resolve({ kernel: on[0]!, with: { [key]: value } }).profile
    t.same(features, { ...featuresOf(on[0]!), ...sets }, `${key}=${value}`)
  }
  for (const settings of [
    { slab_charge: 'both', high_mode: 'inline' },
    { high_mode: 'inline', slab_charge: 'both' },
  ]) {
    const { features } = resolve({ kernel: '4.3', with: settings }).profile
    t.equal(features.highMode, 'inline')
    t.equal(features.slabChargeGfp, 'caller')
  }
  t.end()
})

t.test('a setting that cannot be says what would be accepted', t => {
  for (const [settings, why] of [
    [{ batchpages: 32 }, /there is no key "batchpages"; close are batch_pages, \w+, \w+$/],
    [{ batch_pages: 'many' }, /batch_pages: "many" cannot be used; it is a whole number/],
    [{ vmstat_at_free: 'lost' }, /it is one of drop, flush, exact$/],
    [{ oom_group: 'maybe' }, /it is yes or no$/],
    [{ slab_controller: 'none' }, /it is one of page, objcg, objcg-two-sets$/],
    [{ slab_charge: 'never' }, /it is one of none, with-wait, task-work, both, watermark$/],
    [{ memcg_percpu_bytes: '7' }, /such as 1024\+496n$/],
    [{ zombie_deferred_trigger: 'fault,touch' }, /it is any of fault, read, write/],
    [{ lru: 'mglru' }, /it is classic; the lists of generations \(mglru\) are not modelled/],
    [{ page_size: '8K' }, /one of 4K, 64K/],
    [{ cpus: 0 }, /cpus: "0" cannot be used; it is a whole number from 1 to 512/],
    [{ memory: '8 GB' }, /bytes, or a number with K, M, G or T/],
  ] as const)
    t.match(complaint({ with: settings }), why, JSON.stringify(settings))
  t.match(complaint({ cpus: 2, with: { cpus: 3 } }), /^cpus: it is given twice/)
  t.end()
})

t.test('what contradicts itself is refused (profiles.md §4.4)', t => {
  for (const [kernel, settings, why] of [
    ['5.9', { allocator: 'slab' }, /up to 5\.8/],
    [
      '5.9',
      { slab_charge: 'both' },
      /4\.2 to 5\.8, not of 5\.9: since 5\.9 objects are charged with the caller's flags/,
    ],
    ['5.9', { slab_controller: 'page' }, /up to 5\.8/],
    ['5.3', { slab_controller: 'objcg' }, /from 5\.5 on/],
    ['5.9', { slab_controller: 'objcg-two-sets' }, /5\.5 to 5\.8/],
    ['6.12', { zombie_pinned: 'evict' }, /cannot be evicted/],
    ['6.12', { zombie_swapbacked_unmapped: 'mapper' }, /nobody maps them/],
    ['6.12', { zombie_file_mapped: 'deferred-in-place' }, /zombie=rfc-2023/],
    ['6.12', { lru_reparent: 'yes' }, /contradicts zombie_file_unmapped=none; zombie=reparent/],
    ['7.1', { zombie_pinned: 'none' }, /contradicts zombie_pinned=none/],
    ['5.3', { vmstat: 'rstat' }, /on 5\.3 it stays batched-tree/],
    ['6.12', { slab_flush_at_offline: 'both' }, /needs vmstat=batched-tree/],
  ] as const)
    t.match(complaint({ kernel, with: settings }), why, JSON.stringify(settings))
  for (const [kernel, settings] of [
    ['5.8', { allocator: 'slab' }],
    ['5.5', { slab_controller: 'objcg' }],
    ['5.2', { slab_flush_at_offline: 'both' }],
    ['6.12', { zombie: 'reparent' }],
    ['6.12', { zombie: 'rfc-2023' }],
    ['7.1', { zombie: 'none' }],
  ] as const)
    t.equal(complaint({ kernel, with: settings }), 'accepted', JSON.stringify(settings))
  t.end()
})

t.test('the machine and the model are settings, too', t => {
  const { machine, options, swapTotal } = resolve({
    kernel: '4.2',
    memory: '1G',
    with: {
      page_size: '64K',
      nodes: 2,
      hz: 1000,
      allocator: 'slab',
      cache_create_bypass: 'clock',
      cache_objects: 'reference',
    },
  })
  t.match(machine, { pageSize: 65536, nodes: 2, hz: 1000, allocator: 'slab', memory: 2 ** 30, cpus: 4 })
  t.match(options, { cacheCreateBypass: 'clock', cacheObjects: 'reference', rcuMs: 20 })
  t.equal(swapTotal, (2 * 2 ** 30) / 65536)
  t.equal(machine.psi, false, 'pressure is a feature of the generation')
  t.equal(resolve({ kernel: '4.2', with: { psi: 'yes' } }).machine.psi, true)
  t.end()
})

t.test('a kernel built without a controller does not list it', t => {
  const listed = (settings: KernelOptions['with']) => shellOf({ with: settings ?? {} }).read('/cgroup.controllers')
  t.equal(listed({}), 'cpuset cpu io memory hugetlb pids rdma misc\n')
  t.equal(listed({ hugetlb: 'no' }), 'cpuset cpu io memory pids rdma misc\n')
  t.end()
})

t.test('SLAB on several nodes tries the first one without waiting, unless somebody says otherwise', t => {
  const slabFirstTry = (settings: KernelOptions['with']) =>
    resolve({ kernel: '4.2', with: { allocator: 'slab', ...settings } }).profile.features.slabFirstTry
  t.equal(slabFirstTry({}), 'keep-wait')
  t.equal(slabFirstTry({ nodes: 2 }), 'no-wait')
  t.equal(slabFirstTry({ nodes: 2, slab_first_try: 'keep-wait' }), 'keep-wait')
  t.end()
})
