/**
 * What one request needs at hand. There is one Exchange per loop, used for every request in turn, so that a request
 * allocates nothing: see "Costs" in fuse-transport.md §5.
 */
import { type Attributes, type Door, emptyAttributes } from '../../src/kernfs/door.ts'
import type { RequestCaller } from '../host/caller.ts'
import type { Lifetime } from './attributes.ts'
import type { PendingWrites } from './pending.ts'
import { Reply } from './reply.ts'
import { Request } from './request.ts'

export interface ExchangeOptions {
  readonly door: Door
  readonly caller: RequestCaller
  readonly pending: PendingWrites
  readonly lifetime: Lifetime
  /** Somebody asked for STATFS, which the kernel never answers itself: the main thread may have left messages. */
  readonly poked: () => void
}

export class Exchange {
  readonly request = new Request()
  readonly reply = new Reply()
  readonly attributes: Attributes = emptyAttributes()
  readonly door: Door
  readonly caller: RequestCaller
  readonly pending: PendingWrites
  readonly lifetime: Lifetime
  readonly poked: () => void

  constructor({ door, caller, pending, lifetime, poked }: ExchangeOptions) {
    this.door = door
    this.caller = caller
    this.pending = pending
    this.lifetime = lifetime
    this.poked = poked
  }
}

/** Result of an operation that is not answered, or not yet. No error number is that far down. */
export const NO_REPLY = -1_000_000

/** Puts the body of the answer into `reply` and returns its size, or an errno, or NO_REPLY. */
export type Operation = (x: Exchange) => number
