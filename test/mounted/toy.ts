/** Mounts the toy (toy-door.ts) for one test, and takes everything away after it, whatever happened. */
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
