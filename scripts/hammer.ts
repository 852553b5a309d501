/**
 * Many shells work on one mount at once, some are killed, and nothing may be wrong: no hang, no crash, no text that is
 * not what it must be (hammer-client.sh), a clean unmount, and a model whose invariants hold and that has kept nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCgroupFs } from '../mount/index.ts'
import { brokenInvariants } from '../src/api/invariants.ts'

export interface HammerOptions {
  /** An empty directory to mount on. */
  readonly dir: string
  readonly clients: number
  readonly seconds: number
  /** Where the random choices of the clients begin. */
  readonly seed: number
  readonly progress?: (line: string) => void
}

export interface HammerReport {
  readonly operations: number
  readonly killed: number
  /** What must not be, as clients found it. */
  readonly wrong: readonly string[]
  /** Clients that did not end when their time was over. */
  readonly hung: number
  /** Invariants of the model that did not hold at the end. */
  readonly broken: readonly string[]
  /** What was left when all cgroups were removed. */
  readonly left: readonly string[]
}

const CLIENT = join(import.meta.dirname, 'hammer-client.sh')
/** How often one of the clients is killed, and another takes its place. */
const KILL_EVERY_MS = 200
/** How long clients may take to end when their time is over. */
const PATIENCE_MS = 30_000

export async function hammer({ dir, clients, seconds, seed, progress }: HammerOptions): Promise<HammerReport> {
  const cgroups = createCgroupFs({ clock: 'real' })
  const session = await cgroups.mount(dir)
  try {
    writeFileSync(join(dir, 'cgroup.subtree_control'), '+memory +pids')
    mkdirSync(join(dir, 'shared'))
    writeFileSync(join(dir, 'shared/cgroup.subtree_control'), '+memory +pids')
    const crowd = new Crowd(dir, seed, seconds)
    for (let i = 0; i < clients; i++) crowd.add()
    await crowd.run(progress)
    const hung = await crowd.untilEnded()
    progress?.('removing everything')
    removeAll(dir)
    await session.unmount()
    // The mount's kernel is here now.
    cgroups.advance('10s')
    const { kernel } = cgroups
    const stat = cgroups.fs.readFileSync('/cgroup.stat', 'utf8') as string
    const left = stat.split('\n').filter(line => /^nr_(dying_)?descendants [1-9]/.test(line))
    return {
      operations: crowd.operations,
      killed: crowd.killed,
      wrong: crowd.wrong,
      hung,
      broken: brokenInvariants(kernel),
      left,
    }
  } finally {
    await session.unmount().catch(() => undefined)
    await cgroups.close()
  }
}

/** The clients, and what they say. */
class Crowd {
  operations = 0
  killed = 0
  readonly wrong: string[] = []
  readonly #dir: string
  readonly #seed: number
  readonly #end: number
  readonly #running = new Set<ChildProcess>()
  #count = 0

  constructor(dir: string, seed: number, seconds: number) {
    this.#dir = dir
    this.#seed = seed
    this.#end = performance.now() + seconds * 1000
  }

  /** Starts a client for the time that is left. */
  add(): void {
    const number = this.#count++
    const seconds = Math.max(1, Math.round((this.#end - performance.now()) / 1000))
    const args = [CLIENT, this.#dir, number, seconds, this.#seed + number].map(String)
    const client = spawn('bash', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#running.add(client)
    for (const stream of [client.stdout!, client.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.split('\n')) this.#hear(line)
      })
    }
    client.on('exit', () => this.#running.delete(client))
  }

  #hear(line: string): void {
    if (line.startsWith('OPERATIONS ')) this.operations += Number(line.slice('OPERATIONS '.length))
    else if (line !== '') this.wrong.push(line)
  }

  async run(progress: HammerOptions['progress']): Promise<void> {
    while (performance.now() < this.#end) {
      await sleep(KILL_EVERY_MS)
      progress?.(`${Math.ceil((this.#end - performance.now()) / 1000)} s left, ${this.wrong.length} wrong`)
      const victim = [...this.#running][randomInt(this.#running.size || 1)]
      if (victim === undefined || performance.now() > this.#end) continue
      victim.kill('SIGKILL')
      this.killed++
      this.add()
    }
  }

  /** How many did not end. */
  async untilEnded(): Promise<number> {
    const patience = AbortSignal.timeout(PATIENCE_MS)
    for (const client of this.#running) {
      if (client.exitCode !== null) continue
      await once(client, 'exit', { signal: patience }).catch(() => undefined)
    }
    const { size } = this.#running
    for (const client of this.#running) client.kill('SIGKILL')
    return size
  }
}

/** Ends all tasks and removes all cgroups below a directory. */
function removeAll(dir: string): void {
  for (const name of readdirSync(dir)) {
    const child = join(dir, name)
    if (name.includes('.')) continue
    writeFileSync(join(child, 'cgroup.kill'), '1')
    // Real processes are listed there and not killed: those of clients that were.
    for (const pid of readFileSync(join(child, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean))
      writeFileSync(join(dir, 'cgroup.procs'), pid)
    removeAll(child)
    rmdirSync(child)
  }
}
