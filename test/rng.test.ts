// Streams of chance: the reference sequence of xoshiro128**, and the shape of what is made of it.
import t from 'tap'
import { below, nextWord, normal, roundByChance, runLength, stream, uniform } from '../src/rng.ts'

t.test('xoshiro128** from the state 1 2 3 4', t => {
  // By hand from the description: rotl(2 * 5, 7) * 9 = 11520; then s1 is 1 ^ 2 ^ 3 = 0: result 0; then
  // s = (7, 0, 1026, 12288), t = 0: s1 becomes 0 ^ (1026 ^ 7) and so on.
  const rng = { words: new Uint32Array([1, 2, 3, 4]) }
  t.strictSame([nextWord(rng), nextWord(rng), nextWord(rng), nextWord(rng)], [11520, 0, 5927040, 70819200])
  t.end()
})

t.test('same seed and name, same numbers; another name, others', t => {
  const draw = (seed: number, name: string) => {
    const rng = stream(seed, name)
    return [uniform(rng), uniform(rng), uniform(rng)]
  }
  t.strictSame(draw(1, 'fleet'), draw(1, 'fleet'))
  t.strictNotSame(draw(1, 'fleet'), draw(1, 'build'))
  t.strictNotSame(draw(1, 'fleet'), draw(2, 'fleet'))
  t.end()
})

t.test('means are what they are called', t => {
  const rng = stream(1, 'means')
  const mean = (draw: () => number, n = 20_000) => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += draw()
    return sum / n
  }
  // Three standard errors: 1/sqrt(12 n), 1/sqrt(n), sqrt(20*19/n), ...
  t.ok(Math.abs(mean(() => uniform(rng)) - 0.5) < 0.0062)
  t.ok(Math.abs(mean(() => normal(rng))) < 0.022)
  t.ok(Math.abs(mean(() => runLength(rng, 20)) - 20) < 0.42)
  t.ok(Math.abs(mean(() => below(rng, 7)) - 3) < 0.043)
  t.ok(Math.abs(mean(() => roundByChance(rng, 0.45)) - 0.45) < 0.011)
  t.equal(runLength(rng, 1), 1)
  t.end()
})
