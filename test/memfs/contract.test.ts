/**
 * What mount/memfs/volume.ts takes for granted about the inside of memfs, which promises nothing of it. When an update
 * of memfs turns this red, look at what is new there, decide what it means for cgroup files, and bring the lists up to
 * date; the other tests of this folder tell the rest.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Superblock } from '@jsonjoy.com/fs-core'
import { Volume } from 'memfs'
import t from 'tap'
import { DOORS, KEPT_DOORS, METHODS, SEAMS } from '../../mount/memfs/volume.ts'

const require = createRequire(import.meta.url)
const sourceOf = (name: string): string => readFileSync(require.resolve(name), 'utf8')

const functionsOf = (object: object): string[] =>
  Object.keys(object).filter(key => typeof (object as Record<string, unknown>)[key] === 'function')

t.test('there is one fs-core', async t => {
  const [mine, memfs] = ['@jsonjoy.com/fs-core/package.json', 'memfs/package.json'].map(name =>
    JSON.parse(sourceOf(name)),
  )
  t.equal(mine.version, memfs.version, 'both packages are pinned to the same version')
  t.ok(new Volume()._core instanceof Superblock, 'or a Superblock of ours would be of another class')
})

t.test('every door of a Superblock is replaced or kept on purpose', async t => {
  t.same(functionsOf(new Superblock()).sort(), [...DOORS, ...KEPT_DOORS].sort())
})

t.test('a Volume asks its Superblock for nothing else', async t => {
  const sources = ['volume', 'cp', 'FileHandle', 'FsPromises', 'Dir', 'glob'].map(name =>
    sourceOf(`@jsonjoy.com/fs-node/lib/${name}`),
  )
  const asked = sources.flatMap(source => [...source.matchAll(/\b_?core\.(\w+)/g)].map(([, name]) => name!))
  const known: readonly string[] = [...DOORS, ...KEPT_DOORS, ...METHODS, ...ONLY_IN_REPLACED]
  t.same([...new Set(asked)].filter(name => !known.includes(name)).sort(), [])
})

/** Asked for by methods of Volume that are replaced (SEAMS), or that nobody reaches: see CgroupNodeFs for what is promised. */
const ONLY_IN_REPLACED = [
  'getLinkOrThrow',
  'getResolvedLinkOrThrow',
  'getResolvedLinkResult',
  // Making and emptying whole volumes.
  'fromJSON',
  'fromNestedJSON',
  'reset',
  'toJSON',
]

t.test('every method of a Volume that is replaced is there', async t => {
  const volume = new Volume() as unknown as Record<string, unknown>
  for (const name of SEAMS) t.type(volume[name], 'function', name)
  t.type(volume.FSWatcher, 'function')
  t.type((volume.promises as Record<string, unknown>).realpath, 'function')
})
