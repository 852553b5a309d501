/**
 * The model answers what the recorded kernels answered, row by row. What does not agree is in exceptions.ts, with its
 * reason, or it is a failure.
 */
import t from 'tap'
import { EXCEPTIONS } from './exceptions.ts'
import { InProcess } from './in-process.ts'
import { RECORDINGS, recordingOf } from './recording.ts'
import { type Fields, loadRows } from './row.ts'
import { belongs, describeFailure, replayAll, summary } from './runner.ts'
import { memoryRows, sampleForMount, selectedRows } from './selection.ts'

const rows = selectedRows('6.12-v2')

/** Of the rows that were recorded, so many have to agree without any exception. */
const SHARE = 0.97

for (const recording of RECORDINGS)
  t.test(`${recording.rows}, in process`, async t => {
    const report = replayAll(selectedRows(recording.rows), new InProcess(recording))
    t.comment(summary(report))
    t.ok(report.agreeing >= SHARE * report.total, summary(report))
    for (const failure of report.failures) t.fail(describeFailure(failure))
    t.same(report.stale, [], 'every exception still applies')
  })

/** Of the rows in which programs use memory, so many: what they do to the machine besides is not all modelled. */
const MEMORY_SHARE = 0.87

for (const recording of RECORDINGS.filter(({ hierarchy }) => hierarchy === 'v2'))
  t.test(`${recording.rows}, programs that use memory, in process`, async t => {
    const report = replayAll(memoryRows(recording.rows), new InProcess(recording))
    t.comment(summary(report))
    t.ok(report.agreeing >= MEMORY_SHARE * report.total, summary(report))
    for (const failure of report.failures) t.fail(describeFailure(failure))
    t.same(report.stale, [], 'every exception still applies')
  })

t.test('every exception is about rows there are, and says why', async t => {
  const all = RECORDINGS.flatMap(({ rows }) => [...selectedRows(rows), ...memoryRows(rows)])
  for (const { rows: pattern, reason } of EXCEPTIONS) {
    t.ok(
      all.some(({ id }) => belongs(pattern, String(id))),
      `${pattern}`,
    )
    t.match(reason, /^[A-Z].*\.$/s, reason)
  }
})

t.test('the selection', async t => {
  const ids = rows.map(({ id }) => String(id))
  for (const id of [
    'layout/root/.',
    'layout/root/memory.stat',
    'layout/only-pids/pids.max',
    'writes-fresh/memory.max/1',
    'writes-root/cgroup.pressure/0',
    'writes/fileops-uid1000/memory.max',
    'writes/seq/cgroup.pressure',
    'core/rename/all',
  ])
    t.ok(ids.includes(id), `${id} is replayed`)
  for (const id of [
    'layout/root/cpu.stat',
    'layout/threaded/cgroup.type',
    'writes/fileops/io.max',
    'writes/seq/cpu.max.burst',
    'core/mount/options',
    'core/procs/basic',
  ])
    t.notOk(ids.includes(id), `${id} comes later`)
  const ranks = rows.filter(({ dir, order }) => dir === 'only-pids' && order !== undefined).map(({ order }) => order)
  t.same(ranks, [...ranks.keys()], 'ranks are counted among the files there are')
  const sample = sampleForMount(rows)
  t.ok(sample.length > rows.length / 5 && sample.length < rows.length / 2, 'a mount gets a sample')
})

t.test('6.1-v1, programs that use memory, in process', async t => {
  const report = replayAll(memoryRows('6.1-v1'), new InProcess(recordingOf('6.1-v1')))
  t.comment(summary(report))
  t.ok(report.agreeing >= 0.95 * report.total, summary(report))
  for (const failure of report.failures) t.fail(describeFailure(failure))
  t.same(report.stale, [], 'every exception still applies')
})

/** A row that says something else than the kernel did: the runner must notice. */
t.test('a wrong answer does not pass', async t => {
  const recorded = (id: string): Fields => [...rows, ...loadRows('6.12-v2', 'core')].find(row => row.id === id)!
  const failures = (row: Fields, exceptions = EXCEPTIONS): number =>
    replayAll([row], new InProcess(recordingOf('6.12-v2')), exceptions).failures.length
  const max = recorded('writes-fresh/memory.max/1')
  t.equal(failures(max), 0)
  for (const wrong of [
    { ret: 2 },
    { ret: -22 },
    { readback: '4096\n' },
    { before: '0\n' },
    { readback_open: 'ENOENT' },
  ])
    t.equal(failures({ ...max, ...wrong }), 1, JSON.stringify(wrong))
  const entry = recorded('layout/child/memory.max')
  for (const wrong of [{ mode: '0600' }, { nlink: 2 }, { order: 3 }, { content: '0\n' }, { type: 'dir' }])
    t.equal(failures({ ...entry, ...wrong }), 1, JSON.stringify(wrong))
  const inner = recorded('layout/inner/memory.current')
  t.equal(failures({ ...inner, content: '300000\n' }), 0, 'within the tolerance')
  t.equal(failures({ ...inner, content: '900000\n' }), 1, 'beyond it')
  t.equal(failures({ ...inner, content: '0\n' }), 1, 'nothing is not something')
  const steps = recorded('core/rename/all')
  t.equal(failures({ ...steps, steps: [{ op: 'flock', ret: 0 }] }), 1, 'an operation nobody knows')
  t.equal(failures(recorded('core/subtree/value-reset'), []), 1, 'what was agreed to is a difference')
})

t.test('a wrong quantity does not pass', async t => {
  const row = memoryRows('6.1-v2').find(({ id }) => id === 'memory/anon/alloc-free-50M')!
  const failures = (changed: Fields): number =>
    replayAll([changed], new InProcess(recordingOf('6.1-v2'))).failures.length
  /** The row with the readings of a file after the allocation changed. */
  const changed = (file: string, change: (data: string) => string): Fields => ({
    ...row,
    varies: [],
    steps: (row.steps as readonly Fields[]).map((step, i) =>
      i > 11 && i < 18 && String(step.path).endsWith(`/c/${file}`)
        ? { ...step, data: change(String(step.data)) }
        : step,
    ),
  })
  t.equal(failures(row), 0)
  t.equal(failures(changed('memory.current', () => '60000000\n')), 1, 'more than a tenth off')
  t.equal(failures(changed('memory.current', data => `${Math.round(Number(data) * 1.05)}\n`)), 0, 'within a tenth')
  t.equal(failures(changed('memory.stat', data => data.replace(/^anon \d+/m, 'anon 30000000'))), 1)
  t.equal(failures(changed('memory.events', data => data.replace('oom_kill 0', 'oom_kill 1'))), 1)
})

t.test('an exception that no longer applies is a failure', async t => {
  const row = rows.find(({ id }) => id === 'writes-fresh/memory.max/1')!
  const exception = {
    rows: 'writes-fresh/memory.max/1',
    steps: ['write'],
    doors: ['in process'],
    reason: 'None.',
  } as const
  t.same(replayAll([row], new InProcess(recordingOf('6.12-v2')), [exception]).stale, [
    'writes-fresh/memory.max/1 step write',
  ])
})
