/**
 * Chance from a seed: the same seed and name give the same numbers on every machine.
 *
 * xoshiro128** by D. Blackman and S. Vigna (public domain, https://prng.di.unimi.it/), its state filled by splitmix32.
 * Who needs chance takes a stream of its own by name, so that one more draw in one place moves nothing elsewhere.
 */

/** State of one stream: plain data. */
export interface Rng {
  readonly words: Uint32Array
}

/** The stream of that name for a seed. */
export function stream(seed: number, name: string): Rng {
  let mix = hash(`${seed} ${name}`)
  const words = new Uint32Array(4)
  for (let i = 0; i < words.length; i++) {
    mix = (mix + 0x9e3779b9) >>> 0
    let z = mix
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    words[i] = z ^ (z >>> 16)
  }
  // The generator never leaves the state of all zeros.
  if (words.every(word => word === 0)) words[0] = 1
  return { words }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k))

/** A whole number from 0 to 2^32 - 1. */
export function nextWord({ words }: Rng): number {
  const result = Math.imul(rotate(Math.imul(words[1]!, 5), 7), 9) >>> 0
  const shifted = words[1]! << 9
  words[2]! ^= words[0]!
  words[3]! ^= words[1]!
  words[1]! ^= words[2]!
  words[0]! ^= words[3]!
  words[2]! ^= shifted
  words[3] = rotate(words[3]!, 11)
  return result
}

/** At least 0, below 1. */
export const uniform = (rng: Rng): number => nextWord(rng) / 2 ** 32

/** A whole number from 0 to `n` - 1. */
export const below = (rng: Rng, n: number): number => Math.floor(uniform(rng) * n)

export const chance = (rng: Rng, probability: number): boolean => uniform(rng) < probability

/** Normal with mean 0 and deviation 1 (Box and Muller). */
export const normal = (rng: Rng): number =>
  Math.sqrt(-2 * Math.log(1 - uniform(rng))) * Math.cos(2 * Math.PI * uniform(rng))

/** At least 1, on average `mean`: how long a run is that ends after each element with the same probability. */
export const runLength = (rng: Rng, mean: number): number =>
  mean <= 1 ? 1 : 1 + Math.floor(Math.log(1 - uniform(rng)) / Math.log(1 - 1 / mean))

/** A whole number next to `x`, as often up as its fraction says. */
export const roundByChance = (rng: Rng, x: number): number => Math.floor(x) + (chance(rng, x % 1) ? 1 : 0)
