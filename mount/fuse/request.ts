/**
 * One request, decoded in place. The buffer is read into again and again; nothing of it survives the request.
 */
import type { ByteString } from '../../src/units.ts'
import { IN_HEADER, REQUEST_BUFFER } from './protocol.ts'

const BODY = IN_HEADER.sizeof
const TWO_32 = 2 ** 32

/** Offsets of the getters are of the header's or the body's structures in protocol.ts. */
export class Request {
  /** Its own ArrayBuffer (alloc never takes from the pool), so that the words are aligned. */
  readonly bytes = Buffer.alloc(REQUEST_BUFFER)
  readonly words = new Uint32Array(this.bytes.buffer)

  get length(): number {
    return this.words[IN_HEADER.length >> 2]!
  }

  get opcode(): number {
    return this.words[IN_HEADER.opcode >> 2]!
  }

  /** Number that the reply repeats: 64 bits, kept as two words because it may pass 2^53. */
  get uniqueLow(): number {
    return this.words[IN_HEADER.unique >> 2]!
  }

  get uniqueHigh(): number {
    return this.words[(IN_HEADER.unique >> 2) + 1]!
  }

  get node(): number {
    return this.words[IN_HEADER.node >> 2]! + this.words[(IN_HEADER.node >> 2) + 1]! * TWO_32
  }

  u32(offset: number): number {
    return this.words[(BODY + offset) >> 2]!
  }

  /** A number below 2^53: node numbers, counts, cookies and kernel handles are counters that never get there. */
  u64(offset: number): number {
    const word = (BODY + offset) >> 2
    return this.words[word]! + this.words[word + 1]! * TWO_32
  }

  /** Seconds of a time may be negative. */
  i64(offset: number): number {
    const word = (BODY + offset) >> 2
    return this.words[word]! + (this.words[word + 1]! | 0) * TWO_32
  }

  /** Where a byte of the body is in `bytes`. */
  at(offset: number): number {
    return BODY + offset
  }

  /** The name that ends the request, without its NUL. */
  name(offset: number): ByteString {
    return this.bytes.toString('latin1', BODY + offset, this.length - 1)
  }

  /** Where the NUL is that ends the name beginning at `offset`, counted as `offset` is. */
  nameEnd(offset: number): number {
    return this.bytes.indexOf(0, BODY + offset) - BODY
  }

  /** A name from `offset` up to `end`. */
  nameUpTo(offset: number, end: number): ByteString {
    return this.bytes.toString('latin1', BODY + offset, BODY + end)
  }
}
