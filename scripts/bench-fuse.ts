/**
 * Measures the FUSE transport against the floor: the same system calls on a mount of the toy door (no kernel behind
 * it) and on one served by C (c-floor.c), in turns. Prints microseconds per operation and the ratio.
 *
 *   node scripts/bench-fuse.ts      needs root, cc, taskset and libfuse3-dev
 *
 * Client and servers are pinned to one CPU, and then client and servers to one each: unpinned figures vary by a factor.
 * On one CPU they show the work that is done; on two, mostly how long the machine takes to wake the other CPU up.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmdirSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROOT = join(import.meta.dirname, '..')
const FLOOR = join(ROOT, 'build/c-floor')
const CLIENT = join(ROOT, 'build/fuse-client')
/** A file that both servers have in each directory, for any small text. */
const FILE = 'toy.file10'
/** What statfs(2) calls a FUSE mount. */
const FUSE_MAGIC = 0x65735546

const SERVERS: readonly (readonly string[])[] = [
  [FLOOR, '-f', '-o', 'fsname=c-floor,allow_other,default_permissions'],
  [process.execPath, join(ROOT, 'test/mounted/daemon.ts')],
]

/** What an operation may cost compared to C, on one CPU. */
const TARGETS: Readonly<Record<string, number>> = { pread: 1.1, 'open+read+close': 1.5, 'mkdir+rmdir': 1.8 }

build()
await compare('one CPU', '0', '0')
await compare('two CPUs', '0', '1')

function build(): void {
  mkdirSync(join(ROOT, 'build'), { recursive: true })
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'fuse3'], { encoding: 'utf8' }).trim().split(/\s+/)
  execFileSync('cc', ['-O2', '-o', FLOOR, join(ROOT, 'scripts/c-floor.c'), ...flags], { stdio: 'inherit' })
  execFileSync('cc', ['-O2', '-o', CLIENT, join(ROOT, 'scripts/fuse-client.c')], { stdio: 'inherit' })
}

async function compare(title: string, serverCpu: string, clientCpu: string): Promise<void> {
  const mounts = SERVERS.map(command => start(serverCpu, command))
  try {
    for (const mount of mounts) await untilMounted(mount)
    const client = pinned(clientCpu, [CLIENT, FILE, ...mounts.map(({ dir }) => dir)])
    report(title, execFileSync('nice', client, { encoding: 'utf8', timeout: 120_000 }))
  } finally {
    for (const mount of mounts) await end(mount)
  }
}

interface Mount {
  readonly dir: string
  readonly server: ChildProcess
}

function start(cpu: string, command: readonly string[]): Mount {
  const dir = mkdtempSync(join(tmpdir(), 'memcgfs-bench-'))
  const server = spawn('nice', pinned(cpu, [...command, dir]), { stdio: ['ignore', 'ignore', 'inherit'] })
  return { dir, server }
}

/** Arguments of nice(1): ahead of what else is going on, and on one CPU. */
function pinned(cpu: string, command: readonly string[]): string[] {
  return ['-n', '-20', 'taskset', '-c', cpu, ...command]
}

async function untilMounted({ dir, server }: Mount): Promise<void> {
  while (statfsSync(dir).type !== FUSE_MAGIC) {
    if (server.exitCode !== null) throw new Error(`${server.spawnargs.join(' ')} ended with ${server.exitCode}`)
    await sleep(20)
  }
}

async function end({ dir, server }: Mount): Promise<void> {
  server.kill('SIGTERM')
  if (server.exitCode === null) await once(server, 'exit')
  rmdirSync(dir)
}

function report(title: string, figures: string): void {
  console.log(`${title.padEnd(20)}    C us  ours us  ratio`)
  for (const line of figures.trim().split('\n')) {
    const [name = '', ...values] = line.split(' ')
    const [c = 0, ours = 0] = values.map(Number)
    const ratio = ours / c
    const target = title === 'one CPU' ? TARGETS[name] : undefined
    const verdict = target === undefined ? '' : `  (at most ${target}${ratio > target ? ': MISSED' : ''})`
    console.log(name.padEnd(18), ...[c, ours, ratio].map(value => value.toFixed(2).padStart(8)), verdict)
  }
}
