/**
 * What the three threads of a mount say to each other.
 *
 * - The loop (loop.ts) reads requests and owns the model. It is blocked in read(2) most of the time, and must never
 *   wait for its own mount.
 * - The attendant (attendant-thread.ts) does what may wait: it pokes the loop, makes inotify events, invalidates names. It
 *   is a thread of its own because the main thread may be busy or blocked, for instance in execFileSync of a program
 *   that uses the mount, or with all threads of Node's pool waiting for requests.
 * - The main thread mounts, calls and unmounts.
 *
 * Messages to the loop wait until it is poked: any request wakes it, and it looks for messages at each STATFS, the
 * one request that the kernel never answers from a cache.
 */
import type { NodeId } from '../../src/kernfs/door.ts'
import type { ByteString } from '../../src/units.ts'

export type MainToLoop =
  /** For the service's own `call`; an Answer follows. */
  | { readonly kind: 'call'; readonly id: number; readonly message: unknown }
  /** Leave the loop and close the descriptor, which ends the connection whoever still uses the mount. */
  | { readonly kind: 'stop' }

export type AttendantToLoop =
  /** The attendant has started; the first message of all. */
  | { readonly kind: 'ready' }
  /** The time asked for by `dueIn` has come. */
  | { readonly kind: 'due' }

export type ToLoop = MainToLoop | Exclude<AttendantToLoop, { kind: 'ready' }>

export type LoopToMain =
  /** INIT is answered: the mount can be used. With the loop's directory in /proc. */
  | { readonly kind: 'mounted'; readonly thread: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

export type LoopToAttendant =
  /** The directory is our mount from now on. */
  | { readonly kind: 'mounted' }
  /** Poke me then; replaces what was asked for before. */
  | { readonly kind: 'dueIn'; readonly milliseconds: number }
  /** Make the kernel raise IN_MODIFY for this file; a path from the root of the mount. */
  | { readonly kind: 'modified'; readonly path: ByteString }
  /** Only for kernels before 6.16: names the kernel must drop, and replies that may be sent only after that. */
  | { readonly kind: 'invalidate'; readonly fd: number; readonly invalidation: Invalidation }
  /** To be passed on to the main thread; after what was said before is done. */
  | { readonly kind: 'answer'; readonly answer: Answer }

export type MainToAttendant =
  /** There is a message for the loop. */
  { readonly kind: 'poke' }

export interface Invalidation {
  readonly stale: readonly StaleNames[]
  readonly replies: readonly Uint8Array[]
}

export interface StaleNames {
  readonly parent: NodeId
  readonly names: readonly ByteString[]
}

/** Errors keep their message and stack, but not properties of their own: refusals are better returned as values. */
export type Answer = { readonly id: number } & ({ readonly result: unknown } | { readonly error: unknown })

/**
 * A modification time nobody would set (in 1911, spelling "memc" and "gfs"), by which the loop recognises the
 * attendant's utimensat(2): its only purpose is the IN_MODIFY that the kernel raises for it.
 */
export const IN_MODIFY_MTIME = { sec: -0x6d656d63, nsec: 0x676673 } as const
