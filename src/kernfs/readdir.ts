/**
 * Reading directories: in the order of a hash of the names, at offsets that are the hash. Kernel: fs/kernfs/dir.c.
 */
import type { Features } from '../profiles/features.ts'
import type { ByteString } from '../units.ts'

const MASK_64 = 2n ** 64n - 1n
/** 2^64 over the golden ratio. Kernel: GOLDEN_RATIO_64. */
const GOLDEN_RATIO = 0x61c8864680b583ebn

/** Offset behind the last entry. */
export const END_OF_DIRECTORY = 0x7fffffff
/** Offsets of `..` and of the first entry that may be a name. */
export const AFTER_DOT = 1
const FIRST_NAME = 2

/** 31 bits of a name; 0, 1 and the largest value are taken. Kernel: kernfs_name_hash, full_name_hash. */
export function nameHash(name: ByteString, features: Features): number {
  let hash = 0n
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    const byte = BigInt(features.nameHashBytes === 'signed' && code > 127 ? code - 256 : code)
    hash = ((hash + ((byte << 4n) & MASK_64) + ((byte & MASK_64) >> 4n)) * 11n) & MASK_64
  }
  const folded = Number((((hash * GOLDEN_RATIO) & MASK_64) >> 32n) & 0x7fffffffn)
  if (folded < FIRST_NAME) return folded + FIRST_NAME
  return folded >= END_OF_DIRECTORY ? END_OF_DIRECTORY - 1 : folded
}
