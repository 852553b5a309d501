/**
 * Text as interface files print it: ASCII into a byte buffer, without a string in between for numbers.
 */
import type { ByteString } from '../units.ts'

const ZERO = 0x30
const NEWLINE = 0x0a
const SPACE = 0x20

/** A growing buffer that one text after the other is printed into. */
export class TextBuffer {
  bytes: Uint8Array
  length = 0

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity)
  }

  clear(): void {
    this.length = 0
  }

  #reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const bigger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more))
    bigger.set(this.bytes.subarray(0, this.length))
    this.bytes = bigger
  }

  byte(code: number): this {
    this.#reserve(1)
    this.bytes[this.length++] = code
    return this
  }

  text(text: ByteString): this {
    const { length } = text
    this.#reserve(length)
    const { bytes } = this
    let at = this.length
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i)
    this.length = at
    return this
  }

  /** A whole number in decimal; exact up to 2^53. */
  number(value: number): this {
    if (value < 0) return this.text('-').number(-value)
    let digits = 1
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++
    this.#reserve(digits)
    const end = this.length + digits
    let rest = value
    for (let at = end - 1; at >= this.length; at--) {
      const next = Math.floor(rest / 10)
      this.bytes[at] = ZERO + (rest - next * 10)
      rest = next
    }
    this.length = end
    return this
  }

  newline(): this {
    return this.byte(NEWLINE)
  }

  /** `count` units of `unit` bytes each; exact also where the product passes 2^53. */
  bytesOf(count: number, unit: number): this {
    const bytes = count * unit
    return bytes <= Number.MAX_SAFE_INTEGER ? this.number(bytes) : this.text(String(BigInt(count) * BigInt(unit)))
  }

  /** A limit of `count` units: no limit is as many whole units as 2^63 bytes have room for. */
  limitOf(count: number, unit: number): this {
    const most = (2n ** 63n - 1n) / BigInt(unit)
    return count < most ? this.bytesOf(count, unit) : this.text(String(most * BigInt(unit)))
  }

  /** `value` on a line of its own. */
  line(value: number): void {
    this.number(value).newline()
  }

  /** A number, or `max` when it is `max`, on a line of its own. */
  lineOrMax(value: number, max = Number.POSITIVE_INFINITY): void {
    if (value === max) this.text('max\n')
    else this.line(value)
  }

  /** `key value` on a line. */
  keyed(key: string, value: number): void {
    this.text(key).byte(SPACE).number(value).newline()
  }

  toString(): ByteString {
    return fromBytes(this.bytes, 0, this.length)
  }
}

/** `length` bytes from `at` as a string of one character each. */
export function fromBytes(bytes: Uint8Array, at: number, length: number): ByteString {
  let text = ''
  for (let i = at; i < at + length; i++) text += String.fromCharCode(bytes[i]!)
  return text
}

/** A byte string as bytes. */
export function toBytes(text: ByteString): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}
