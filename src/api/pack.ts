/**
 * Plain data of any depth as a flat record. The state of a kernel is a web: from a task over its mappings to another
 * task, and so on. `structuredClone` and messages between threads follow such a chain by recursion and run out of
 * stack after a few hundred links; a packed state has no links to follow.
 *
 * What is no plain data (a function, an object of a class) is refused: nothing like that may be in a state.
 *
 * @example
 * const web: { numbers: Map<string, number>; self?: object } = { numbers: new Map([['one', 1]]) }
 * web.self = web
 * const copy = unpack(structuredClone(pack(web))) as typeof web
 * console.log(copy.numbers.get('one'), copy.self === copy, copy === web) // 1 true false
 */

/** Objects are numbered in the order they are met, from the root, 0. */
export interface Packed {
  /** By object: the number of its layout. */
  readonly layouts: number[]
  /** Names of properties; null for what has none. */
  readonly shapes: (readonly string[] | null)[]
  /** By object: how many slots it has. */
  readonly sizes: number[]
  /** Values of all objects, one object after the other. */
  readonly slots: unknown[]
  /** By slot: the number of the object it refers to, or NO_OBJECT. */
  readonly objects: Int32Array
}

const NO_OBJECT = -1
/** Layouts that are no list of properties. A typed array has one slot: itself. */
const ARRAY = 0
const MAP = 1
const SET = 2
const BYTES = 3

export function pack(root: object): Packed {
  const met = new Map<object, number>([[root, 0]])
  const queue: object[] = [root]
  const shapes: (readonly string[] | null)[] = [null, null, null, null]
  const shapeNumbers = new Map<string, number>()
  const layouts: number[] = []
  const sizes: number[] = []
  const slots: unknown[] = []
  const objects: number[] = []

  const put = (value: unknown): void => {
    if (typeof value === 'function' || typeof value === 'symbol') throw notPlain(value)
    if (typeof value !== 'object' || value === null) {
      slots.push(value)
      objects.push(NO_OBJECT)
      return
    }
    let number = met.get(value)
    if (number === undefined) {
      number = queue.push(value) - 1
      met.set(value, number)
    }
    slots.push(null)
    objects.push(number)
  }

  const shapeOf = (keys: readonly string[]): number => {
    const name = keys.join(' ')
    const known = shapeNumbers.get(name)
    if (known !== undefined) return known
    const number = shapes.push(keys) - 1
    shapeNumbers.set(name, number)
    return number
  }

  const putAll = (object: object): number => {
    if (Array.isArray(object)) {
      for (const value of object) put(value) // Holes become undefined.
      return ARRAY
    }
    if (object instanceof Map) {
      for (const [key, value] of object) {
        put(key)
        put(value)
      }
      return MAP
    }
    if (object instanceof Set) {
      object.forEach(put)
      return SET
    }
    if (ArrayBuffer.isView(object)) {
      slots.push(object)
      objects.push(NO_OBJECT)
      return BYTES
    }
    if (Object.getPrototypeOf(object) !== Object.prototype) throw notPlain(object)
    const keys = Object.keys(object)
    for (const key of keys) put((object as Record<string, unknown>)[key])
    return shapeOf(keys)
  }

  for (let i = 0; i < queue.length; i++) {
    const start = slots.length
    layouts.push(putAll(queue[i]!))
    sizes.push(slots.length - start)
  }
  return { layouts, shapes, sizes, slots, objects: Int32Array.from(objects) }
}

/** The web again, of new objects. Typed arrays are taken over: pack a copy, or copy what was packed. */
export function unpack({ layouts, shapes, sizes, slots, objects }: Packed): unknown {
  const made: object[] = []
  for (let i = 0, at = 0; i < layouts.length; at += sizes[i]!, i++) made.push(emptyObject(layouts[i]!, slots[at]))

  const value = (at: number): unknown => (objects[at] === NO_OBJECT ? slots[at] : made[objects[at]!])

  for (let i = 0, at = 0; i < layouts.length; i++) {
    const object = made[i]!
    const end = at + sizes[i]!
    switch (layouts[i]) {
      case ARRAY:
        for (; at < end; at++) (object as unknown[]).push(value(at))
        break
      case MAP:
        for (; at < end; at += 2) (object as Map<unknown, unknown>).set(value(at), value(at + 1))
        break
      case SET:
        for (; at < end; at++) (object as Set<unknown>).add(value(at))
        break
      case BYTES:
        at = end
        break
      default:
        for (const key of shapes[layouts[i]!]!) (object as Record<string, unknown>)[key] = value(at++)
    }
  }
  return made[0]
}

function emptyObject(layout: number, first: unknown): object {
  switch (layout) {
    case ARRAY:
      return []
    case MAP:
      return new Map()
    case SET:
      return new Set()
    case BYTES:
      return first as object
    default:
      return {}
  }
}

const notPlain = (value: unknown): TypeError => {
  const name = typeof value === 'object' ? `an object of the class ${value?.constructor?.name}` : `a ${typeof value}`
  return new TypeError(`a state holds plain data only, not ${name}`)
}
