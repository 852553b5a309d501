/** Writes whose answer waits for the model's time: an unfinished write(2) holds its caller until then. */
import type { Ticket } from '../../src/kernfs/door.ts'

interface Unique {
  readonly low: number
  readonly high: number
}

export class PendingWrites {
  readonly #uniques = new Map<Ticket, Unique>()

  add(ticket: Ticket, low: number, high: number): void {
    this.#uniques.set(ticket, { low, high })
  }

  /** Whom to answer; undefined if the ticket was never handed out to a request. */
  take(ticket: Ticket): Unique | undefined {
    const unique = this.#uniques.get(ticket)
    this.#uniques.delete(ticket)
    return unique
  }

  /** The ticket of a waiting request. A search: interrupts are rare, and so are writes that wait. */
  find(low: number, high: number): Ticket | undefined {
    for (const [ticket, unique] of this.#uniques) {
      if (unique.low === low && unique.high === high) return ticket
    }
    return undefined
  }
}
