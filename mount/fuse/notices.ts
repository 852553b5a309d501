/**
 * Carries out what the door asks for after an operation. It runs in the loop's thread, which must never wait for its
 * own mount; so what may wait there is handed to the attendant (fuse-transport.md §7).
 */
import type { MessagePort } from 'node:worker_threads'
import type { Notice, Ticket } from '../../src/kernfs/door.ts'
import { ROOT_NODE } from '../../src/kernfs/node.ts'
import { signalEventfd } from '../host/descriptors.ts'
import type { Device } from './device.ts'
import type { LoopToAttendant, StaleNames } from './messages.ts'
import type { PendingWrites } from './pending.ts'
import { NOTIFY, NOTIFY_INVAL_INODE_OUT, NOTIFY_POLL_OUT, WRITE_OUT } from './protocol.ts'
import { Reply } from './reply.ts'

/** How the kernel is told that names are gone or new. */
export type InvalidationWay =
  /** All names at once, from the loop itself: INC_EPOCH. */
  | 'epoch'
  /** Name by name, by the attendant. */
  | 'entries'

export interface NoticesOptions {
  readonly device: Device
  readonly pending: PendingWrites
  readonly attendant: MessagePort
  readonly way: InvalidationWay
}

export class Notices {
  readonly #device: Device
  readonly #pending: PendingWrites
  readonly #attendant: MessagePort
  readonly #way: InvalidationWay
  readonly #wakeUp = new Reply(NOTIFY_POLL_OUT.sizeof)

  constructor({ device, pending, attendant, way }: NoticesOptions) {
    this.#device = device
    this.#pending = pending
    this.#attendant = attendant
    this.#way = way
  }

  /**
   * `held` is a reply that must not be sent while names it makes vanish are still in the kernel's cache. True if it
   * was taken over, false if there is no reason to hold it back.
   */
  carryOut(notices: readonly Notice[], held?: () => Uint8Array): boolean {
    const stale: StaleNames[] = []
    const replies: Uint8Array[] = []
    for (const notice of notices) {
      switch (notice.kind) {
        case 'poll':
          this.#wakePoller(notice.token)
          break
        case 'modified':
          this.#tell({ kind: 'modified', path: notice.path })
          break
        case 'names':
          stale.push({ parent: notice.parent, names: notice.names })
          break
        case 'signal':
          signalEventfd(notice)
          break
        case 'done':
          replies.push(...this.#writeReply(notice.ticket, notice.result))
          break
      }
    }
    if (stale.length > 0 && this.#way === 'entries') {
      if (held) replies.push(held())
      this.#tell({ kind: 'invalidate', fd: this.#device.fd, invalidation: { stale, replies } })
      return held !== undefined
    }
    if (stale.length > 0) this.#device.write(INC_EPOCH.bytes, INC_EPOCH.bytes.length)
    for (const reply of replies) this.#device.write(reply, reply.length)
    return false
  }

  /** The root has no name that could be looked up again: its attributes are forgotten as such. */
  forgetRoot(): void {
    this.#device.write(STALE_ROOT.bytes, STALE_ROOT.bytes.length)
  }

  #wakePoller(kernelHandle: number): void {
    const message = this.#wakeUp
    message.setU64(NOTIFY_POLL_OUT.kernelHandle, kernelHandle)
    this.#device.write(message.bytes, message.seal(NOTIFY.poll, NOTIFY_POLL_OUT.sizeof, 0, 0))
  }

  /** One reply, or none for a ticket that belongs to no request. */
  #writeReply(ticket: Ticket, result: number): Uint8Array[] {
    const unique = this.#pending.take(ticket)
    if (unique === undefined) return []
    const size = result < 0 ? 0 : WRITE_OUT.sizeof
    const reply = new Reply(size)
    if (result >= 0) reply.setU64(WRITE_OUT.size, result)
    reply.seal(Math.min(result, 0), size, unique.low, unique.high)
    return [reply.bytes]
  }

  #tell(message: LoopToAttendant): void {
    this.#attendant.postMessage(message)
  }
}

const STALE_ROOT = new Reply(NOTIFY_INVAL_INODE_OUT.sizeof)
STALE_ROOT.setU64(NOTIFY_INVAL_INODE_OUT.node, ROOT_NODE)
STALE_ROOT.setU32(NOTIFY_INVAL_INODE_OUT.offset, 0xffff_ffff)
STALE_ROOT.setU32(NOTIFY_INVAL_INODE_OUT.offset + 4, 0xffff_ffff)
STALE_ROOT.seal(NOTIFY.invalInode, NOTIFY_INVAL_INODE_OUT.sizeof, 0, 0)

const INC_EPOCH = new Reply(0)
INC_EPOCH.seal(NOTIFY.incEpoch, 0, 0, 0)
