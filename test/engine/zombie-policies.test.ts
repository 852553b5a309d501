// What becomes of the memory of removed cgroups: the worked examples of charge-reclaim.md §16.
import t from 'tap'
import { usage } from '../../src/engine/counter.ts'
import { createFile, unlinkFile } from '../../src/engine/file.ts'
import { GFP_KERNEL } from '../../src/engine/gfp.ts'
import { agingOf, COST, FILE, noteCost } from '../../src/engine/lruvec.ts'
import { exitMm } from '../../src/engine/mm.ts'
import { offlineMemcg } from '../../src/engine/offline.ts'
import { accessFile } from '../../src/engine/pagecache.ts'
import { reclaim } from '../../src/engine/reclaim.ts'
import { flushStats, readLocalStat, STAT, trueStat } from '../../src/engine/vmstat.ts'
import { measureZombies } from '../../src/engine/zombiemetrics.ts'
import { Lab } from '../../src/experiments/lab.ts'
import { type Settings, ZombieScene } from '../../src/experiments/zombie-scene.ts'
import { DEFERRED, EVICT, MAPPER, play, SCENES } from '../../src/experiments/zombie-scenes.ts'
import type { KernelId } from '../../src/profiles/features.ts'
import { milliseconds, seconds } from '../../src/units.ts'
import { bareMm, engineOf, memcgBelow } from './helpers.ts'

// The numbers of WE-39 stand in the table of scenes, which the experiment zombie-policies prints.
for (const each of SCENES)
  t.test(`WE-39 ${each.name}`, t => {
    const { metrics, folios, slots, ...found } = play(each).numbers
    t.same(found, each.expected)
    t.equal([folios > 0 ? 'folios' : '', slots > 0 ? 'slots' : ''].filter(Boolean).join(' '), each.kept)
    t.equal(metrics.zombies_alive, each.kept === '' ? 0 : 1)
    t.match(metrics, each.metrics ?? {})
    t.end()
  })

/** A was removed. */
function removed(kernel: KernelId, settings: Settings, limit?: number): ZombieScene {
  const scene = new ZombieScene(kernel, settings, limit)
  scene.remove()
  return scene
}

t.test('WE-40: what is deferred and never accessed is taxed for ever', t => {
  const scene = removed('6.12', { zombie: 'seed004-deferred' })
  scene.lab.advance(seconds(3600))
  const { p, metrics } = scene.numbers
  t.equal(metrics.deferred_pending, 2048 + 512 + 1024)
  t.equal(p, 1024 + 256 + 128 + 2048 + 512)
  t.match(metrics, { misattributed_pages: 2816, zombies_alive: 1 })
  t.match(scene.lab.read('/.memcgfs/zombie_stat'), /^deferred_longest_ns 36\d{11}$/m, 'an hour')
  t.end()
})

t.test('WE-41: a leak is a zombie, or pages that are stuck at the root', t => {
  for (const [kernel, expected] of [
    ['6.12', { zombies_alive: 100, zombie_pages: 6400, root_stuck_pages: 0 }],
    ['7.1', { zombies_alive: 0, zombie_pages: 0, root_stuck_pages: 6400 }],
  ] as const) {
    const lab = new Lab({ kernel, cpus: 1 })
    for (let round = 0; round < 100; round++) {
      lab.mkdir('/g')
      lab.do('/g', 'task t bare', 'leak t 64p', 'exit t')
      lab.rmdir('/g')
      lab.settle()
    }
    t.match(measureZombies(lab.engine).values, expected, kernel)
  }
  t.end()
})

t.test('WE-42: with over_limit=oom a task dies that allocated nothing', t => {
  const scene = new ZombieScene('6.12', { ...MAPPER, zombie_over_limit: 'oom' }, 2500)
  const events = (key: string): number => scene.lab.readKey('/P/B/memory.events', key)
  const before = events('oom')
  scene.remove()
  t.equal(events('oom'), before + 1)
  t.equal(events('oom_kill'), 1)
  const { b, metrics } = scene.numbers
  t.equal(metrics.recharge_oom, 1)
  t.equal(scene.lab.read('/P/B/cgroup.procs'), '')
  // 1500 pages had moved, and the one they were killed for; nobody maps the rest any more, which stays with P.
  t.equal(b, 1501)
  t.end()
})

t.test('reclaim and force make the room that a recharge needs', t => {
  const reclaimed = new ZombieScene('6.12', { ...MAPPER, zombie_over_limit: 'reclaim' }, 2500)
  reclaimed.lab.do('/P/B', 'file own 1000p', 'read b own 0 1000p', 'drain-stocks')
  // B has 1000 pages nobody can take and 1000 of cache: 500 pages fit, 1548 do not, and 1000 can be reclaimed for them.
  reclaimed.remove()
  const { b, metrics } = reclaimed.numbers
  t.equal(b, 2500)
  t.match(metrics, { recharged_pages: 1500 + 512, recharge_failed: 548 })
  const forced = removed('6.12', { ...MAPPER, zombie_over_limit: 'force' }, 2500).numbers
  t.equal(forced.b, 3048)
  t.equal(forced.metrics.recharge_failed, 0)
  t.end()
})

