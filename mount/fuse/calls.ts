/**
 * Calls from the main thread to what the loop serves. The message is posted to the loop, which looks at it when the
 * attendant pokes the mount; the answer comes by way of the attendant. Nothing here touches the mount.
 */
import { receiveMessageOnPort } from 'node:worker_threads'
import type { Answer, MainToAttendant, MainToLoop } from './messages.ts'
import type { Threads } from './threads.ts'

interface Waiting {
  resolve(result: unknown): void
  reject(error: unknown): void
}

export class Calls {
  readonly #threads: Threads
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  constructor(threads: Threads) {
    this.#threads = threads
    threads.answers.on('message', (answer: Answer) => this.#settle(answer))
    threads.answers.unref()
  }

  call(message: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#threads.shared.ended) return reject(gone())
      this.#waiting.set(this.#post(message), { resolve, reject })
      this.#threads.answers.ref() // Who waits for an answer keeps the process alive.
    })
  }

  callSync(message: unknown): unknown {
    const { shared } = this.#threads
    const id = this.#post(message)
    for (;;) {
      const known = shared.answers
      const answer = this.#receive(id)
      if (answer) return resultOf(answer)
      if (shared.ended) throw gone()
      shared.waitForAnswer(known)
    }
  }

  /** Nothing will be answered any more. */
  end(): void {
    for (const { reject } of this.#waiting.values()) reject(gone())
    this.#waiting.clear()
    this.#threads.answers.close()
  }

  #post(message: unknown): number {
    const id = ++this.#lastId
    this.#threads.loop.postMessage({ kind: 'call', id, message } satisfies MainToLoop)
    this.#threads.attendant.postMessage({ kind: 'poke' } satisfies MainToAttendant)
    return id
  }

  /** Takes answers out until the wanted one comes; others may be in front of it. */
  #receive(wanted: number): Answer | undefined {
    for (;;) {
      const received = receiveMessageOnPort(this.#threads.answers)
      if (received === undefined) return undefined
      const answer = received.message as Answer
      if (answer.id === wanted) return answer
      this.#settle(answer)
    }
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (this.#waiting.size === 0) this.#threads.answers.unref()
    if ('error' in answer) waiting?.reject(answer.error)
    else waiting?.resolve(answer.result)
  }
}

function resultOf(answer: Answer): unknown {
  if ('error' in answer) throw answer.error
  return answer.result
}

const gone = (): Error => new Error('the mount is gone')
