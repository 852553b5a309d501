/** Mounts the toy (toy-door.ts) for one test, and takes everything away after it, whatever happened. */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { type MountOptions, mountFuse, type Session } from '../../mount/fuse/session.ts'

export const toyFactory = new URL('./toy-door.ts', import.meta.url)

/** Why mounted tests cannot run here; false if they can. */
export const cannotMount: string | false = process.getuid?.() !== 0 && 'needs root'

/** A directory of its own outside the checkout, removed after the test. */
export function emptyDirectory(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'memcgfs-'))
  t.teardown(() => rmdirSync(dir))
  return dir
}

export async function mountToy(t: Test, options: Partial<MountOptions> = {}): Promise<Session> {
  const session = await mountFuse(emptyDirectory(t), { factory: toyFactory, unref: true, ...options })
  t.teardown(() => session.unmount())
  return session
}

/** Runs Node without tap's loaders, which are not for programs under test: tap puts them into every environment. */
export const PLAIN_NODE = ['/usr/bin/env', '-u', 'NODE_OPTIONS', process.execPath] as const

/** Flags for Node as if the optional package were not installed. */
export const WITHOUT_KOFFI = [
  '--import',
  `data:text/javascript,${[
    "import { registerHooks } from 'node:module'",
    "const missing = Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' })",
    "const resolve = (name, context, next) => { if (name === 'koffi') throw missing; return next(name, context) }",
    'registerHooks({ resolve })',
  ].join(';')}`,
]

export interface Daemon {
  readonly process: ChildProcess
  /** What it printed first: `ready`, or why it could not mount. */
  readonly line: string
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

/** Starts daemon.ts on `dir`, by way of `wrapper` (a command that runs another), and takes away what is left after the test. */
export async function startDaemon(
  t: Test,
  dir: string,
  { wrapper = [], nodeFlags = [], options = {}, ...spawnOptions }: DaemonOptions = {},
): Promise<Daemon> {
  const script = join(import.meta.dirname, 'daemon.ts')
  const [program, ...args] = [...wrapper, ...PLAIN_NODE, ...nodeFlags, script, dir, JSON.stringify(options)]
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit'], ...spawnOptions })
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
    spawnSync('umount', ['-l', dir], { stdio: 'ignore' })
  })
  const lines = createInterface({ input: child.stdout! })
  const [line] = (await Promise.race([once(lines, 'line'), ended.then(() => ['ended without a word'])])) as [string]
  return { process: child, line, ended }
}

interface DaemonOptions extends SpawnOptions {
  readonly wrapper?: readonly string[]
  readonly nodeFlags?: readonly string[]
  readonly options?: Partial<MountOptions>
}