t.test('WE-43: a service maps a page of each of 1000 short-lived cgroups', t => {
  const churn = (settings: Settings): Lab => {
    const lab = new Lab({ kernel: '6.12', cpus: 1, with: { percpu_charge: 'none', ...settings } })
    lab.mkdir('/P')
    lab.write('/P/cgroup.subtree_control', '+memory')
    lab.mkdir('/P/S')
    lab.do('/P/S', 'task s bare')
    for (let round = 0; round < 1000; round++) {
      lab.mkdir('/P/c')
      lab.do('/P/c', 'task t bare', `file f${round} 1p`, `read t f${round} 0 1p`)
      lab.do('/P/S', `map s f${round} m${round}`, `touch s m${round}`)
      lab.do('/P/c', 'exit t')
      lab.rmdir('/P/c')
      lab.settle()
    }
    return lab
  }
  const charged = (lab: Lab, path: string): number => {
    lab.do('', 'drain-stocks')
    return usage(lab.engine.counters, lab.memcg(path).memory)
  }
  for (const [name, settings, zombies, service, parent] of [
    ['none', {}, 1000, 0, 1000],
    ['parent', { zombie: 'reparent' }, 0, 0, 1000],
    ['mapper', MAPPER, 0, 1000, 1000],
    ['evict', EVICT, 0, 0, 0],
  ] as const) {
    const lab = churn(settings)
    const { values } = measureZombies(lab.engine)
    t.equal(values.zombies_alive, zombies, name)
    t.equal(charged(lab, '/P/S'), service, `${name}: S`)
    t.equal(charged(lab, '/P'), parent, `${name}: P`)
    t.equal(values.parent_tax_pages, name === 'parent' ? 1000 : 0, `${name}: tax`)
    if (name !== 'evict') continue
    for (let round = 0; round < 1000; round++) lab.do('/P/S', `touch s m${round}`)
    t.equal(measureZombies(lab.engine).values.refault_major, 1000, 'every page is read again')
    t.equal(charged(lab, '/P/S'), 1000)
  }
  t.end()
})

t.test('which of several mappers takes over', t => {
  const owner = (choice: string): [number, number] => {
    const scene = new ZombieScene('6.12', { ...MAPPER, zombie_mapper: choice })
    // B mapped the file first; C has it mapped as well, and more memory in all.
    scene.lab.do('/P/C', 'anon c more 9000p', 'map c mapped n', 'touch c n')
    scene.remove()
    const { b, c } = scene.numbers
    return [b - 1000, c - 500 - 9000 - 512]
  }
  t.same(owner('first'), [2048, 0])
  t.same(owner('any-online'), [2048, 0])
  t.same(owner('largest'), [0, 2048])
  t.end()
})

t.test('which accesses hand over what is deferred', t => {
  const moved = (trigger: string, act: (scene: ZombieScene) => void): number => {
    const scene = removed('6.12', { ...DEFERRED, zombie_deferred_trigger: trigger })
    act(scene)
    return scene.numbers.metrics.recharged_pages
  }
  const touch = (scene: ZombieScene): void => scene.touchB(10)
  const read = (scene: ZombieScene): void => scene.readC()
  const write = (scene: ZombieScene): void => scene.lab.do('/P/C', 'write c shared 0 7p')
  t.same(
    [touch, read, write].map(act => moved('fault', act)),
    [10, 0, 0],
  )
  t.same(
    [touch, read, write].map(act => moved('read', act)),
    [0, 1024, 0],
  )
  t.same(
    [touch, read, write].map(act => moved('fault,write', act)),
    [10, 0, 7],
  )
  t.end()
})

t.test('a worker takes up what a removed cgroup left, after a delay', t => {
  const { lab } = new ZombieScene('6.12', { ...MAPPER, zombie_async_ms: '500' })
  lab.rmdir('/P/A')
  lab.advance(milliseconds(400))
  t.equal(measureZombies(lab.engine).values.zombie_pages, 8960)
  lab.advance(milliseconds(200))
  t.match(measureZombies(lab.engine).values, { zombie_pages: 0, recharged_pages: 2560 })
  t.end()
})

t.test('rfc-2023: mapped pages move, the others stay with the zombie until somebody uses them', t => {
  const scene = removed('6.12', { zombie: 'rfc-2023' })
  const { b, c, zombie, metrics } = scene.numbers
  t.same([b, c, zombie], [3048, 1012, 8960 - 2048 - 512])
  t.equal(metrics.deferred_pending, 4096 + 1024 + 1024 + 256)
  scene.readC()
  t.match(scene.numbers, { c: 2036, zombie: 6400 - 1024 })
  t.end()
})

