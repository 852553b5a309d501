// The table of features is the documentation of what differs: every row names a test that is there.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FEATURES, type FeatureKey, KERNEL_IDS } from '../src/profiles/features.ts'
import { featuresOf, findProfile } from '../src/profiles/profiles.ts'

t.test('every feature has a value on every kernel, and a test', t => {
  const tests = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') || file.endsWith('.jsonl'))
    .map(file => readFileSync(join(import.meta.dirname, file), 'utf8'))
  for (const key of Object.keys(FEATURES) as FeatureKey[]) {
    const { values, test, source, about } = FEATURES[key]
    t.equal(values.length, KERNEL_IDS.length, key)
    t.ok(about.length > 0 && source.length > 0, `${key} says what differs and where that was read`)
    const name = test.replace(/^oracle: /, '')
    t.ok(
      tests.some(text => text.includes(name)),
      `${key}: there is a test "${test}"`,
    )
  }
  t.end()
})

t.test('a kernel is found by its id and by the release it stands for', t => {
  t.equal(findProfile('6.12')?.id, '6.12')
  t.equal(findProfile('6.12.117')?.id, '6.12')
  t.equal(findProfile('6.12.118'), undefined)
  // profiles.md §3.1: 32 pages up to 5.15, 64 from 6.1 on.
  t.equal(featuresOf('5.15').batchPages, 32)
  t.equal(featuresOf('6.1').batchPages, 64)
  t.end()
})
