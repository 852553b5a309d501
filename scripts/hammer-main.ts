/** What scripts/hammer does once everything is set up. */
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { endProgress, showProgress } from '../mount/host/progress.ts'
import { hammer } from './hammer.ts'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
})
const dir = mkdtempSync(join(tmpdir(), 'memcgfs-hammer-'))
const { wrong, hung, broken, left, operations, killed } = await hammer({
  dir,
  clients: Number(values.clients),
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  progress: showProgress,
})
rmdirSync(dir)
endProgress()
for (const line of [...wrong.slice(0, 50), ...broken, ...left]) console.log(line)
console.log(
  `${values.clients} clients, ${values.seconds} s, ${operations} operations of those that lived, ${killed} clients killed: ` +
    `${wrong.length} wrong, ${hung} hung, ${broken.length} invariants broken, ${left.length} left over`,
)
process.exitCode = wrong.length + hung + broken.length + left.length > 0 ? 1 : 0