t.test('what is handed over is counted where it is paid', t => {
  for (const kernel of ['4.2', '4.19', '5.2', '5.5', '6.1', '6.12'] as const) {
    const scene = removed(kernel, MAPPER)
    const stat = (path: string, name: 'file' | 'shmem' | 'file_mapped'): number =>
      trueStat(scene.lab.engine, scene.lab.memcg(path), STAT[name])
    t.equal(stat('/P/B', 'file'), 2048, kernel)
    t.equal(stat('/P/B', 'file_mapped'), 2048, kernel)
    t.equal(stat('/P/C', 'shmem'), 512, kernel)
    t.equal(stat('/P', 'file'), 4096 + 1024 + 2048 + 1024 + 512, kernel)
  }
  t.end()
})

t.test('a second removal hands on what the first had left, up to the root', t => {
  const scene = removed('7.1', {})
  scene.lab.do('/P/B', 'exit b')
  scene.lab.do('/P/C', 'exit c')
  scene.lab.rmdir('/P/B')
  scene.lab.rmdir('/P/C')
  scene.lab.rmdir('/P')
  scene.lab.settle()
  const { values } = measureZombies(scene.lab.engine)
  // All of A's pages but the slots: nobody maps them any more. A is kept by the slots, and keeps P.
  t.match(values, { zombies_alive: 2, parent_tax_pages: 8960, root_stuck_pages: 8960, zombie_pages: 0 })
  t.end()
})

t.test('the series has a line for each second in which something changed', t => {
  const scene = removed('6.12', DEFERRED)
  const { lab } = scene
  lab.advance(seconds(100))
  scene.touchB(10)
  lab.advance(seconds(100))
  const [names = '', ...lines] = lab.read('/.memcgfs/zombie_series').trimEnd().split('\n')
  const column = names.split(' ').indexOf('deferred_pending')
  t.same(lines.map(line => Number(line.split(' ')[column])).slice(-2), [3584, 3574])
  t.ok(lines.length <= 4, 'hours in which nothing happens cost nothing')
  t.end()
})

// On 5.5 to 6.8 a round visits everybody (recorded on 6.1): there it would be all 1000.
t.test('WE-44: zombies are what reclaim spends its visits on', t => {
  for (const [kernel, visits] of [
    ['5.3', 32],
    ['6.12', 32],
    ['6.18', 32],
    ['7.1', 0],
  ] as const) {
    const lab = new Lab({ kernel, cpus: 1, with: { percpu_charge: 'none', swap: '0' } })
    lab.mkdir('/P')
    lab.write('/P/cgroup.subtree_control', '+memory')
    for (let round = 0; round < 1000; round++) {
      lab.mkdir('/P/c')
      lab.do('/P/c', 'task t bare', `file f${round} 1p`, `read t f${round} 0 1p`, 'exit t')
      lab.rmdir('/P/c')
      lab.settle()
    }
    const P = lab.memcg('/P')
    const pages = usage(lab.engine.counters, P.memory)
    // One page of a removed cgroup is scanned at the first priority, 32 of the parent's 1000 at priority 5: 1000 >> 5 = 31.
    const freed = reclaim(lab.engine, P, 32, 0)
    t.equal(measureZombies(lab.engine).values.reclaim_visits_zombie, visits, kernel)
    t.ok(freed >= 32, `${kernel}: as much as was asked for`)
    t.equal(usage(lab.engine.counters, P.memory), pages - freed)
  }
  t.end()
})

t.test("on version 1 the parent's own lines take over what the child's had counted (7.1)", t => {
  const e = engineOf('7.1', {}, {}, 'v1')
  const parent = memcgBelow(e)
  const child = memcgBelow(e, parent)
  const file = createFile(e, 'ext4', 'f', 100, true)
  const mm = bareMm(e, child)
  accessFile(e, file, 0, 100, { mm, cpu: 0, node: 0, gfp: GFP_KERNEL })
  exitMm(e, mm, 0)
  t.equal(readLocalStat(e, parent, STAT.file), 0)
  offlineMemcg(e, child, 0)
  flushStats(e, e.root)
  t.equal(readLocalStat(e, parent, STAT.file), 100)
  t.equal(readLocalStat(e, child, STAT.file), 0)
  unlinkFile(e, file, 0)
  flushStats(e, e.root)
  t.equal(readLocalStat(e, parent, STAT.file), 0)
  t.end()
})

t.test('with the lists goes what reclaim of them has cost (7.1)', t => {
  const e = engineOf('7.1')
  const parent = memcgBelow(e)
  const child = memcgBelow(e, parent)
  const mm = bareMm(e, child)
  accessFile(e, createFile(e, 'ext4', 'f', 100, true), 0, 100, { mm, cpu: 0, node: 0, gfp: GFP_KERNEL })
  exitMm(e, mm, 0)
  noteCost(e, child, 0, FILE, 70)
  offlineMemcg(e, child, 0)
  // The cost is counted here and above, and added to the parent once more.
  t.equal(agingOf(e, parent, 0, COST + FILE), 140)
  t.end()
})
