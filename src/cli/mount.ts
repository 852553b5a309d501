/** `memcgfs mount DIR`: in the foreground, or as a daemon. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { unmountOnSignals } from '../../mount/fuse/session.ts'
import { createCgroupFs } from '../../mount/index.ts'
import { notesOn } from '../api/kernels.ts'
import { type KernelOptions, resolveOptions } from '../api/options.ts'
import { type Command, oneDirectory, readArguments, settingsOf, UsageError } from './command.ts'

const HELP = `memcgfs mount DIR [OPTIONS]

Mounts a simulated cgroup tree on DIR and serves it until it is unmounted (memcgfs unmount DIR, Ctrl-C, SIGTERM).
Prints one line when the mount can be used.

  --kernel ID           kernel generation, such as 5.3 (memcgfs kernels lists them); default 6.12
  --hierarchy v2|v1     v2: DIR is the root of the tree (default); v1: DIR holds a directory per controller, of
                        which there is DIR/memory so far (hybrid and the others come with later versions)
  --cpus N              simulated CPUs, 1 to 512; default 4
  --memory SIZE         memory of the simulated machine, such as 8G; default 8G
  --swap SIZE           its swap device; default 2G
  --seed N              for experiments and generators; the model itself leaves nothing to chance; default 1
  --clock real|manual   real: simulated time goes on with the host's (default);
                        manual: it moves only by 'echo +2s > DIR/.memcgfs/clock' and the like
  --with KEY=VALUE      one setting; may be given again. A feature of the kernel (slab_flush_at_offline=none: 5.3 with
                        one fix), a preset of several (slab_charge=both), the machine (page_size=64K, nodes=2,
                        allocator=slab) or the model (rcu_ms=5). memcgfs kernels KEY explains a feature,
                        DIR/.memcgfs/kernel shows what is mounted, DIR/.memcgfs/config all keys with their values
  --transport kernel    how to mount (the only one yet: the kernel's FUSE protocol, spoken by this program)
  --background          return when the mount can be used; the daemon goes on by itself
  --log FILE            where a daemon writes its messages (DEBUG=memcgfs:* for many)

As root, or as root of a user namespace (unshare -Urm), nothing else is needed. An ordinary user mounts by way of
fusermount3 (Debian and Ubuntu: package fuse3) and the npm package koffi.

In every directory of the mount there is a hidden directory .memcgfs: write lines to .memcgfs/do to make simulated
tasks and let them use memory, read .memcgfs/result for what they did (docs/workload.md).`

const OPTIONS = {
  kernel: { type: 'string' },
  hierarchy: { type: 'string' },
  cpus: { type: 'string' },
  memory: { type: 'string' },
  swap: { type: 'string' },
  seed: { type: 'string' },
  clock: { type: 'string' },
  with: { type: 'string', multiple: true },
  transport: { type: 'string', default: 'kernel' },
  background: { type: 'boolean', default: false },
  log: { type: 'string' },
} as const

export const mountCommand: Command = {
  name: 'mount',
  summary: 'mount a simulated cgroup tree on a directory',
  help: HELP,
  async run(args) {
    const { values, positionals } = readArguments('mount', args, OPTIONS)
    const dir = oneDirectory('mount', positionals)
    const options = kernelOptions(values)
    const { profile } = resolveOptions(options, 'real') // Complains before anything starts.
    for (const note of notesOn(profile)) console.error(`memcgfs: ${note}`)
    if (values.transport !== 'kernel')
      throw new UsageError(`mount: --transport "${values.transport}" is not there; it is kernel`)
    if (values.background) return mountInBackground(args, values.log)
    if (values.log !== undefined) throw new UsageError('mount: --log goes with --background')
    return mountHere(dir, options)
  },
}

function kernelOptions(values: Readonly<Record<string, unknown>>): KernelOptions {
  const { with: settings, transport: _, background: __, log: ___, ...rest } = values
  return { ...rest, with: settingsOf('mount', (settings as string[] | undefined) ?? []) }
}

async function mountHere(dir: string, options: KernelOptions): Promise<number> {
  const cgroups = createCgroupFs({ clock: 'real', ...options })
  const session = await cgroups.mount(dir, { keep: false })
  unmountOnSignals(session)
  console.log(`memcgfs: ${session.dir}: ${describe(options)}`)
  await session.closed
  return 0
}

/** `cgroup v2 as Linux 6.12, 4 CPUs, 8 GiB`. */
function describe(options: KernelOptions): string {
  const { profile, machine, hierarchy } = resolveOptions(options, 'real')
  const { cpus, memory } = machine
  return `cgroup ${hierarchy} as Linux ${profile.id}, ${cpus} CPU${cpus === 1 ? '' : 's'}, ${shortSize(memory)}`
}

function shortSize(bytes: number): string {
  const units = ['GiB', 'MiB', 'KiB'] as const
  for (const [i, unit] of units.entries()) {
    const size = 2 ** (30 - 10 * i)
    if (bytes >= size) return `${Number((bytes / size).toFixed(2))} ${unit}`
  }
  return `${bytes} bytes`
}

/** Starts the daemon, waits for its line, and leaves it alone. */
function mountInBackground(args: readonly string[], log: string | undefined): Promise<number> {
  const errors = log === undefined ? 'pipe' : openSync(log, 'a')
  const inner = args.filter((arg, i) => arg !== '--background' && !isLogOption(args, i))
  const daemon = spawn(process.execPath, [...process.execArgv, process.argv[1]!, 'mount', ...inner], {
    detached: true,
    stdio: ['ignore', 'pipe', errors],
  })
  if (typeof errors === 'number') closeSync(errors)
  return new Promise(resolve => {
    let said = ''
    let complaint = ''
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    daemon.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (!said.includes('\n')) return
      process.stdout.write(said)
      daemon.stdout!.destroy()
      daemon.stderr?.destroy()
      daemon.unref()
      resolve(0)
    })
    daemon.on('exit', code => {
      process.stderr.write(complaint)
      resolve(code ?? 1)
    })
  })
}

const isLogOption = (args: readonly string[], i: number): boolean =>
  args[i] === '--log' || args[i - 1] === '--log' || args[i]!.startsWith('--log=')
