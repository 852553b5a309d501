/** Extended attributes: their limits. Example 29 of cgroup-core.md §10. */
import t from 'tap'
import { E2BIG, ENOSPC } from '../../src/errno.ts'
import { machine } from './machine.ts'

t.test('example 29: 128 user attributes fit on one node', async t => {
  const { root } = machine()
  root.mkdir('/a', 0o755)
  for (let i = 0; i < 128; i++) t.equal(root.setxattr('/a', `user.${i}`, ''), 0)
  t.equal(root.setxattr('/a', 'user.128', ''), ENOSPC)
  t.equal(root.setxattr('/a', 'user.0', ''), ENOSPC, 'replacing counts the new one first')
  t.equal(root.setxattr('/a', 'trusted.more', ''), 0)
})

t.test('example 29: 128 KiB of user values fit on one node', async t => {
  const { root } = machine()
  const value = 'v'.repeat(65536)
  for (const path of ['/', '/cgroup.procs']) {
    t.equal(root.setxattr(path, 'user.a', value), 0)
    t.equal(root.setxattr(path, 'user.b', value), 0)
    t.equal(root.setxattr(path, 'user.c', '1'), ENOSPC)
    t.equal(root.setxattr(path, 'trusted.c', '1'), 0)
    t.equal(root.setxattr(path, 'trusted.d', `${value}v`), E2BIG)
  }
})
