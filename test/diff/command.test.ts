// `memcgfs diff`: what it finds, its forms, the exit status, and the example of docs/diff.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OptionError } from '../../src/api/options.ts'
import { UsageError } from '../../src/cli/command.ts'
import { diffCommand } from '../../src/cli/diff.ts'

/** Runs the command on a script and takes what it prints. */
async function run(t: Test, script: string, ...args: string[]): Promise<{ status: number; out: string }> {
  const file = join(t.testdir(), 'script')
  writeFileSync(file, script)
  const captured = t.capture(console, 'log')
  const status = await diffCommand.run([...args, file])
  const out = captured()
    .map(({ args: [line] }) => String(line))
    .join('\n')
  captured.restore()
  return { status, out }
}

const sides = (a: string, b: string): string[] => ['--kernel', a, '--kernel', b]

/** What stands in a fenced block of the guide. */
function block(kind: string): string {
  const guide = readFileSync(new URL('../../docs/diff.md', import.meta.url), 'utf8')
  return guide.split(`\`\`\`${kind}\n`)[1]!.split('```')[0]!
}

t.test('the example of the guide', async t => {
  const { status, out } = await run(t, block('script'), ...sides('5.2', '5.3'))
  t.equal(status, 1)
  // How much memory the zombie holds is another page's affair.
  const shape = (text: string): string => text.replaceAll(/(cost=|slab_pages:)[\d:]+/g, '$1')
  t.equal(shape(`${out}\n`), shape(block('output')))
})

t.test('a kernel does what it does itself', async t => {
  const { status, out } = await run(t, block('script'), ...sides('6.12', '6.12'))
  t.equal(status, 0)
  t.equal(out, '6.12 and 6.12 do the same: 8 steps, compared 2 times')
})

t.test('answers: an error on one side', async t => {
  // A write of memory.peak restarts it from 6.12 on; on 6.1 the file is read-only, on 5.15 there is none.
  const script = 'write /cgroup.subtree_control +memory\nmkdir /a\nwrite /a/memory.peak 0'
  const { out } = await run(t, script, ...sides('5.15', '6.12'), '--json')
  const { differences, steps, comparisons } = JSON.parse(out)
  t.same([steps, comparisons], [3, 1])
  t.same(differences[0], {
    kind: 'answer',
    line: 3,
    step: 'write /a/memory.peak 0',
    path: '',
    a: ['ENOENT'],
    b: ['ok'],
  })
  t.ok(differences.some((each: Record<string, unknown>) => each.kind === 'only' && each.name === 'memory.reclaim'))
})

t.test('settings of one side, and of both', async t => {
  // The drift of thread 000: with one fix of 5.3, without it (slab-kmem.md E9).
  const script = [
    'write /cgroup.subtree_control +memory',
    'mkdir /p',
    'write /p/cgroup.subtree_control +memory',
    'mkdir /p/c',
    'at /p/c task t bare cpu=0',
    'at /p/c kmalloc t - 210 cache=dentry cpu=0 tag=d',
    'exit t',
    'rmdir /p/c',
    'settle',
    'read /p/memory.stat',
  ].join('\n')
  const fixed = '5.3 slab_flush_at_offline=none'
  const { status, out } = await run(t, script, ...sides('5.3', fixed), '--with', 'rcu_ms=5', '--cpus', '4')
  t.equal(status, 1)
  t.match(out, `--- 5.3\n+++ ${fixed}\n`)
  t.match(out, /@@ line 10: read \/p\/memory\.stat\n[^@]*- {2}slab_reclaimable \d+\n\+ {2}slab_reclaimable \d+/)
})

t.test('events: files that tell watchers on one kernel alone', async t => {
  // From 5.2 on an event is told by the cgroups above, too (charge-reclaim.md 5.8).
  const script = [
    'write /cgroup.subtree_control +memory',
    'mkdir /p',
    'write /p/cgroup.subtree_control +memory',
    'mkdir /p/c',
    'write /p/c/memory.max 1M',
    'at /p/c task t1 bare',
    'at /p/c anon t1 heap 2M',
  ].join('\n')
  const { out } = await run(t, script, ...sides('4.19', '5.2'), '--swap', '0')
  t.match(out, /files that told watchers of a change:\n(.*\n)*\+ {2}\/p\/memory\.events\n/)
})

t.test('what was found at one comparison is not repeated at the next', async t => {
  const script = 'compare one\ncompare two\nwrite /cgroup.subtree_control +memory\nmkdir /a'
  const { out } = await run(t, script, ...sides('6.1', '6.12'), '--json')
  const { differences } = JSON.parse(out)
  t.ok(differences.some((each: Record<string, unknown>) => each.step === 'compare one'))
  t.notOk(differences.some((each: Record<string, unknown>) => each.step === 'compare two'))
})

t.test('what was asked wrongly', async t => {
  const rejects = (script: string, args: string[], message: RegExp, kind: typeof UsageError | typeof OptionError) =>
    t.rejects(run(t, script, ...args), { constructor: kind, message })
  await rejects('', ['--kernel', '5.2'], /two kernels are wanted.*not 1/, UsageError)
  await rejects('', [...sides('5.2', '5.3'), '--kernel', '5.5'], /not 3/, UsageError)
  await rejects('', sides('5.2', '5.4'), /no profile for 5.4/, OptionError)
  await rejects('', sides('5.2', '5.3 x'), /--with "x": it is KEY=VALUE/, UsageError)
  await rejects('bla', sides('5.2', '5.3'), /script: line 1: "bla" is no operation/, UsageError)
  await t.rejects(diffCommand.run(sides('5.2', '5.3')), /one script is wanted, not 0/)
  await t.rejects(diffCommand.run([...sides('5.2', '5.3'), '/nowhere']), { message: /cannot be read: ENOENT/ })
})
