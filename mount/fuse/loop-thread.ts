/**
 * Entry of the loop's thread. It makes the service, mounts, answers INIT and serves until the mount is gone. Mounting
 * happens here, when all threads have started: Node looks into /sys/fs/cgroup when it starts one, and would wait for
 * itself if that were the mount (fuse-transport.md §6).
 */
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { logger } from '../host/log.ts'
import { hostProcesses } from '../host/processes.ts'
import { lifetime } from './attributes.ts'
import type { Device } from './device.ts'
import { MountError } from './errors.ts'
import { shakeHands } from './handshake.ts'
import { Loop } from './loop.ts'
import type { LoopToAttendant, LoopToMain } from './messages.ts'
import { mountedOn } from './mountinfo.ts'
import { mount } from './mounting.ts'
import type { InvalidationWay } from './notices.ts'
import { MINOR_WITH_EPOCH } from './protocol.ts'
import type { CreateDoor } from './service.ts'
import { SharedState } from './shared.ts'

/** What the session hands over when it starts the thread. */
export interface LoopSetup {
  readonly dir: string
  /** URL of a module that exports `createDoor`. */
  readonly factory: string
  readonly setup: unknown
  readonly lifetimeSec: number
  readonly invalidation: InvalidationWay | undefined
  readonly attendant: MessagePort
  readonly shared: Int32Array
}

const options = workerData as LoopSetup
const main = parentPort!

const { createDoor } = (await import(options.factory)) as { readonly createDoor: CreateDoor }
const log = logger('fuse')
const trace = logger('fuse:request')
const service = createDoor(options.setup, { processes: hostProcesses, log: logger })
await once(options.attendant, 'message') // It is ready.
const device = await mountOrRefuse()
if (device !== undefined) serve(device)

/** A refusal is for the person who asked, not a crash of this thread. */
async function mountOrRefuse(): Promise<Device | undefined> {
  try {
    return await mount(options.dir)
  } catch (error) {
    if (!(error instanceof MountError)) throw error
    main.postMessage({ kind: 'refused', code: error.code, message: error.message } satisfies LoopToMain)
    return undefined
  }
}

function serve(device: Device): void {
  try {
    const minor = shakeHands(device)
    const invalidation = options.invalidation ?? (minor >= MINOR_WITH_EPOCH ? 'epoch' : 'entries')
    log('%s: mounted, protocol 7.%d offered, names are invalidated by %s', options.dir, minor, invalidation)
    const loop = new Loop({
      device,
      mountDevice: mountedOn(options.dir)?.device,
      service,
      main,
      attendant: options.attendant,
      lifetime: lifetime(options.lifetimeSec),
      invalidation,
      trace: trace.enabled ? trace : undefined,
    })
    options.attendant.postMessage({ kind: 'mounted' } satisfies LoopToAttendant)
    const thread = `/proc/${readlinkSync('/proc/thread-self')}`
    main.postMessage({ kind: 'mounted', thread } satisfies LoopToMain)
    loop.run()
  } finally {
    // Also after a crash: clients must not wait for ever.
    new SharedState(options.shared).end()
    device.close()
  }
  log('%s: no longer served', options.dir)
}
