/** Plain data as a flat record, and back. */
import t from 'tap'
import { pack, unpack } from '../../src/api/pack.ts'

const copy = <T extends object>(root: T): T => unpack(structuredClone(pack(root))) as T

t.test('everything plain survives', async t => {
  const shared = { name: 'shared' }
  const root = {
    numbers: [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53],
    texts: ['', 'a', 'ü'],
    others: [undefined, null, true, 12n],
    map: new Map<unknown, unknown>([
      [1, 'one'],
      [shared, new Set([shared, 'x'])],
    ]),
    bytes: new Uint8Array([1, 2, 3]),
    floats: new Float64Array([1.5, 2.5]),
    ints: new Int32Array(3),
    again: shared,
    empty: [{}, [], new Map(), new Set()],
    holes: new Array(3),
    self: undefined as unknown,
  }
  root.self = root
  const made = copy(root)
  t.strictSame({ ...made, self: 0 }, { ...root, self: 0, holes: [undefined, undefined, undefined] })
  t.equal(made.self, made, 'a circle stays one')
  t.equal([...made.map.keys()][1], made.again, 'what was one object is one object')
  t.not(made.again, shared)
  t.ok(made.floats instanceof Float64Array && made.ints instanceof Int32Array)
  t.same(Object.keys(made), Object.keys(root), 'in the same order')
})

t.test('a chain of any length', async t => {
  interface Chain {
    readonly length: number
    next: Chain | null
  }
  let chain: Chain | null = null
  for (let length = 1; length <= 200_000; length++) chain = { length, next: chain }
  t.throws(() => structuredClone(chain), RangeError, 'which is more than structuredClone can do')
  let made: Chain | null = copy(chain!)
  for (let length = 200_000; length > 0; length--) {
    if (made?.length !== length) t.fail(`link ${length}`)
    made = made!.next
  }
  t.equal(made, null)
})

t.test('what is not plain is refused', async t => {
  class Thing {}
  t.throws(() => pack({ a: () => 1 }), { message: /not a function/ })
  t.throws(() => pack([new Thing()]), { message: /the class Thing/ })
  t.throws(() => pack({ a: Symbol('s') }), { message: /not a symbol/ })
  t.throws(() => pack([new Date()]), { message: /the class Date/ })
  t.throws(() => pack([new WeakMap()]), { message: /the class WeakMap/ })
})
