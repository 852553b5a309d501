// Every interface file says why it has its value: on every kernel, of both versions.
import t from 'tap'
import { MANUAL_BOOT_TIME } from '../../src/api/boot.ts'
import { resolveOptions } from '../../src/api/options.ts'
import { System } from '../../src/api/system.ts'
import { isErrno } from '../../src/errno.ts'
import { EXPLANATIONS, explain } from '../../src/explain/explain.ts'
import { answerText } from '../../src/explain/text.ts'
import { KERNEL_IDS } from '../../src/profiles/features.ts'
import { ownTables } from '../../src/tree/tree.ts'

const owner = { uid: 0, gid: 0 }

for (const hierarchy of ['v2', 'v1'])
  for (const kernel of KERNEL_IDS)
    t.test(`${kernel}, ${hierarchy}`, async t => {
      const settings = hierarchy === 'v1' ? { v1_memory_cpuset_built: 'yes' } : {}
      const options = resolveOptions({ kernel, hierarchy, with: { ...settings, zswap: 'yes' } }, 'manual')
      const { tree, setup } = System.boot(options, { bootTime: MANUAL_BOOT_TIME, owner }).kernel
      const { control } = ownTables(tree)
      const version = hierarchy === 'v1' ? 1 : 2
      for (const [number, { rows }] of tree.tables.entries()) {
        if (number >= control || number % 4 >= 2 !== (version === 1)) continue
        for (const { name } of rows) t.ok(EXPLANATIONS[version][name], `${name} has an explanation`)
      }
      // With what is there on the root, every function of numbers runs.
      const root = hierarchy === 'v1' ? '/memory' : ''
      for (const { rows } of [tree.tables[version === 1 ? 3 : 1]!])
        for (const { name } of rows) {
          const answer = explain(tree, setup.profile, `${root}/${name}`)
          t.notOk(isErrno(answer), name)
          if (!isErrno(answer)) t.match(answerText(answer), `${root}/${name} on Linux ${kernel}`)
        }
    })

t.test('rules are sentences, and no file is explained that no kernel has', async t => {
  for (const table of Object.values(EXPLANATIONS))
    for (const [name, { rule }] of Object.entries(table)) t.match(rule, /^[A-Z0-9a-z].*\.$/s, name)
})
