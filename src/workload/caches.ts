/** Verbs about caches of the whole machine: defining one, dropping what is cached (workload.md §4.3, §4.2). */
import { dropNamesAndInodes, dropPageCache } from '../engine/dropcaches.ts'
import type { Machine } from '../engine/machine.ts'
import { type CacheSpec, slotSize } from '../engine/slab/caches.ts'
import { type Geometry, orderFor } from '../engine/slab/geometry.ts'
import { addCache, findCache } from '../engine/slab/slub.ts'
import { EEXIST, EINVAL, OK } from '../errno.ts'
import { type Args, Refusal } from './args.ts'
import { type Context, done, type Outcome, type Verb } from './verb.ts'

const MAX_ORDER = 10

function defineCache({ kernel }: Context, args: Args): Outcome | Refusal {
  const { slab, machine, features } = kernel.engine
  const name = args.text('ID')
  if (findCache(slab, name) !== undefined) return new Refusal(EEXIST, `there is a cache ${name}`)
  const object = args.number('BYTES')
  if (object === 0) return new Refusal(EINVAL, 'an object has at least one byte')
  const spec: CacheSpec = {
    name,
    object,
    outsidePointer: args.flag('ctor'),
    reclaimable: args.flag('reclaimable'),
    account: args.flag('account'),
  }
  const layout = layoutOf(spec, machine, args)
  if (layout instanceof Refusal) return layout
  const cache = addCache(slab, layout === undefined ? spec : { ...spec, layout }, machine, features)
  const { order, objects } = cache.geometry
  return { errno: OK, words: `${name} size=${cache.size} order=${order} per_slab=${objects}` }
}

/** The layout that the keys ask for; undefined if they leave it to the allocator. */
function layoutOf(spec: CacheSpec, machine: Machine, args: Args): CacheSpec['layout'] | Refusal {
  const keys = ['order', 'min_order', 'per_slab'].filter(key => args.has(key))
  if (keys.length === 0) return undefined
  const size = slotSize(spec, machine.allocator)
  const roomOf = (order: number): number => Math.floor((machine.pageSize * 2 ** order) / size)
  const given = (key: string, otherwise: number): number => (args.has(key) ? args.number(key) : otherwise)
  const perSlab = given('per_slab', 1)
  const least = orderFor(size * Math.max(1, perSlab), machine.pageSize)
  const order = given('order', Math.max(least, given('min_order', 0)))
  const minOrder = given('min_order', Math.min(order, orderFor(size, machine.pageSize)))
  if (!(minOrder >= 0 && order >= minOrder && order <= MAX_ORDER))
    return new Refusal(EINVAL, `orders go from min_order=${minOrder} up to order=${order}, 0 to ${MAX_ORDER}`)
  if (perSlab < 1 || perSlab > roomOf(order))
    return new Refusal(EINVAL, `per_slab=${perSlab}: a slab of order ${order} has room for ${roomOf(order)}`)
  if (roomOf(minOrder) === 0) return new Refusal(EINVAL, `no object of ${size} bytes fits into order ${minOrder}`)
  const geometry = (at: number): Geometry => ({
    order: at,
    objects: Math.min(roomOf(at), given('per_slab', roomOf(at))),
  })
  return { preferred: geometry(order), minimum: geometry(minOrder) }
}

function dropCaches({ kernel }: Context, args: Args): Outcome | Refusal {
  const what = args.number('N')
  if (what < 1 || what > 3) return new Refusal(EINVAL, `${what}: 1 drops the page cache, 2 dentries and inodes, 3 both`)
  const pages = what === 2 ? 0 : dropPageCache(kernel.engine, 0)
  const objects = what === 1 ? 0 : dropNamesAndInodes(kernel.engine, 0)
  return { errno: OK, words: `${what} pages=${pages} objects=${objects}` }
}

export const cacheVerbs: readonly Verb[] = [
  done('cache ID BYTES [order=N] [min_order=N] [per_slab=N] [reclaimable] [ctor] [account]', defineCache),
  done('drop-caches N', dropCaches),
]
