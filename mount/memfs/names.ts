/**
 * Names at this door: JavaScript strings are UTF-8, names inside are bytes (`ByteString`).
 *
 * memfs turns a path given as a Buffer into a string before anybody can look at it. Bytes that are no UTF-8 survive
 * that as lone surrogates, U+DC80 for 0x80 and so on, which no string of UTF-8 contains.
 */
import { Buffer } from 'node:buffer'
import type { ByteString } from '../../src/units.ts'

const ASCII = /^[\0-\x7f]*$/
/** A lone surrogate that stands for a byte. A pair is not matched: the flag makes it one character. */
const ESCAPED = /[\udc80-\udcff]/u
const ALL_ESCAPED = /[\udc80-\udcff]/gu
const ESCAPE = 0xdc00

/** What a system call gets for a path of `fs`. */
export function toByteString(path: string): ByteString {
  if (ASCII.test(path)) return path
  let bytes = ''
  for (const character of path)
    bytes += ESCAPED.test(character)
      ? String.fromCharCode(character.charCodeAt(0) - ESCAPE)
      : Buffer.from(character).toString('latin1')
  return bytes
}

/** Bytes as Node shows them: in an encoding, with U+FFFD for what is no UTF-8, or as they are. */
export function fromByteString(bytes: ByteString, encoding?: string | null): string | Buffer {
  if (encoding === 'buffer') return Buffer.from(bytes, 'latin1')
  if ((encoding ?? 'utf8') === 'utf8' && ASCII.test(bytes)) return bytes
  return Buffer.from(bytes, 'latin1').toString((encoding ?? 'utf8') as BufferEncoding)
}

/** Bytes as a path that memfs carries unchanged. */
export function escapeBytes(bytes: ByteString): string {
  if (ASCII.test(bytes)) return bytes
  const text = Buffer.from(bytes, 'latin1').toString()
  if (Buffer.from(text).toString('latin1') === bytes) return text
  // Whatever is no UTF-8 somewhere is escaped everywhere: such names are rare, and never shown.
  return bytes.replace(/[\x80-\xff]/g, byte => String.fromCharCode(ESCAPE + byte.charCodeAt(0)))
}

/** An argument of `fs` before memfs sees it: other things than paths stay what they are. */
export function carryPath(argument: unknown): unknown {
  if (argument instanceof Uint8Array)
    return escapeBytes(Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength).toString('latin1'))
  return typeof argument === 'string' ? argument.toWellFormed() : argument
}

/** A carried path for people. */
export const showPath = (path: string): string => (ESCAPED.test(path) ? path.replace(ALL_ESCAPED, '\ufffd') : path)
