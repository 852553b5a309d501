/**
 * Table test: what real kernels answered to single writes, in order, on one cgroup (interface-write-vectors.json, which
 * says more in `about`). Those of the files there are so far.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { errnoByName } from '../../src/errno.ts'
import type { ByteString } from '../../src/units.ts'
import { machine } from '../tree/machine.ts'
import { isThere } from './recording.ts'

interface Vector {
  readonly version: 'v1' | 'v2'
  readonly file: string
  readonly write: ByteString
  /** The length, or the name of an error. */
  readonly result: number | string
  readonly readBack: ByteString
}

const { rows } = JSON.parse(readFileSync(new URL('./rows/interface-write-vectors.json', import.meta.url), 'utf8')) as {
  rows: readonly Vector[]
}
const vectors = rows.filter(({ version, file }) => version === 'v2' && isThere(file, false))

t.equal(vectors.length, 38)

for (const [file, writes] of Map.groupBy(vectors, each => each.file))
  t.test(file, async t => {
    const { root } = machine()
    root.writeFile('/cgroup.subtree_control', '+memory +pids')
    root.mkdir('/c', 0o755)
    // The first write found what earlier ones had left, and showed it by changing nothing.
    const [first] = writes
    if (first?.result === 0) root.writeFile(`/c/${file}`, first.readBack)
    for (const { write, result, readBack } of writes) {
      const expected = typeof result === 'number' ? result : errnoByName(result)
      t.equal(root.writeFile(`/c/${file}`, write), expected, `writing ${JSON.stringify(write)}: ${result}`)
      t.equal(root.readFile(`/c/${file}`), readBack, `leaves ${JSON.stringify(readBack)}`)
    }
  })
