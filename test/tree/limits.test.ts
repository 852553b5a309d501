/** Limits of the tree: cgroup.max.depth and cgroup.max.descendants. Examples 14 and 15 of cgroup-core.md §10. */
import t from 'tap'
import { E2BIG, EINVAL, ERANGE } from '../../src/errno.ts'
import { machine } from './machine.ts'
import { transcript } from './transcript.ts'

transcript(
  'example 14: a limit stops what is made below it, and a taken name is noticed first',
  ['6.12'],
  `
  $ mkdir l
  $ echo 1 > l/cgroup.max.depth
  $ mkdir l/1
  $ mkdir l/1/2
  EAGAIN
  $ echo 0 > l/cgroup.max.depth
  $ mkdir l/3
  EAGAIN
  $ mkdir l/1
  EEXIST
  $ echo max > l/cgroup.max.depth
  $ echo 2 > l/cgroup.max.descendants
  $ mkdir l/1/2
  $ mkdir l/3
  EAGAIN
`,
)

t.test('example 15: what cgroup.max.depth takes', async t => {
  const { root } = machine()
  root.mkdir('/l', 0o755)
  for (const [text, result, left] of [
    ['\n', EINVAL, 'max\n'],
    [' 5', 2, '5\n'],
    ['5\n\n', 3, '5\n'],
    ['0x10', 4, '16\n'],
    ['010', 3, '8\n'],
    ['0b1', EINVAL, '8\n'],
    ['+5', 2, '5\n'],
    ['-0', 2, '0\n'],
    ['-1', ERANGE, '0\n'],
    ['5k', EINVAL, '0\n'],
    ['5\0junk', 6, '5\n'],
    ['5\n6', EINVAL, '5\n'],
    ['max ', 4, 'max\n'],
    ['MAX', EINVAL, 'max\n'],
    ['2147483647', 10, 'max\n'],
    ['2147483648', ERANGE, 'max\n'],
    [`${' '.repeat(4095)}3`, 4096, '3\n'],
    [`${' '.repeat(4096)}3`, E2BIG, '3\n'],
  ] as const) {
    const shown = JSON.stringify(text.replace(/ {9,}/, '…'))
    t.equal(root.writeFile('/l/cgroup.max.depth', text), result, `${shown} answers ${result}`)
    t.equal(root.readFile('/l/cgroup.max.depth'), left, `and leaves ${JSON.stringify(left)}`)
  }
})
