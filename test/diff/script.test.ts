// The script of `memcgfs diff`: what a line may be, and what is said of one that is none.
import t from 'tap'
import { type Operation, parseScript } from '../../src/diff/script.ts'

const only = (line: string): Operation => parseScript(line)[0]!.operation

t.test('lines are operations on files or lines of the workload language', async t => {
  t.same(only('mkdir /a'), { kind: 'mkdir', path: '/a' })
  t.same(only('  rmdir /a/b  '), { kind: 'rmdir', path: '/a/b' })
  t.same(only('write /a/memory.max 64M'), { kind: 'write', path: '/a/memory.max', text: '64M' })
  t.same(only('write /cgroup.subtree_control +memory -pids'), {
    kind: 'write',
    path: '/cgroup.subtree_control',
    text: '+memory -pids',
  })
  t.same(only('write /a/memory.max'), { kind: 'write', path: '/a/memory.max', text: '' })
  t.same(only('write /.memcgfs/config "a=1\\nb=2"'), { kind: 'write', path: '/.memcgfs/config', text: 'a=1\nb=2' })
  t.same(only('read /a/memory.stat'), { kind: 'read', path: '/a/memory.stat' })
  t.same(only('at /a anon t1 heap 4M'), { kind: 'do', path: '/a', line: 'anon t1 heap 4M' })
  t.same(only('tick 2s'), { kind: 'do', path: '/', line: 'tick 2s' })
  t.same(only('compare after the kill'), { kind: 'compare', name: 'after the kill' })
})

t.test('read and write of a task are verbs', async t => {
  t.same(only('read t1 f 0 4K'), { kind: 'do', path: '/', line: 'read t1 f 0 4K' })
  t.same(only('write t1 f 0 4K'), { kind: 'do', path: '/', line: 'write t1 f 0 4K' })
})

t.test('steps know their lines; comments and empty lines are none', async t => {
  t.same(
    parseScript('# a\n\nmkdir /a\n  # b\ntick 1s\n').map(({ number, text }) => [number, text]),
    [
      [3, 'mkdir /a'],
      [5, 'tick 1s'],
    ],
  )
})

t.test('what is wrong is said with its line, before anything runs', async t => {
  const wrong: readonly (readonly [string, string])[] = [
    ['mkdir a', 'line 1: mkdir takes a path from the root of the mount, as /a/b, not "a"'],
    ['mkdir /a /b', 'line 1: mkdir takes one directory, not also "/b"'],
    ['\nrmdir', 'line 2: rmdir takes a path from the root of the mount, as /a/b, not ""'],
    ['read /a /b', 'line 1: read takes one file, not also "/b"'],
    ['annon t1 heap 4K', 'line 1: "annon" is no operation and no verb; did you mean "anon"?'],
    ['mkdirr /a', 'line 1: "mkdirr" is no operation and no verb; did you mean "mkdir"?'],
    ['at /a', 'line 1: a line of the workload language is wanted after the directory'],
    ['write /a/x "b', 'line 1: a quote " is not closed'],
  ]
  for (const [script, message] of wrong) t.throws(() => parseScript(script), { name: 'ScriptError', message })
})
