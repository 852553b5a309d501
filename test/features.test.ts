// The table of features is the documentation of what differs: every row says what, where that was read, and names a
// test that is there, or the step that brings its behaviour.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type AnyFeature, FEATURES, KERNEL_IDS } from '../src/profiles/features.ts'
import { FEATURE_KEYS, featureNamed, snakeCase } from '../src/profiles/names.ts'
import { featuresOf, findProfile, GENERATIONS, nearestKernels } from '../src/profiles/profiles.ts'

const OWN = 'features.test.ts'
const TESTS = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter(file => (file.endsWith('.ts') || file.endsWith('.jsonl')) && file !== OWN)
  .map(file => readFileSync(join(import.meta.dirname, file), 'utf8'))

/** A test of that name: the words of a title, or the id of a worked example that stands alone. */
function isTested(name: string): boolean {
  const wanted = name.replace(/^oracle: /, '')
  const id = new RegExp(`(?<![\\w-])${wanted}(?![\\w-])`)
  return TESTS.some(text => (/^(E|WE-)\d+[ab]?$/.test(wanted) ? id.test(text) : text.includes(wanted)))
}

t.test('every feature has a value on every kernel, and a test, or why it has none', t => {
  for (const key of FEATURE_KEYS) {
    const { values, test, step, unseen, source, about }: AnyFeature = FEATURES[key]
    t.equal(values.filter(value => value !== undefined).length, KERNEL_IDS.length, key)
    t.match(about, /^\S.{10,140}\.$/, `${key} says in one sentence what differs`)
    t.match(source, /\.[ch]\b|recorded|measured|RFC|proposed/, `${key} says where that was read`)
    t.notMatch(source, /\b(SK|CR|profiles\.md)\b/, `${key} names a source of the kernel`)
    if (unseen !== undefined) t.ok(unseen.length > 20, `${key} says why it makes no difference`)
    else if (test === undefined) t.ok(step !== undefined && step > 1, `${key} names a later step`)
    else t.ok(isTested(test), `${key}: there is a test "${test}"`)
  }
  t.end()
})

t.test('what has its test is read by the model', t => {
  const root = join(import.meta.dirname, '../src')
  const model = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && !file.startsWith('profiles'))
    .map(file => readFileSync(join(root, file), 'utf8'))
    .join('\n')
  for (const key of FEATURE_KEYS) if (FEATURES[key].test !== undefined) t.match(model, new RegExp(`\\b${key}\\b`), key)
  t.end()
})

t.test('a key is one name, spelled in two ways', t => {
  for (const key of FEATURE_KEYS) t.equal(featureNamed(snakeCase(key)), key)
  t.equal(snakeCase('slabFlushAtOffline'), 'slab_flush_at_offline')
  t.equal(featureNamed('slabFlushAtOffline'), undefined)
  t.end()
})

t.test('a kernel is found by its id and by the release it stands for', t => {
  t.equal(findProfile('6.12')?.id, '6.12')
  t.equal(findProfile('6.12.117')?.id, '6.12')
  t.equal(findProfile('6.12.118'), undefined)
  t.equal(findProfile('5.4'), undefined)
  for (const id of KERNEL_IDS) for (const release of GENERATIONS[id].releases) t.equal(findProfile(release)?.id, id)
  // profiles.md §3.1: 32 pages up to 5.15, 64 from 6.1 on.
  t.equal(featuresOf('5.15').batchPages, 32)
  t.equal(featuresOf('6.1').batchPages, 64)
  t.end()
})

t.test('of a version that is none the ids beside it are known', t => {
  for (const [asked, beside] of [
    ['5.4', ['5.3', '5.5']],
    ['6.12.118', ['6.12']],
    ['v5.2', ['5.2']],
    ['3.10', ['4.2']],
    ['8.0', ['7.1']],
    ['latest', []],
  ] as const)
    t.same(nearestKernels(asked), beside, asked)
  t.end()
})
