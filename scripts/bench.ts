/** What scripts/bench does once everything is set up. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { mountedOn } from '../mount/fuse/mountinfo.ts'
import { endProgress, showProgress } from '../mount/host/progress.ts'
import { median } from './bench-batches.ts'
import { measureInProcess } from './bench-in-process.ts'
import { idleBytes, removalCosts } from './bench-removal.ts'

const ROOT = join(import.meta.dirname, '..')
const BUILD = join(ROOT, 'build')
const { values } = parseArgs({ options: { cpu: { type: 'string', default: '0' } } })

/** What an operation on the mount may cost compared to the C server. */
const BOUNDS: Readonly<Record<string, number>> = { 're-read': 1.3, 'open+read+close': 1.7, 'mkdir+rmdir': 2.2 }

/** A cgroup on some file system, in which children can be made. */
interface Tree {
  readonly title: string
  readonly dir: string
  readonly toRead: string
  readonly toWrite: string
}

/** What has to be taken away at the end, in reverse order. */
const cleanUps: (() => Promise<void> | void)[] = []

async function main(): Promise<void> {
  const canBuild = build()
  const trees = [canBuild ? await floor() : undefined, await memcgfs(), hostCgroup()].filter(tree => tree !== undefined)
  showProgress('system calls …')
  const client = canBuild
    ? [join(BUILD, 'bench-client')]
    : [process.execPath, join(import.meta.dirname, 'bench-client.ts')]
  const lines = runPinned(...client, ...trees.flatMap(({ dir, toRead, toWrite }) => [dir, toRead, toWrite]))
  const figures = new Map(lines.trim().split('\n').map(parseLine))
  showProgress('find over 1 000 cgroups …')
  figures.set('find, 1 000 cgroups', findTimes(trees))
  showProgress('in process …')
  const inProcess = measureInProcess()
  report(trees, figures, inProcess)
  showProgress('removing cgroups …')
  reportRemoval()
}

const parseLine = (line: string): [string, number[]] => {
  const [name = '', ...numbers] = line.split('\t')
  return [name, numbers.map(Number)]
}

/** Builds the C programs; false, and why, if that is not possible here. */
function build(): boolean {
  mkdirSync(BUILD, { recursive: true })
  const flags = spawnSync('pkg-config', ['--cflags', '--libs', 'fuse3'], { encoding: 'utf8' })
  if (flags.status !== 0 || spawnSync('cc', ['--version']).status !== 0) {
    console.log('No comparison with C: it needs gcc, pkg-config and libfuse3-dev. The client is a slower one.\n')
    return false
  }
  const compile = (name: string, ...more: readonly string[]): void => {
    const { status } = spawnSync('cc', ['-O2', '-o', join(BUILD, name), join(ROOT, `scripts/${name}.c`), ...more], {
      stdio: 'inherit',
    })
    if (status !== 0) throw new Error(`cc failed on scripts/${name}.c`)
  }
  compile('c-floor', ...flags.stdout.trim().split(/\s+/))
  compile('bench-client')
  return true
}

/** The command on the one CPU of client and server, ahead of what else is going on where that is allowed. */
const pinned = (...command: readonly string[]): string[] =>
  process.getuid?.() === 0
    ? ['nice', '-n', '-20', 'taskset', '-c', values.cpu, ...command]
    : ['taskset', '-c', values.cpu, ...command]

function runPinned(...command: readonly string[]): string {
  const [program, ...args] = pinned(...command)
  const { status, stdout } = spawnSync(program!, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (status !== 0) throw new Error(`${command.join(' ')} failed`)
  return stdout
}

/** Starts a server on a new directory, and ends it afterwards. */
async function serve(...command: readonly string[]): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'memcgfs-bench-'))
  cleanUps.push(() => rmdirSync(dir))
  const [program, ...args] = pinned(...command, dir)
  const server = spawn(program!, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  cleanUps.push(async () => {
    server.kill('SIGTERM')
    if (server.exitCode === null) await once(server, 'exit')
  })
  await untilMounted(dir, server)
  return dir
}

async function untilMounted(dir: string, server: ChildProcess): Promise<void> {
  while (mountedOn(dir) === undefined) {
    if (server.exitCode !== null) throw new Error(`${server.spawnargs.join(' ')} ended with ${server.exitCode}`)
    await sleep(20)
  }
}

const V2_FILES = { toRead: 'memory.current', toWrite: 'memory.high' }

async function floor(): Promise<Tree> {
  const dir = await serve(join(BUILD, 'c-floor'), '-f', '-o', 'fsname=c-floor,default_permissions')
  mkdirSync(join(dir, 'a'))
  return { title: 'C', dir: join(dir, 'a'), ...V2_FILES }
}

