// `memcgfs experiment`: the list, the help, the forms of a report, and the exit status.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { UsageError } from '../../src/cli/command.ts'
import { experimentCommand, experimentCommandFor } from '../../src/cli/experiment.ts'
import type { Band, Experiment } from '../../src/experiments/experiment.ts'
import { EXPERIMENTS } from '../../src/experiments/index.ts'
import { LIMITS } from '../../src/experiments/report.ts'

/** An experiment that measures what it is told to. */
const fake = (band: Band | null): Experiment => ({
  name: 'fake',
  summary: 'twice a number',
  thread: 'none',
  about: ['Doubles.'],
  parameters: [
    { name: 'number', about: 'what is doubled', value: 21, least: 0, most: 100 },
    { name: 'share', about: 'of nothing', value: 0.5, least: 0, most: 1, fraction: true },
  ],
  claims: [{ id: 'twice', what: 'twice', unit: '', thread: '42', band }],
  measure: ({ parameters }) => ({
    values: { twice: 2 * parameters.number! },
    figure: { title: 'twice', panels: [{ kind: 'bars', title: 'a & b', y: '<', bars: ['x'], groups: [] }] },
  }),
})

const exactly = (value: number): Band => ({ least: value, most: value })

/** Runs the command and takes what it prints. */
async function run(experiment: Experiment, ...args: string[]): Promise<{ status: number; out: string }> {
  const captured = t.capture(console, 'log')
  const status = await experimentCommandFor([experiment]).run(args)
  const out = captured()
    .map(({ args: [line] }) => String(line))
    .join('\n')
  captured.restore()
  return { status, out }
}

t.test('a band that holds is status 0, one that is missed 1', async t => {
  const held = await run(fake(exactly(42)), 'fake')
  t.equal(held.status, 0)
  t.match(held.out, /twice +42 +42 +42 +ok/)
  t.match(held.out, 'The band holds.')
  const missed = await run(fake(exactly(43)), 'fake')
  t.equal(missed.status, 1)
  t.match(missed.out, /twice +42 +42 +43 +missed/)
  t.match(missed.out, '1 of 1 bands missed.')
})

t.test(
  'numbers that are compared stand in a table of rows and columns, what is missed with what would be accepted',
  async t => {
    const { claims, ...rest } = fake(exactly(42))
    const placed = (row: string, column: string, band: Band) => ({
      ...claims[0]!,
      id: `${row} ${column}`,
      band,
      cell: { table: 'Doubles', row, column },
    })
    const compared: Experiment = {
      ...rest,
      claims: [placed('a', 'x', exactly(1)), placed('a', 'long', exactly(2)), placed('b', 'long', exactly(4))],
      measure: around => ({ ...rest.measure(around), values: { 'a x': 1, 'a long': 2, 'b long': 3 } }),
    }
    const { status, out } = await run(compared, 'fake')
    t.equal(status, 1)
    t.match(out, 'Doubles\n    x             long\na   1                2\nb       3 (accepted 4)\n')
    t.match(out, '1 of 3 bands missed.')
  },
)

t.test('a plain band holds for the default parameters only', async t => {
  const other = await run(fake(exactly(42)), 'fake', '--number', '5')
  t.equal(other.status, 0)
  t.match(other.out, /twice +42 +10 +- +not judged/)
  const same = await run(fake(exactly(43)), 'fake', '--number', '21')
  t.equal(same.status, 1)
  const { claims, ...rest } = fake(null)
  const rule: Experiment = { ...rest, claims: [{ ...claims[0]!, band: ({ number }) => exactly(3 * number!) }] }
  t.equal((await run(rule, 'fake', '--number', '5')).status, 1, 'a rule is judged whatever the numbers')
})

t.test('every report says what no simulation can claim, and its workload', async t => {
  const text = (await run(fake(null), 'fake', '--seed', '7')).out.replaceAll('\n', ' ')
  for (const limit of LIMITS) t.match(text, limit)
  t.match(text, 'Workload: number 21, share 0.5, seed 7')
  const report = JSON.parse((await run(fake(null), 'fake', '--json')).out)
  t.strictSame(report.limits, LIMITS)
  t.strictSame(report.parameters, { number: 21, share: 0.5 })
  t.strictSame(report.rows[0].id, 'twice')
  t.equal(report.missed, 0)
})

t.test('--svg draws', async t => {
  const file = join(t.testdir(), 'a.svg')
  await run(fake(null), 'fake', '--svg', file)
  const svg = readFileSync(file, 'utf8')
  t.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/)
  t.match(svg, 'a &amp; b')
  t.match(svg, 'prefers-color-scheme:dark')
})

t.test('what is asked wrongly is named', async t => {
  await t.rejects(
    run(fake(null), 'nothing'),
    new UsageError('experiment: there is no experiment "nothing"; there are list, fake'),
  )
  await t.rejects(
    run(fake(null), 'fake', '--number', '101'),
    new UsageError('experiment fake: --number "101": a whole number from 0 to 100 is wanted'),
  )
  await t.rejects(run(fake(null), 'fake', '--number', '0.5'), UsageError)
  await t.rejects(run(fake(null), 'fake', '--other', '1'), UsageError)
  await t.rejects(run(fake(null), 'fake', 'more'), new UsageError('experiment fake: "more" is not known here'))
})

t.test('list and help know every experiment and its numbers', async t => {
  const captured = t.capture(console, 'log')
  t.equal(await experimentCommand.run(['list', '--json']), 0)
  const listed = JSON.parse(String(captured()[0]!.args[0])) as { name: string; parameters: unknown[] }[]
  t.strictSame(
    listed.map(({ name }) => name),
    [
      'percpu-flush',
      'reparenting',
      'slab-utilization',
      'sysbench',
      'kernel-build',
      'host-slab',
      'test-kmem',
      'hotplug-deadlock',
      'zombie-policies',
      'lru-reparenting',
      'memory-high',
      'protection',
    ],
  )
  const help = experimentCommand.help as (args: readonly string[]) => string
  t.match(help([]), 'memcgfs experiment list')
  for (const { name, summary, parameters } of EXPERIMENTS) {
    t.match(help([name]), summary)
    for (const parameter of parameters) t.match(help([name]), `--${parameter.name} N`)
  }
})

t.test('docs/experiments.md has a section about each', async t => {
  const guide = readFileSync(new URL('../../docs/experiments.md', import.meta.url), 'utf8')
  for (const { name, parameters } of EXPERIMENTS) {
    t.match(guide, `\n## ${name}\n`)
    for (const parameter of parameters) t.match(guide, `\`--${parameter.name}\``, `${name} --${parameter.name}`)
  }
})
