/** The guides name what the tables of the model have, and nothing else. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { fillGuide, GUIDE } from '../scripts/kernels-guide.ts'
import { verbs } from '../src/workload/verbs.ts'

const guide = readFileSync(new URL('../docs/workload.md', import.meta.url), 'latin1')
const rows = guide.split('\n').filter(line => line.startsWith('| `'))

t.test('docs/workload.md shows the usage of every verb that is modelled', t => {
  const shown = new Set(rows.map(row => /^\| `([^`]*)` \|/.exec(row)?.[1]?.replaceAll('\\|', '|')))
  for (const { usage, run } of verbs.values())
    if (run !== undefined) t.ok(shown.has(Buffer.from(usage.text).toString('latin1')), usage.text)
  t.end()
})

t.test('docs/workload.md says of the others which step brings them', t => {
  const later = [...verbs.values()].filter(({ run }) => run === undefined)
  for (const step of new Set(later.map(({ arrives }) => arrives))) {
    const words = later.filter(({ arrives }) => arrives === step).map(({ usage }) => `\`${usage.verb}\``)
    t.ok(guide.includes(`| ${words.join(' ')} | ${step} |`), `step ${step}: ${words.join(' ')}`)
  }
  t.end()
})

t.test('the generated parts of docs/kernels.md are what the tables say; scripts/docs writes them anew', t => {
  const text = readFileSync(GUIDE, 'utf8')
  t.equal(text, fillGuide(text))
  t.end()
})
