/** The recorded rows on a real mount: a sample, by system calls of another process. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { RECORDINGS, type Recording } from '../oracle/recording.ts'
import { cannotMount, emptyDirectory, PLAIN_NODE } from './toy.ts'

const CHECKOUT = join(import.meta.dirname, '../..')
const [program, ...flags] = PLAIN_NODE
const noMount = !existsSync(join(CHECKOUT, 'mount/index.ts')) && 'the entry of the mount is not there yet'
const noKoffi = !existsSync(join(CHECKOUT, 'node_modules/koffi')) && 'koffi is not installed'

/** The machine the rows were recorded on (README of the oracle, "The machine"). */
const MACHINE = ['--cpus', '4', '--memory', '1536M', '--swap', '512M', '--clock', 'manual']

async function replayOnMount(t: Test, { kernel, hierarchy, rows }: Recording): Promise<void> {
  const dir = emptyDirectory(t)
  const options = ['--kernel', kernel, '--hierarchy', hierarchy, ...MACHINE]
  const daemon = spawn(program, [...flags, join(CHECKOUT, 'src/cli/main.ts'), 'mount', dir, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(daemon, 'exit')
  t.teardown(async () => {
    daemon.kill('SIGTERM')
    await ended
    spawnSync('umount', ['-l', dir], { stdio: 'ignore' })
  })
  await Promise.race([once(createInterface({ input: daemon.stdout! }), 'line'), ended])
  const replay = spawn(program, [...flags, join(CHECKOUT, 'test/oracle/main.ts'), '--recorded', rows, '--mount', dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  replay.stdout!.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = await once(replay, 'exit')
  t.comment(said.trimEnd().split('\n').at(-1))
  t.equal(code, 0, said)
}

for (const recording of RECORDINGS)
  t.test(`rows of ${recording.rows}`, { skip: cannotMount || noMount || noKoffi, timeout: 120_000 }, async t =>
    replayOnMount(t, recording),
  )
