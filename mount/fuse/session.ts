/**
 * A mount as the main thread sees it: starts the threads that serve it (messages.ts), talks to them, and takes the
 * mount away in every way this process can end.
 */
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Calls } from './calls.ts'
import { detach, detachNow } from './detaching.ts'
import { hiddenMount } from './errors.ts'
import { type Guard, startGuard } from './guard.ts'
import { prepareMountPoint, removeDeadMounts } from './mountpoint.ts'
import type { InvalidationWay } from './notices.ts'
import { Place } from './place.ts'
import { startThreads, type Threads, untilEnded, untilMounted } from './threads.ts'
import { isBusy, unmount } from './unmounting.ts'

export interface MountOptions {
  /** URL of the module whose `createDoor` makes what is mounted (service.ts); it runs in the loop's thread. */
  readonly factory: string | URL
  /** Plain data for `createDoor`. */
  readonly setup?: unknown
  /** For how long the kernel may answer names and attributes (never contents) from its caches. Default 3600. */
  readonly lifetimeSec?: number
  /** Let the process end although it has mounted something; the mount then ends with it. Default false. */
  readonly unref?: boolean
  /** For tests: how names are invalidated, whatever the kernel could do. */
  readonly invalidation?: InvalidationWay
}

export interface UnmountOptions {
  /** Unmount even if somebody is inside: what he has open there fails with ENOTCONN from then on. Default true. */
  readonly force?: boolean
}

export interface Session {
  /** Absolute path of the mount point. */
  readonly dir: string
  /** Resolves when the mount is gone. With `force: false` it rejects with EBUSY if somebody is inside. */
  unmount(options?: UnmountOptions): Promise<void>
  /** Resolves when the mount is gone, whoever unmounted it; rejects if the loop's thread crashed. */
  readonly closed: Promise<void>
  /** Asks the service's `call`, in the loop's thread, between two requests. */
  call(message: unknown): Promise<unknown>
  /** The same, and waits. */
  callSync(message: unknown): unknown
}

/** Throws a MountError if `dir` cannot be mounted on. */
export async function mountFuse(dir: string, options: MountOptions): Promise<Session> {
  const { factory, setup, lifetimeSec = 3600, unref = false, invalidation } = options
  const path = prepareMountPoint(dir)
  const threads = startThreads({ dir: path, factory: String(factory), setup, lifetimeSec, invalidation })
  try {
    const guard = startGuard(path, await untilMounted(threads))
    return new FuseSession({ dir: path, threads, guard, unref })
  } catch (error) {
    await Promise.all([threads.loop.terminate(), threads.attendant.terminate()])
    removeDeadMounts(path)
    throw error
  }
}

interface Parts {
  readonly dir: string
  readonly threads: Threads
  readonly guard: Guard
  readonly unref: boolean
}

class FuseSession implements Session {
  readonly dir: string
  readonly closed: Promise<void>
  readonly #parts: Parts
  readonly #place: Place
  readonly #calls: Calls
  #ended = false
  #takingAway: Promise<void> | undefined

  constructor(parts: Parts) {
    this.dir = parts.dir
    this.#parts = parts
    this.#place = new Place(parts.dir)
    this.#calls = new Calls(parts.threads)
    this.closed = this.#untilClosed()
    this.closed.catch(() => undefined) // Nobody has to wait for it.
    sessions.add(this)
    if (parts.unref) this.#keepProcess(false)
  }

  async unmount({ force = true }: UnmountOptions = {}): Promise<void> {
    if (!this.#place.onTop) await Promise.race([this.closed, sleep(GRACE_MS)])
    if (!this.#ended) this.#takingAway ??= this.#takeAway(force).finally(() => (this.#takingAway = undefined))
    await this.#takingAway
    await this.closed
  }

  async call(message: unknown): Promise<unknown> {
    this.#mustBeOnTop()
    return this.#calls.call(message)
  }

  callSync(message: unknown): unknown {
    this.#mustBeOnTop()
    return this.#calls.callSync(message)
  }

  /** For the end of the process, when nothing can be awaited any more. */
  abandon(): void {
    if (this.#place.onTop) detachNow(this.dir, this.#parts.threads.loop)
  }

  async #takeAway(force: boolean): Promise<void> {
    this.#mustBeOnTop()
    this.#keepProcess(true) // Or a process with nothing else to do would end meanwhile.
    try {
      await unmount(this.dir, { lazy: false })
    } catch (error) {
      if (!this.#place.onTop) return // Somebody else was faster.
      if (!isBusy(error) || !force) {
        this.#keepProcess(!this.#parts.unref)
        throw error
      }
      await detach(this.dir, this.#parts.threads.loop)
    }
  }

  async #untilClosed(): Promise<void> {
    const { threads, guard } = this.#parts
    try {
      await Promise.all([untilEnded(threads.loop), untilEnded(threads.attendant)])
    } finally {
      this.#ended = true
      sessions.delete(this)
      this.#calls.end()
      guard.dismiss()
      if (this.#place.onTop) await detach(this.dir, threads.loop) // A thread crashed.
    }
  }

  /** The threads reach the mount by its path, too. */
  #mustBeOnTop(): void {
    if (!this.#place.onTop) throw hiddenMount(this.dir)
  }

  #keepProcess(keep: boolean): void {
    const { loop, attendant } = this.#parts.threads
    for (const thread of [loop, attendant]) {
      if (keep) thread.ref()
      else thread.unref()
    }
  }
}

/** For the loop to find out that somebody else has unmounted. If it goes on after that, the mount is elsewhere. */
const GRACE_MS = 200

/** Those that still have a mount when the process ends. */
const sessions = new Set<FuseSession>()
process.on('exit', () => {
  for (const session of sessions) session.abandon()
})

/**
 * Unmounts at the first of the usual signals. A second one ends the process at once, and the mount with it.
 * Returns a function that stops listening.
 */
export function unmountOnSignals(session: Session): () => void {
  const listener = (signal: NodeJS.Signals): void => {
    stopListening()
    process.once(signal, endAtOnce)
    void session.unmount()
  }
  const stopListening = (): void => {
    for (const signal of SIGNALS) process.off(signal, listener)
  }
  for (const signal of SIGNALS) process.on(signal, listener)
  return stopListening
}

const endAtOnce: NodeJS.SignalsListener = signal => process.exit(128 + constants.signals[signal])

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
