// Hunks of a unified diff.
import t from 'tap'
import { mergeLines, unified } from '../../src/diff/lines.ts'

const shown = (a: string, b: string, context: number): string =>
  unified(mergeLines(a.split(' '), b.split(' ')), context)
    .map(line => (line === null ? '…' : `${line.change}${line.text}`))
    .join('|')

t.test('common lines stay, what is on one side is marked', async t => {
  t.equal(shown('a b c', 'a x c', 1), ' a|-b|+x| c')
  t.equal(shown('a b c', 'a c', 0), '-b')
  t.equal(shown('a c', 'a b c', 0), '+b')
  t.equal(shown('a b', 'a b', 3), '')
})

t.test('lines far from a change are left out', async t => {
  t.equal(shown('a b c d e f g', 'x b c d e f y', 1), '-a|+x| b|…| f|-g|+y')
  t.equal(shown('a b c d', 'a b c x', 1), ' c|-d|+x')
})

t.test('as many lines as possible are common', async t => {
  t.equal(shown('a b c d', 'b c d e', 0), '-a|…|+e')
})
