/** What scripts/quickstart does once everything is set up. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { mountedHere } from '../mount/fuse/unmount-path.ts'
import { type CgroupNodeFs, createCgroupFs } from '../mount/index.ts'
import { isAboutMount, README_DIR, readmeSessions } from './session.ts'

const ROOT = join(import.meta.dirname, '..')
const MEMCGFS = join(ROOT, 'scripts/memcgfs')
const dir = resolve(process.argv[2] ?? README_DIR)

const missing = existsSync('/dev/fuse') ? mount() : 'This machine has no /dev/fuse'
if (missing === undefined) playMounted()
else {
  console.log(`${missing}, so nothing can be mounted here; this is the same session in process.\n`)
  playInProcess()
}

/** Mounts afresh; why not, if it fails. */
function mount(): string | undefined {
  mkdirSync(dir, { recursive: true })
  // One of an earlier run is replaced: its session was played already.
  if (mountedHere(dir)) run(MEMCGFS, 'unmount', dir)
  const { status, stderr } = run(MEMCGFS, 'mount', dir, '--background')
  return status === 0 ? undefined : stderr.trim()
}

function run(command: string, ...args: readonly string[]): { status: number | null; stderr: string } {
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'pipe'], encoding: 'utf8' })
}

function playMounted(): void {
  for (const command of readmeSessions(dir)[0]!) {
    if (isAboutMount(command)) continue
    console.log(`$ ${command.line}`)
    spawnSync('bash', ['-c', command.line], { stdio: ['ignore', 'inherit', 'inherit'] })
  }
  console.log(`
The mount is yours now: ls ${dir}; cat ${dir}/a/memory.stat; docs/workload.md tells what tasks can do.
When you have seen enough: ${MEMCGFS} unmount ${dir}`)
}

/** A shell of four commands. The others need a mount. */
function playInProcess(): void {
  const { fs } = createCgroupFs()
  for (const { line } of readmeSessions('')[0]!) {
    const words = line.replace(/ +#.*$/, '').split(' ')
    const act = SHELL[words[0]!]
    if (act === undefined || isAboutMount({ line, output: '' })) continue
    console.log(`$ ${line}`)
    try {
      process.stdout.write(act(fs, words.slice(1)))
    } catch (error) {
      console.log((error as Error).message)
    }
  }
  console.log('\nThe README shows how a program of yours does this: createCgroupFs().')
}

type Act = (fs: CgroupNodeFs, words: readonly string[]) => string

const contents = (fs: CgroupNodeFs, path: string): string => String(fs.readFileSync(path, 'utf8'))

const SHELL: Readonly<Record<string, Act>> = {
  cat: (fs, paths) => paths.map(path => contents(fs, path)).join(''),
  echo: (fs, words) => {
    const text = words.slice(0, -2).join(' ').replaceAll("'", '')
    fs.writeFileSync(words.at(-1)!, `${text}\n`)
    return ''
  },
  grep: (fs, [word, path]) =>
    `${contents(fs, path!)
      .split('\n')
      .find(line => line.startsWith(word!))}\n`,
  mkdir: (fs, [path]) => {
    fs.mkdirSync(path!)
    return ''
  },
  rmdir: (fs, [path]) => {
    fs.rmdirSync(path!)
    return ''
  },
}
