/**
 * The reply being written. The buffer is used again and again and is not cleared between: an operation sets every
 * field of the structure it answers with.
 */
import { type ByteString, roundUp } from '../../src/units.ts'
import { MAX_TRANSFER, OUT_HEADER } from './protocol.ts'

const BODY = OUT_HEADER.sizeof
const TWO_32 = 2 ** 32

/** Offsets of the setters are of the body's structures in protocol.ts. */
export class Reply {
  readonly bytes: Buffer
  readonly words: Uint32Array

  constructor(bodySize: number = MAX_TRANSFER) {
    this.bytes = Buffer.alloc(roundUp(BODY + bodySize, Uint32Array.BYTES_PER_ELEMENT))
    this.words = new Uint32Array(this.bytes.buffer)
  }

  setU32(offset: number, value: number): void {
    this.words[(BODY + offset) >> 2] = value
  }

  /** A whole number between -2^53 and 2^53: its low word is the remainder, its high word the floor of the quotient. */
  setU64(offset: number, value: number): void {
    const word = (BODY + offset) >> 2
    this.words[word] = value
    this.words[word + 1] = Math.floor(value / TWO_32)
  }

  /** Where a byte of the body is in `bytes`. */
  at(offset: number): number {
    return BODY + offset
  }

  /** Writes a name and returns its length. */
  setName(offset: number, name: ByteString): number {
    return this.bytes.write(name, BODY + offset, 'latin1')
  }

  fill(offset: number, size: number): void {
    this.bytes.fill(0, BODY + offset, BODY + offset + size)
  }

  /** Completes the header, with a body of `size` bytes or an error, and returns the length of the whole. */
  seal(error: number, size: number, uniqueLow: number, uniqueHigh: number): number {
    const words = this.words
    words[OUT_HEADER.length >> 2] = BODY + size
    words[OUT_HEADER.error >> 2] = error
    words[OUT_HEADER.unique >> 2] = uniqueLow
    words[(OUT_HEADER.unique >> 2) + 1] = uniqueHigh
    return BODY + size
  }
}
