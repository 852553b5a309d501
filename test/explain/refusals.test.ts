// Every refusal of a write that was recorded has a reason in words: one row for each file and errno.
import t from 'tap'
import { MANUAL_BOOT_TIME } from '../../src/api/boot.ts'
import { resolveOptions } from '../../src/api/options.ts'
import { System } from '../../src/api/system.ts'
import { NO_WORDS } from '../../src/explain/refusals.ts'
import { MEMORY_HIERARCHY, RECORDINGS } from '../oracle/recording.ts'
import { ALL_CONTROLLERS, type Fields } from '../oracle/row.ts'
import { selectedRows } from '../oracle/selection.ts'

const owner = { uid: 0, gid: 0 }
const ENABLE = ALL_CONTROLLERS.map(name => `+${name}`).join(' ')

const isRefusedWrite = ({ id, file, ret }: Fields): boolean =>
  file !== undefined && Number(ret) < 0 && !String(id).startsWith('writes-root')

for (const { rows: recorded, kernel, hierarchy } of RECORDINGS)
  t.test(recorded, async t => {
    const refused = selectedRows(recorded).filter(isRefusedWrite)
    const kinds = Map.groupBy(refused, ({ file, errno }) => `${file} ${errno}`)
    for (const [kind, [row]] of kinds) {
      const options = resolveOptions({ kernel, hierarchy }, 'manual')
      const system = System.boot(options, { bootTime: MANUAL_BOOT_TIME, owner })
      const shell = system.process(system.spawn({ pid: 100 }))
      system.addPid(100)
      system.table.add(2, { kind: 'bound-kthread' })
      const child = hierarchy === 'v1' ? `${MEMORY_HIERARCHY.replace(/.*\//, '/')}/w` : '/c'
      if (hierarchy === 'v2') shell.writeFile('/cgroup.subtree_control', ENABLE)
      shell.mkdir(child, 0o755)
      const path = `${child}/${row!.file}`
      if (row!.prev !== undefined) shell.writeFile(path, String(row!.prev))
      const data = row!.data === undefined ? 'x'.repeat(5000) : String(row!.data)
      const result = shell.writeFile(path, data)
      const noted = [...system.kernel.tree.refusals.values()].at(-1)
      if (result >= 0) t.comment(`${row!.id} is not refused here`)
      else {
        t.equal(noted?.errno, result, `${kind}: noted, for ${JSON.stringify(data.slice(0, 40))}`)
        t.not(noted?.reason.rule, NO_WORDS, `${kind}: ${noted?.reason.rule}`)
      }
    }
    t.ok(kinds.size > 10, `${kinds.size} kinds of refusals`)
  })
