/** What a copy of a cache costs besides its slabs (slab-kmem.md §4.4), measured from debug information of x86_64. */
import type { Bytes } from '../../units.ts'
import type { Engine } from '../engine.ts'

/** struct kmem_cache with SLUB, rounded to cache lines, without and with a reference count of its own (5.3). */
const STRUCT: Readonly<Record<string, Bytes>> = { '4.3': 256, '5.2': 384 }
const STRUCT_WITH_REFERENCES: Bytes = 448
const PER_CPU: Bytes = 32
const PER_CPU_REFERENCES: Bytes = 8
const PER_NODE: Bytes = 64
const NAME: Bytes = 64

/** Metadata of one copy, without the objects of sysfs. Only kernels up to 5.8 have copies. */
export function copyBytes({ features, machine }: Engine): Bytes {
  const counted = features.slabReparent === 'caches'
  const fixed = (counted ? STRUCT_WITH_REFERENCES : (STRUCT[features.cacheSizes] ?? 0)) + NAME
  const perCpu = PER_CPU + (counted ? PER_CPU_REFERENCES : 0)
  return fixed + perCpu * machine.cpus + PER_NODE * machine.nodes
}
