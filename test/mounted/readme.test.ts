/** The sessions in README.md happen as they stand there. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type Command, readmeSessions } from '../../scripts/session.ts'
import { cannotMount } from './toy.ts'

const CHECKOUT = join(import.meta.dirname, '../..')

/** Programs that not every machine has. */
const isMissing = ({ line }: Command): boolean =>
  line.includes('systemd-cgls') && spawnSync('systemd-cgls', ['--version']).error !== undefined

t.test('the sessions of the README', { skip: cannotMount }, async t => {
  const base = mkdtempSync(join(tmpdir(), 'memcgfs-readme-'))
  const dir = join(base, 'cg')
  t.teardown(() => {
    spawnSync('umount', ['-l', dir])
    rmSync(base, { recursive: true })
  })
  for (const command of readmeSessions(dir).flat()) {
    if (isMissing(command)) continue
    const { stdout } = spawnSync('bash', ['-c', `exec 2>&1\n${command.line}`], {
      cwd: CHECKOUT,
      encoding: 'utf8',
      timeout: 30_000,
    })
    t.equal(stdout.replace(/^bash: line \d+:/, 'bash:'), command.output, command.line)
  }
})
