/**
 * The simulated machine in the thread of its mount: what `createDoor` makes there (mount/fuse/service.ts). Calls of the
 * view in the main thread are done between two requests. When the mount is gone, the machine's state is sent back.
 */
import { BroadcastChannel } from 'node:worker_threads'
import { type Packed, pack, unpack } from '../../src/api/pack.ts'
import { System, type SystemState } from '../../src/api/system.ts'
import { PENDING } from '../../src/kernfs/door.ts'
import type { CreateDoor } from '../fuse/service.ts'
import { hostNow } from './host-time.ts'
import {
  type CallAnswer,
  type CallMessage,
  type FromService,
  type LastCall,
  LEAVING,
  SENT,
  type ServiceSetup,
  type ToService,
} from './messages.ts'
import { MountedKernfs } from './mounted-kernfs.ts'

export const createDoor: CreateDoor = (given, { processes }) => {
  const setup = given as ServiceSetup
  const system = System.resume(unpack(setup.state) as SystemState, {
    host: processes,
    time: { now: hostNow },
    create: (kernel, opens) => new MountedKernfs(kernel, opens),
  })
  const service = new MachineService(system, setup)
  return { door: service.door, call: message => service.call(message as ToService) }
}

class MachineService {
  readonly #system: System
  readonly #channel: BroadcastChannel
  readonly #fate: Int32Array
  readonly #keep: boolean
  /** Writes of calls that have to wait, by ticket: their results once they are there. */
  readonly #waiting = new Map<number, number | undefined>()
  #last: LastCall | undefined

  constructor(system: System, { channel, fate, keep }: ServiceSetup) {
    this.#system = system
    this.#fate = fate
    this.#keep = keep
    this.#channel = new BroadcastChannel(channel)
    this.#channel.unref()
    this.door.connect(system.vfs)
    system.vfs.onEvents(() => this.#say({ kind: 'news' }))
    system.vfs.follow(notice => {
      if (notice.kind === 'done' && this.#waiting.has(notice.ticket)) this.#waiting.set(notice.ticket, notice.result)
    })
    process.once('exit', code => this.#leave(code))
  }

  get door(): MountedKernfs {
    return this.#system.vfs.door as MountedKernfs
  }

  call(message: ToService): CallAnswer {
    if (message.kind === 'ask') return this.#answerOf(message.ticket)
    const answer = this.door.duringCall(() => this.#do(message))
    this.#last = { number: message.number, answer }
    return answer
  }

  #do({ process, name, args }: CallMessage): CallAnswer {
    const target = process === undefined ? this.#system : this.#system.process(process)
    try {
      const result = (target as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[name]!(...args)
      if (result === PENDING) return this.#wait(this.door.lastTicket)
      // What is read is a view of a large buffer, which would be sent with it.
      return { result: result instanceof Uint8Array ? result.slice() : result }
    } catch (error) {
      return { error: error as Error }
    }
  }

  /** A write that waits is not finished by the same request: its result comes later. */
  #wait(ticket: number): CallAnswer {
    this.#waiting.set(ticket, undefined)
    return { ticket }
  }

  #answerOf(ticket: number): CallAnswer {
    const result = this.#waiting.get(ticket)
    if (result === undefined) return { ticket }
    this.#waiting.delete(ticket)
    return { result }
  }

  /** The loop has ended, and with it this thread. After a crash there is no telling what the state is worth. */
  #leave(code: number): void {
    Atomics.store(this.#fate, 0, LEAVING)
    Atomics.notify(this.#fate, 0)
    let state: Packed | undefined
    try {
      if (this.#keep && code === 0) state = this.#packState()
    } finally {
      this.#say({ kind: 'state', state, last: this.#last })
      Atomics.store(this.#fate, 0, SENT)
      Atomics.notify(this.#fate, 0)
    }
  }

  #packState(): Packed {
    this.#system.forgetMount()
    return pack(this.#system.state)
  }

  #say(message: FromService): void {
    this.#channel.postMessage(message)
  }
}
