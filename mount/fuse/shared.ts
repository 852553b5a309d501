/** The little that the threads of a mount know of each other without a message. */
export class SharedState {
  /** Plain memory, to be handed to another thread. */
  readonly words: Int32Array

  constructor(words: Int32Array = new Int32Array(new SharedArrayBuffer(8))) {
    this.words = words
  }

  /** How many answers the main thread has been sent. */
  get answers(): number {
    return Atomics.load(this.words, 0)
  }

  countAnswer(): void {
    Atomics.add(this.words, 0, 1)
    Atomics.notify(this.words, 0)
  }

  /** Waits until there are other than `known` answers. */
  waitForAnswer(known: number): void {
    Atomics.wait(this.words, 0, known)
  }

  /** The connection is ending: the number of the descriptor will soon mean nothing, or something else. */
  get ended(): boolean {
    return Atomics.load(this.words, 1) === 1
  }

  end(): void {
    Atomics.store(this.words, 1, 1)
  }
}
