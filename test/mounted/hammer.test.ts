/** A short run of scripts/hammer: many shells on one mount, some killed. */
import t from 'tap'
import { hammer } from '../../scripts/hammer.ts'
import { cannotMount, emptyDirectory } from './toy.ts'

t.test('shells work on one mount at once, and some are killed', { skip: cannotMount, timeout: 90_000 }, async t => {
  const report = await hammer({ dir: emptyDirectory(t), clients: 40, seconds: 6, seed: 1 })
  t.ok(report.operations > 100 && report.killed > 5, `${report.operations} operations, ${report.killed} killed`)
  t.same(report.wrong, [], 'every text is what it must be')
  t.equal(report.hung, 0, 'nobody hangs')
  t.same(report.broken, [], 'the invariants hold')
  t.same(report.left, [], 'nothing is left')
})
