/** A program that mounts the toy on the directory it is given, says so, and serves until it is unmounted or told to end. */
import { type MountOptions, mountFuse, unmountOnSignals } from '../../mount/fuse/session.ts'
import { toyFactory } from './toy.ts'

const [dir = '', options = '{}'] = process.argv.slice(2)
try {
  const session = await mountFuse(dir, { factory: toyFactory, ...(JSON.parse(options) as Partial<MountOptions>) })
  unmountOnSignals(session)
  console.log('ready')
  await session.closed
  console.log('closed')
} catch (error) {
  console.log((error as Error).message)
  process.exitCode = 1
}