async function memcgfs(): Promise<Tree> {
  const dir = await serve(join(ROOT, 'scripts/memcgfs'), 'mount')
  const a = join(dir, 'a')
  writeFileSync(join(dir, 'cgroup.subtree_control'), '+memory +pids')
  mkdirSync(a)
  writeFileSync(join(a, 'cgroup.subtree_control'), '+memory +pids')
  return { title: 'mount', dir: a, ...V2_FILES }
}

/** A cgroup of our own in a hierarchy with the memory controller, if the host lets us have one. */
function hostCgroup(): Tree | undefined {
  const mounts = readFileSync('/proc/self/mounts', 'latin1')
    .split('\n')
    .map(line => line.split(' '))
  const v2 = mounts.find(([, dir, type]) => type === 'cgroup2' && existsSync(`${dir}/cgroup.subtree_control`))?.[1]
  const v1 = mounts.find(([, , type, options]) => type === 'cgroup' && options?.split(',').includes('memory'))?.[1]
  const isOnV2 = v2 !== undefined && readFileSync(`${v2}/cgroup.controllers`, 'latin1').includes('memory')
  const parent = isOnV2 ? v2 : v1
  if (parent === undefined) return undefined
  const dir = join(parent, `memcgfs-bench-${process.pid}`)
  try {
    mkdirSync(dir)
  } catch (error) {
    console.log(`No comparison with the host's cgroups: ${(error as Error).message}\n`)
    return undefined
  }
  cleanUps.push(() => rmdirSync(dir))
  const files = isOnV2 ? V2_FILES : { toRead: 'memory.usage_in_bytes', toWrite: 'memory.soft_limit_in_bytes' }
  return existsSync(join(dir, files.toRead)) ? { title: 'host', dir, ...files } : undefined
}

const FIND_ROUNDS = 5

/** Microseconds of `find` over each tree with 1 000 cgroups in it, names known to the kernel after the first time. */
function findTimes(trees: readonly Tree[]): number[] {
  for (const { dir } of trees) {
    for (let i = 0; i < 10; i++) {
      mkdirSync(join(dir, `d${i}`))
      for (let j = 0; j < 99; j++) mkdirSync(join(dir, `d${i}`, `c${j}`))
    }
  }
  const times: number[][] = trees.map(() => [])
  for (let round = 0; round <= FIND_ROUNDS; round++)
    for (const [i, { dir }] of trees.entries()) {
      const start = performance.now()
      runPinned('find', dir, '-name', 'nothing')
      if (round > 0) times[i]!.push((performance.now() - start) * 1000)
    }
  for (const { dir } of trees) {
    for (const d of readdirSync(dir).filter(name => /^d\d$/.test(name))) {
      for (let j = 0; j < 99; j++) rmdirSync(join(dir, d, `c${j}`))
      rmdirSync(join(dir, d))
    }
  }
  return times.map(median)
}

/** What the model itself must not depend on (bench-removal.ts). */
function reportRemoval(): void {
  const lines = [...removalCosts()].map(([kernel, [few, many]]) => [
    kernel.padEnd(8),
    few!.toFixed(0).padStart(12),
    many!.toFixed(0).padStart(20),
    (many! / few!).toFixed(2).padStart(8),
  ])
  const idle = [4, 64].map(cpus => `${idleBytes(cpus).toFixed(0)} on ${cpus} CPUs`)
  endProgress()
  console.log('\nrmdir, us   with 10 objects   with 1 000 000   ratio')
  for (const line of lines) console.log(line.join(''))
  console.log(`\nBytes of an idle cgroup: ${idle.join(', ')}`)
}

function report(
  trees: readonly Tree[],
  figures: ReadonlyMap<string, number[]>,
  inProcess: ReadonlyMap<string, number[]>,
): void {
  endProgress()
  const titles = [...trees.map(({ title }) => title), 'in process', 'as node:fs']
  const mount = trees.findIndex(({ title }) => title === 'mount')
  const against = trees.flatMap(({ title }, i) => (i === mount ? [] : [{ title, i }]))
  console.log(
    'microseconds'.padEnd(20),
    ...titles.map(title => title.padStart(11)),
    ...against.map(({ title }) => `mount/${title}`.padStart(11)),
  )
  let missed = false
  for (const [name, times] of figures) {
    const all = [...times, ...(inProcess.get(name) ?? [])]
    const ratios = against.map(({ title, i }) => ({ title, ratio: times[mount]! / times[i]! }))
    const bound = BOUNDS[name]
    const toC = ratios.find(({ title }) => title === 'C')?.ratio
    const verdict =
      bound === undefined || toC === undefined ? '' : toC <= bound ? `  (at most ${bound})` : `  MORE THAN ${bound}`
    missed ||= verdict.includes('MORE')
    console.log(
      name.padEnd(20),
      ...titles.map((_, i) => (all[i]?.toFixed(2) ?? '').padStart(11)),
      ...ratios.map(({ ratio }) => ratio.toFixed(2).padStart(11)),
      verdict,
    )
  }
  process.exitCode = missed ? 1 : 0
}

try {
  await main()
} finally {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
}
