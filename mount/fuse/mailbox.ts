/**
 * The loop's side of the talk with the other threads (messages.ts). Our messages go through at once; theirs wait until
 * somebody pokes the mount.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { milliseconds, type Nanoseconds } from '../../src/units.ts'
import type { LoopToAttendant, ToLoop } from './messages.ts'
import type { Notices } from './notices.ts'
import type { Service } from './service.ts'

/** A timer is not worth arming for less: its wake-up and poke take about 0.1 ms of CPU time. */
const SHORTEST_WAIT = milliseconds(10)

export interface MailboxOptions {
  readonly service: Service
  readonly notices: Notices
  readonly main: MessagePort
  readonly attendant: MessagePort
}

export class Mailbox {
  readonly #service: Service
  readonly #notices: Notices
  readonly #main: MessagePort
  readonly #attendant: MessagePort
  #stopped = false
  /** When the attendant's timer will poke us. */
  #armedFor: Nanoseconds = Number.POSITIVE_INFINITY

  constructor({ service, notices, main, attendant }: MailboxOptions) {
    this.#service = service
    this.#notices = notices
    this.#main = main
    this.#attendant = attendant
  }

  /** The main thread wants the loop to end. */
  get stopped(): boolean {
    return this.#stopped
  }

  takeMessages(): void {
    for (const port of [this.#attendant, this.#main]) {
      for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) {
        this.#obey(received.message as ToLoop)
      }
    }
  }

  /** Asks for a poke when deferred work is due, unless one comes by then anyway. Called after every request. */
  wakeBy(due: Nanoseconds, now: Nanoseconds): void {
    if (due >= this.#armedFor) return
    const at = Math.max(due, now + SHORTEST_WAIT)
    if (at >= this.#armedFor) return
    this.#armedFor = at
    this.#tell({ kind: 'dueIn', milliseconds: (at - now) / milliseconds(1) })
  }

  #obey(message: ToLoop): void {
    switch (message.kind) {
      case 'call':
        this.#answer(message.id, message.message)
        break
      case 'due':
        this.#armedFor = Number.POSITIVE_INFINITY
        break
      case 'stop':
        this.#stopped = true
        break
    }
  }

  /** The answer goes by way of the attendant, who has to do first what the notices want. */
  #answer(id: number, message: unknown): void {
    const outcome = this.#call(message)
    this.#notices.carryOut(this.#service.door.takeNotices())
    this.#notices.forgetRoot()
    try {
      this.#tell({ kind: 'answer', answer: { id, ...outcome } })
    } catch (error) {
      this.#tell({ kind: 'answer', answer: { id, error } }) // The result cannot be sent between threads.
    }
  }

  #call(message: unknown): { result: unknown } | { error: unknown } {
    try {
      return { result: this.#service.call?.(message) }
    } catch (error) {
      return { error }
    }
  }

  #tell(message: LoopToAttendant): void {
    this.#attendant.postMessage(message)
  }
}
