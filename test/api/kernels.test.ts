// The table of kernels as people and programs read it.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { differences, findFeature, kernelRows, notesOn } from '../../src/api/kernels.ts'
import { resolveOptions } from '../../src/api/options.ts'
import { KERNEL_IDS } from '../../src/profiles/features.ts'
import { FEATURE_KEYS, snakeCase } from '../../src/profiles/names.ts'
import { shellOf } from '../workload/helpers.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const ENV = { ...process.env, NODE_OPTIONS: '' }
const memcgfs = (...args: readonly string[]) =>
  spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env: ENV })

t.test('memcgfs kernels --json has every feature of every kernel, with its source and what shows it', t => {
  const { kernels, features, presets } = JSON.parse(memcgfs('kernels', '--json').stdout)
  t.same(
    kernels.map((each: { id: string }) => each.id),
    KERNEL_IDS,
  )
  t.same(
    features.map((each: { key: string }) => each.key),
    FEATURE_KEYS.map(snakeCase),
  )
  for (const { key, about, source, test, step, unseen, modelled, values } of features) {
    t.ok(about && source, key)
    t.equal([test, step, unseen].filter(each => each !== null).length, 1, key)
    t.equal(modelled, test !== null, key)
    t.same(Object.keys(values), KERNEL_IDS)
  }
  t.ok(presets.some((each: { setting: string }) => each.setting === 'slab_controller=objcg-two-sets'))
  t.end()
})

t.test('values that were not read in their tree carry a mark (profiles.md §3, [R])', t => {
  const errno = findFeature('id_errno')!
  t.same(errno.recollected, ['4.19', '5.8'])
  t.same(findFeature('slab_flush_at_offline')!.recollected, [])
  t.end()
})

t.test('the history of a feature begins where it means something', t => {
  // profiles.md §3.3: vmstat_at_free is nothing up to 4.4, drop [R] in 4.19, drop, flush from 5.3, exact from 5.15.
  const { history, values } = findFeature('vmstat_at_free')!
  t.same(history, [
    { from: '4.19', value: 'drop' },
    { from: '5.3', value: 'flush' },
    { from: '5.15', value: 'exact' },
  ])
  t.equal(values['4.4'], null)
  t.end()
})

t.test('what the fix of 5.5 changed stands between 5.3 and 5.5', t => {
  const keys = differences('5.3', '5.5').map(({ key }) => key)
  t.ok(keys.includes('slab_flush_at_offline'))
  t.notOk(keys.includes('slab_reparent'))
  t.same(differences('6.12', '6.12'), [])
  t.end()
})

t.test('memcgfs kernels for people: all, one, two, and one feature', t => {
  const all = memcgfs('kernels').stdout
  for (const { id, release, about } of kernelRows()) t.ok(all.includes(`${id.padEnd(5)} ${release.padEnd(9)} ${about}`))
  t.match(all, /^\* 6\.12 /m)
  t.match(memcgfs('kernels', '5.3').stdout, / {2}slab_flush_at_offline = reclaimable\n/)
  t.match(memcgfs('kernels', '5.3', '5.5').stdout, / {2}slab_flush_at_offline +reclaimable +none\n/)
  const feature = memcgfs('kernels', 'slab_flush_at_offline').stdout
  t.match(feature, /from 5\.3 +reclaimable\n {2}from 5\.5 +none\n/)
  t.match(feature, /takes one of none, reclaimable, both/)
  t.match(memcgfs('kernels', 'slab_flush').stderr, /features with such a name are slab_flush_at_offline, /)
  t.equal(memcgfs('kernels', '5.4').status, 2)
  t.end()
})

t.test('.memcgfs/kernel has every feature and marks what was switched', t => {
  const { read } = shellOf({ kernel: '5.3', with: { slab_flush_at_offline: 'none' } })
  const [kernel, release, hierarchy, clock, ...features] = read('/.memcgfs/kernel').trimEnd().split('\n')
  t.same([kernel, release, hierarchy, clock], ['kernel 5.3', 'release 5.3.1', 'hierarchy v2', 'clock manual'])
  t.same(
    features.map(line => line.split(' ')[0]),
    FEATURE_KEYS.map(snakeCase),
  )
  t.same(
    features.filter(line => line.includes('#')),
    ['slab_flush_at_offline none # --with, 5.3 has reclaimable'],
  )
  t.ok(features.includes('obj_stock -'), 'nothing on 5.3')
  t.end()
})

t.test('.memcgfs/config shows all keys; a feature is fixed, an option is not', t => {
  const { read, write } = shellOf({ kernel: '5.3', with: { cache_create_bypass: 5 } })
  const lines = read('/.memcgfs/config').trimEnd().split('\n')
  for (const line of [
    'batch_pages=32',
    'page_size=4K',
    'memory=8G',
    'allocator=slub',
    'cache_create_bypass=5',
    'rcu_ms=20',
  ])
    t.ok(lines.includes(line), line)
  const keys = lines.map(line => line.split('=')[0])
  t.equal(new Set(keys).size, keys.length, 'each key once')
  t.equal(write('/.memcgfs/config', 'slab_flush_at_offline=none\n'), 'EROFS')
  t.equal(write('/.memcgfs/config', 'cache_objects=reference\n'), 'EROFS')
  t.equal(write('/.memcgfs/config', 'cache_create_bypass=clock\n'), 26)
  t.match(read('/.memcgfs/config'), /^cache_create_bypass=clock$/m)
  t.equal(write('/.memcgfs/config', 'stock_drain_ms=1\n'), 'EOPNOTSUPP')
  t.equal(write('/.memcgfs/config', 'nope=1\n'), 'EINVAL')
  t.end()
})

t.test('who switches what is not modelled yet is told so', t => {
  const { profile } = resolveOptions({ with: { cpu_stat_nice: true, batch_pages: 32 } }, 'manual')
  t.same(notesOn(profile), ['cpu_stat_nice is set, but not modelled yet: step 4 brings it'])
  t.end()
})
