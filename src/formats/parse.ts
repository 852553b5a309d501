/**
 * How interface files read what is written to them (interface-files.md §2). Texts arrive cut at the first NUL byte;
 * which blanks are tolerated depends on the file, so trimming is the caller's decision. Results are never negative:
 * a number outside its range is the errno that the file answers for it.
 */
import { EINVAL, ERANGE, type Errno } from '../errno.ts'
import type { ByteString, Bytes } from '../units.ts'

/** Blank, tab, newline, vertical tab, form feed, carriage return. Kernel: lib/ctype.c isspace. */
const isSpace = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d)

/** Without white space at both ends. Kernel: strstrip. */
export function trim(text: ByteString): ByteString {
  let from = 0
  let to = text.length
  while (from < to && isSpace(text.charCodeAt(from))) from++
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--
  return from === 0 && to === text.length ? text : text.slice(from, to)
}

interface Digits {
  readonly value: bigint
  /** Index behind the last digit. */
  readonly end: number
  readonly count: number
}

/** Leading digits in the base that their prefix names: 0x, 0, or decimal. Kernel: lib/kstrtox.c, simple_strtoull. */
function digits(text: ByteString, at: number): Digits {
  let base = 10n
  let from = at
  if (text[at] === '0') {
    const isHex = (text[at + 1] === 'x' || text[at + 1] === 'X') && /[0-9a-fA-F]/.test(text[at + 2] ?? '')
    base = isHex ? 16n : 8n
    if (isHex) from = at + 2
  }
  let value = 0n
  let end = from
  for (; end < text.length; end++) {
    const digit = Number.parseInt(text[end]!, 36)
    if (Number.isNaN(digit) || BigInt(digit) >= base) break
    value = value * base + BigInt(digit)
  }
  return { value, end, count: end - from }
}

/** A whole text that is one integer with an optional sign and newline at its end; undefined if it is anything else. */
function wholeInteger(text: ByteString): bigint | undefined {
  const signed = text[0] === '-' || text[0] === '+'
  const { value, end, count } = digits(text, signed ? 1 : 0)
  if (count === 0) return undefined
  const rest = text[end] === '\n' ? end + 1 : end
  if (rest !== text.length) return undefined
  return text[0] === '-' ? -value : value
}

export interface Range {
  readonly min: number
  readonly max: number
  /** What a number outside is answered with. */
  readonly outside: Errno
  /** What a number beyond `bits` is answered with; ERANGE unless said. */
  readonly overflow?: Errno
  /** Width of the signed type it is read into; 32 unless said. */
  readonly bits?: 32 | 64
}

/** One signed integer within a range. Kernel: kstrtoint, kstrtos64. */
export function parseInteger(
  text: ByteString,
  { min, max, outside, overflow = ERANGE, bits = 32 }: Range,
): number | Errno {
  const value = wholeInteger(text)
  if (value === undefined) return EINVAL
  if (BigInt.asIntN(bits, value) !== value) return overflow
  return value < BigInt(min) || value > BigInt(max) ? outside : Number(value)
}

/** One unsigned integer of 64 bits; beyond 2^53 only its magnitude counts. ERANGE above. Kernel: kstrtoull. */
export function parseUnsigned(text: ByteString): number | Errno {
  const value = text.startsWith('-') ? undefined : wholeInteger(text)
  if (value === undefined) return EINVAL
  return value < UNSIGNED_64 ? Number(value) : ERANGE
}

/** As parseInteger, or the word `max`, which is Infinity. */
export function parseIntegerOrMax(text: ByteString, range: Range): number | Errno {
  return text === 'max' ? Number.POSITIVE_INFINITY : parseInteger(text, range)
}

const SUFFIXES = 'KMGTPE'
const UNSIGNED_64 = 2n ** 64n

/**
 * The size at the start of a text: digits in any base without a sign, and one optional suffix K to E in either case.
 * In bytes, wrapping at 2^64 as the kernel's does; `end` is 0 when there is none. Kernel: lib/cmdline.c memparse.
 */
export function scanSize(text: ByteString): { bytes: bigint; end: number } {
  const { value, end, count } = digits(text, 0)
  if (count === 0) return { bytes: 0n, end: 0 }
  const power = end < text.length ? SUFFIXES.indexOf(text[end]!.toUpperCase()) : -1
  if (power === -1) return { bytes: value % UNSIGNED_64, end }
  return { bytes: (value << BigInt(10 * (power + 1))) % UNSIGNED_64, end: end + 1 }
}

/**
 * A text that is one size and nothing else, in whole units of `unit` bytes, at most `most` of them; an empty text is 0.
 * Kernel: mm/page_counter.c page_counter_memparse.
 */
export function parseSize(text: ByteString, unit: Bytes, most: number): number | Errno {
  const { bytes, end } = scanSize(text)
  if (end !== text.length) return EINVAL
  const units = bytes / BigInt(unit)
  return units > BigInt(most) ? most : Number(units)
}

/** As parseSize; the word `max` is `most`. */
export function parseSizeOrMax(text: ByteString, unit: Bytes, most: number): number | Errno {
  return text === 'max' ? most : parseSize(text, unit, most)
}

/** Unsigned decimal digits at `at`, wrapping at 32 bits: what sscanf("%u") takes. The number and where it ended. */
export function scanUnsigned(text: ByteString, at: number): { value: number; end: number } | undefined {
  let from = at
  while (from < text.length && isSpace(text.charCodeAt(from))) from++
  let end = from
  let value = 0n
  for (; end < text.length && text[end]! >= '0' && text[end]! <= '9'; end++)
    value = BigInt.asUintN(32, value * 10n + BigInt(text[end]!))
  return end === from ? undefined : { value: Number(value), end }
}
