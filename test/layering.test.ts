// Imports point one way (DESIGN.md §4). The linter checks most of it; this knows also what it cannot express: a new
// folder without a rule, and files made from URLs.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'

/** What each folder of src may import besides itself and the vocabulary (the files directly in src). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  profiles: [],
  formats: [],
  engine: ['profiles', 'formats'],
  tree: ['engine', 'profiles', 'formats'],
  controllers: ['tree', 'engine', 'profiles', 'formats'],
  explain: ['tree', 'engine', 'profiles', 'formats'],
  workload: ['explain', 'tree', 'engine', 'profiles', 'formats'],
  kernfs: ['controllers', 'workload', 'explain', 'tree', 'engine', 'profiles', 'formats'],
  api: ['kernfs', 'controllers', 'workload', 'explain', 'tree', 'engine', 'profiles', 'formats'],
  experiments: ['api', 'kernfs', 'controllers', 'workload', 'tree', 'engine', 'profiles', 'formats'],
  diff: ['api', 'kernfs', 'controllers', 'workload', 'tree', 'engine', 'profiles', 'formats'],
  cli: ['experiments', 'diff', 'api'],
}
/** One file of src stands above folders: the kernel puts them together. Workload verbs act on it. */
const KERNEL = 'kernel.ts'
const SEES_KERNEL = ['workload', 'kernfs', 'api', 'experiments']

const IMPORT = /(?:from|import\()\s*'(\.[^']*)'/g

t.test('every import in src points down', t => {
  const root = join(import.meta.dirname, '..', 'src')
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue
    const folder = file.includes('/') ? file.split('/')[0]! : ''
    if (folder !== '' && !(folder in MAY_IMPORT)) t.fail(`${file}: the folder ${folder} has no rule`)
    for (const [, path] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
      const target = normalize(join(dirname(file), path!))
      const other = target.includes('/') ? target.split('/')[0]! : ''
      const isUp = target.startsWith('..')
      if (isUp) t.equal(folder, 'cli', `${file} imports ${path}: only the command line sees mount/`)
      else if (target === KERNEL) t.ok(SEES_KERNEL.includes(folder), `${file} imports the kernel`)
      else if (folder === '' && file !== KERNEL) t.equal(other, '', `${file} is vocabulary and imports ${path}`)
      else if (other !== '' && other !== folder && file !== KERNEL)
        t.ok(MAY_IMPORT[folder]?.includes(other), `${file} may not import ${path}`)
    }
  }
  t.end()
})
