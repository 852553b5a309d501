/** The machine in the thread of its mount, as the main thread reaches it: calls that wait for their answers. */
import { randomUUID } from 'node:crypto'
import { extname } from 'node:path'
import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { pack, unpack } from '../../src/api/pack.ts'
import type { SystemState } from '../../src/api/system.ts'
import { milliseconds } from '../../src/units.ts'
import type { MountOptions, Session } from '../fuse/session.ts'
import { mountFuse } from '../fuse/session.ts'
import { sleep } from './host-time.ts'
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

/** What is called: a process, or the machine. */
export type Target = Pick<CallMessage, 'process' | 'name' | 'args'>

export interface MountChoices extends Pick<MountOptions, 'lifetimeSec' | 'unref'> {
  /**
   * Go on in process when the mount is gone. Default true; false saves a program that only mounts the work of moving
   * everything back.
   */
  readonly keep?: boolean
}

export interface MachineListener {
  /** There is something to read for a watcher. */
  onNews(): void
  /** The mount is gone, and this is what it leaves: nothing if that was not wanted, or after a crash. Called once. */
  onReturn(state: SystemState | undefined): void
}

/** How a call goes on when its mount has gone; the listener has been given the state by then. */
export interface Unfinished {
  /** It was not begun. */
  again(): unknown
  /** It is a write that waits. */
  wait(ticket: number): unknown
}

const factory = new URL(`./service${extname(import.meta.filename)}`, import.meta.url)
/** How long the thread of a mount that is gone may take until it says so, and then to send the state. */
const LEAVING_MS = 1000
const SENDING_MS = 60_000
/** Between two questions for a write that waits. */
const ASK_AGAIN = milliseconds(2)

export class MountedMachine {
  readonly session: Session
  readonly #channel: BroadcastChannel
  readonly #fate: Int32Array
  readonly #listener: MachineListener
  #calls = 0
  #last: LastCall | undefined
  #returned = false

  private constructor(session: Session, channel: BroadcastChannel, fate: Int32Array, listener: MachineListener) {
    this.session = session
    this.#channel = channel
    this.#fate = fate
    this.#listener = listener
    channel.onmessage = event => this.#receive((event as { data: unknown }).data as FromService)
  }

  /** Mounts a copy of the state. Rejects as `mountFuse` does. */
  static async start(
    dir: string,
    state: SystemState,
    { keep = true, ...choices }: MountChoices,
    listener: MachineListener,
  ): Promise<MountedMachine> {
    const fate = new Int32Array(new SharedArrayBuffer(4))
    const name = `memcgfs ${randomUUID()}`
    const channel = new BroadcastChannel(name)
    channel.unref()
    const setup: ServiceSetup = { state: pack(state), channel: name, fate, keep }
    try {
      const session = await mountFuse(dir, { ...choices, factory, setup })
      return new MountedMachine(session, channel, fate, listener)
    } catch (error) {
      channel.close()
      throw error
    }
  }

  /** Makes a call there, and waits for the answer. */
  call(target: Target, unfinished: Unfinished): unknown {
    const number = ++this.#calls
    let answer: CallAnswer
    try {
      answer = this.#send({ kind: 'call', number, ...target })
      while ('ticket' in answer) {
        sleep(ASK_AGAIN)
        answer = this.#send({ kind: 'ask', ticket: answer.ticket })
      }
    } catch (error) {
      // Another mount may have been put over this one, which then goes on.
      Atomics.wait(this.#fate, 0, 0, LEAVING_MS)
      Atomics.wait(this.#fate, 0, LEAVING, SENDING_MS)
      if (!this.#takeState()) throw error
      if (this.#last?.number !== number) return unfinished.again()
      answer = this.#last.answer
    }
    if ('error' in answer) throw answer.error
    return 'result' in answer ? answer.result : unfinished.wait(answer.ticket)
  }

  /** Resolves when the mount is gone and its state is back. */
  async untilReturned(): Promise<void> {
    try {
      await this.session.closed
    } finally {
      this.#takeState()
      this.#give(undefined) // Nothing was sent: the thread was ended by force.
    }
  }

  #send(message: ToService): CallAnswer {
    return this.session.callSync(message) as CallAnswer
  }

  /** Takes what was sent; false if the mount is not gone. */
  #takeState(): boolean {
    while (!this.#returned && Atomics.load(this.#fate, 0) === SENT) {
      const received = receiveMessageOnPort(this.#channel as unknown as MessagePort)
      if (received === undefined) break
      this.#receive(received.message as FromService)
    }
    return this.#returned
  }

  #receive(message: FromService): void {
    if (message.kind === 'news') this.#listener.onNews()
    else {
      this.#last = message.last
      this.#give(message.state === undefined ? undefined : (unpack(message.state) as SystemState))
    }
  }

  #give(state: SystemState | undefined): void {
    if (this.#returned) return
    this.#returned = true
    this.#channel.close()
    this.#listener.onReturn(state)
  }
}
