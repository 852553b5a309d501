/**
 * The request loop: read a request, run the operation, send its reply. It owns its thread and the model behind the
 * door; a request is one synchronous call chain and nothing here awaits.
 */
import type { MessagePort } from 'node:worker_threads'
import type { Door, Notice } from '../../src/kernfs/door.ts'
import { RequestCaller } from '../host/caller.ts'
import type { Log } from '../host/log.ts'
import type { Lifetime } from './attributes.ts'
import type { Device } from './device.ts'
import { Exchange, NO_REPLY } from './exchange.ts'
import { Mailbox } from './mailbox.ts'
import { type InvalidationWay, Notices } from './notices.ts'
import { OPERATIONS } from './operations/table.ts'
import { PendingWrites } from './pending.ts'
import { IN_HEADER, OP } from './protocol.ts'
import type { Service } from './service.ts'

export interface LoopOptions {
  readonly device: Device
  /** Of the mount, as mountinfo has it. */
  readonly mountDevice: string | undefined
  readonly service: Service
  readonly main: MessagePort
  readonly attendant: MessagePort
  /** How long the kernel may keep names and attributes. */
  readonly lifetime: Lifetime
  readonly invalidation: InvalidationWay
  /** Logs each request; undefined unless somebody wants to see that. */
  readonly trace: Log | undefined
}

export class Loop {
  readonly #device: Device
  readonly #door: Door
  readonly #notices: Notices
  readonly #mailbox: Mailbox
  readonly #x: Exchange
  readonly #trace: LoopOptions['trace']

  constructor({ device, mountDevice, service, main, attendant, lifetime, invalidation, trace }: LoopOptions) {
    const pending = new PendingWrites()
    const notices = new Notices({ device, pending, attendant, way: invalidation })
    const mailbox = new Mailbox({ service, notices, main, attendant })
    const poked = (): void => mailbox.takeMessages()
    this.#device = device
    this.#door = service.door
    this.#notices = notices
    this.#mailbox = mailbox
    this.#x = new Exchange({ door: service.door, caller: new RequestCaller(mountDevice), pending, lifetime, poked })
    this.#trace = trace
  }

  /** Returns when the filesystem is unmounted or the main thread says stop. */
  run(): void {
    const { bytes } = this.#x.request
    while (!this.#mailbox.stopped && this.#device.read(bytes)) this.#answer()
  }

  /** Deferred work of the model runs in `enter`; its notices and those of the operation are taken together. */
  #answer(): void {
    const { request, caller } = this.#x
    const { words } = request
    const now = Math.round(performance.now() * 1e6)
    this.#door.enter(now)
    caller.become(words[IN_HEADER.uid >> 2]!, words[IN_HEADER.gid >> 2]!, words[IN_HEADER.pid >> 2]!)
    const result = OPERATIONS[request.opcode]!(this.#x)
    this.#trace?.('opcode %d node %d: %d', request.opcode, request.node, result)
    const notices = this.#door.takeNotices()
    if (notices.length === 0) this.#send(result)
    else this.#sendWithNotices(result, notices)
    this.#mailbox.wakeBy(this.#door.nextDue(), now)
  }

  #send(result: number): void {
    if (result !== NO_REPLY) this.#device.write(this.#x.reply.bytes, this.#seal(result))
  }

  /** `result` is the size of the body, or an errno. Returns the length of the reply. */
  #seal(result: number): number {
    const { request, reply } = this.#x
    return result < 0
      ? reply.seal(result, 0, request.uniqueLow, request.uniqueHigh)
      : reply.seal(0, result, request.uniqueLow, request.uniqueHigh)
  }

  /**
   * A write by which names vanish is answered when the kernel has dropped them. Other requests are not held back:
   * mkdir and rmdir hold the lock of the directory, and dropping a name would wait for just that.
   */
  #sendWithNotices(result: number, notices: readonly Notice[]): void {
    const mayBeHeld = this.#x.request.opcode === OP.write && result !== NO_REPLY
    const isHeld = this.#notices.carryOut(notices, mayBeHeld ? () => this.#copyOfReply(result) : undefined)
    if (!isHeld) this.#send(result)
  }

  #copyOfReply(result: number): Uint8Array {
    return Uint8Array.from(this.#x.reply.bytes.subarray(0, this.#seal(result)))
  }
}
