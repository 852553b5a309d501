/** The examples in doc comments compile, run, and print what they say. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../..')

/** Files with examples, and what may be used there without an import. */
const SOURCES = ['mount/index.ts', 'src/api/process.ts', 'src/api/pack.ts', 'src/api/system.ts']
const IMPORTS: Readonly<Record<string, string>> = {
  'mount/index.ts': 'createCgroupFs',
  'src/api/boot.ts': 'boot, MANUAL_BOOT_TIME',
  'src/api/options.ts': 'resolveOptions',
  'src/api/pack.ts': 'pack, unpack',
  'src/api/process.ts': 'Process',
  'src/api/system.ts': 'System, type SystemState',
  'src/api/vfs.ts': 'ProcessTable, Vfs',
}

/** Without tap's loaders, which tap gives to every program. */
const run = (...command: string[]) => spawnSync('env', ['-u', 'NODE_OPTIONS', ...command], { encoding: 'utf8' })

interface Example {
  readonly place: string
  readonly code: string
  /** What follows `//` behind each console.log. */
  readonly prints: readonly string[]
}

function examplesIn(file: string): Example[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const found: Example[] = []
  for (const { 0: comment, index } of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const [, tagged] = comment.split('@example\n')
    if (tagged === undefined) continue
    const lines = tagged.split('\n').map(line => line.replace(/^ *\*(?: |\/|$)/, ''))
    const prints = lines.flatMap(line => /console\.log\(.*\) \/\/ (.*)$/.exec(line)?.[1] ?? [])
    found.push({ place: `${file}:${text.slice(0, index).split('\n').length}`, code: lines.join('\n'), prints })
  }
  return found
}

const examples = SOURCES.flatMap(examplesIn)

/** All of them as one program, each in a block of its own. */
const program = [
  ...Object.entries(IMPORTS).map(([file, names]) => `import { ${names} } from ${JSON.stringify(join(ROOT, file))}`),
  ...examples.map(({ place, code }) => `{\n  console.log(${JSON.stringify(place)})\n${code}\n}`),
].join('\n')

t.test('examples', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'memcgfs-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'examples.ts'), program)
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noUnusedLocals: false,
      rewriteRelativeImportExtensions: false,
      typeRoots: [join(ROOT, 'node_modules/@types')],
    },
    include: ['examples.ts'],
  }
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config))
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }')

  t.test('compile', async t => {
    const { status, stdout } = run(process.execPath, join(ROOT, 'node_modules/.bin/tsc'), '-p', dir)
    t.equal(status, 0, stdout)
  })

  t.test('print what they say', async t => {
    const { stdout: printed } = run(process.execPath, join(dir, 'examples.ts'))
    const wanted = examples.flatMap(({ place, prints }) => [place, ...prints])
    t.equal(printed, wanted.map(line => `${line}\n`).join(''))
    t.ok(examples.length >= 9)
  })
})
