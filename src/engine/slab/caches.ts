/**
 * The named object caches and their sizes in each measured tree (slab-kmem.md §3.2), and the kmalloc caches.
 * Kernel: the kmem_cache_create calls of fs/, mm/ and kernel/; mm/slab_common.c.
 */
import type { Features } from '../../profiles/features.ts'
import type { Bytes } from '../../units.ts'
import { type Machine, type ModelOptions, STACK_BYTES } from '../machine.ts'
import type { Geometry } from './geometry.ts'

export interface CacheSpec {
  readonly name: string
  /** Size of the object itself. */
  readonly object: Bytes
  /** Has a constructor or is freed by RCU: the free pointer lies behind the object. */
  readonly outsidePointer?: boolean
  /** Aligned to cache lines of 64 bytes. */
  readonly lineAligned?: boolean
  /** Counted as slab_reclaimable. */
  readonly reclaimable?: boolean
  /** Charged to the cgroup whatever the flags of the call say, where caches opt in to accounting. */
  readonly account?: boolean
  /** Instead of the geometry that the allocator would compute. */
  readonly layout?: { readonly preferred: Geometry; readonly minimum: Geometry }
}

/** Distance between two objects: rounded to 8, with room for the free pointer, then to the alignment. */
export function slotSize(spec: CacheSpec, allocator: Machine['allocator']): Bytes {
  // Only SLUB threads its free list through the objects; SLAB numbers them beside the slab.
  const pointer = spec.outsidePointer && allocator === 'slub' ? 8 : 0
  const size = Math.ceil(spec.object / 8) * 8 + pointer
  return spec.lineAligned ? Math.ceil(size / 64) * 64 : size
}

/** The trees whose sizes were measured; `cache_sizes` names one. */
const TREES: readonly Features['cacheSizes'][] = ['4.3', '5.2', '5.9', '5.15', '6.1', '6.12', '6.19']

/** A cache of the table. */
interface NamedCache extends Omit<CacheSpec, 'object'> {
  /** Size of the object by tree. */
  readonly objects: readonly Bytes[]
  /** Distance between objects in the worked examples of geometry (`cache_objects=reference`). */
  readonly reference: Bytes
}

/**
 * Sizes in the order of TREES. `.` is the same as on its left, measured; `~` was not measured: the nearest measured
 * tree before stands in, or the first one measured.
 */
function sizes(cells: string): readonly Bytes[] {
  const columns = cells.trim().split(/\s+/)
  if (columns.length !== TREES.length) throw new Error(`${columns.length} sizes for ${TREES.length} trees: ${cells}`)
  let last = Number(columns.find(cell => cell !== '~'))
  return columns.map(cell => {
    if (cell !== '~' && cell !== '.') last = Number(cell)
    return last
  })
}

type Trait = 'outsidePointer' | 'lineAligned' | 'reclaimable' | 'account'

const named = (name: string, cells: string, reference: Bytes, ...traits: readonly Trait[]): NamedCache => ({
  name,
  objects: sizes(cells),
  reference,
  ...Object.fromEntries(traits.map(trait => [trait, true])),
})

const inode = (name: string, cells: string, reference: Bytes, ...traits: readonly Trait[]): NamedCache =>
  named(name, cells, reference, 'outsidePointer', 'account', ...traits)

/**
 * Where §3.2 gives a range without saying which end is which tree, its lower end stands for 4.3. task_struct of 6.12
 * is the size that makes a recorded thread cost about 9240 bytes of slab together with its pid (memory/kmem/threads:
 * it includes the vector registers of that machine's CPU), that of 6.1 the one that makes it cost about 9030.
 */
const NAMED_CACHES: readonly NamedCache[] = [
  /*                          4.3  5.2  5.9  5.15 6.1  6.12 6.19 */
  named('dentry', '           192  .    .    .    .    .    .   ', 192, 'reclaimable', 'account'),
  inode('inode_cache', '      560  576  584  616  632  624  608 ', 600, 'reclaimable'),
  inode('ext4_inode_cache', ' 1016 1064 1072 1152 1184 1160 1120', 1096, 'reclaimable'),
  inode('proc_inode_cache', ' 616  648  656  688  704  696  680 ', 680, 'reclaimable'),
  inode('shmem_inode_cache', '~    ~    ~    ~    776  752  ~   ', 720),
  // Aligned to cache lines: a recorded socket costs 832 + 8 bytes (memory/kmem/unix-sockets on 6.1 and 6.12).
  inode('sock_inode_cache', ' ~    ~    ~    ~    768  .    ~   ', 704, 'reclaimable', 'lineAligned'),
  named('radix_tree_node', '  576  .    .    .    .    .    .   ', 584, 'outsidePointer', 'reclaimable'),
  named('buffer_head', '      104  .    .    .    .    .    .   ', 104, 'reclaimable'),
  named('filp', '             256  .    .    232  .    184  .   ', 256, 'lineAligned', 'account'),
  named('vm_area_struct', '   192  .    .    .    152  176  192 ', 208, 'account'),
  named('anon_vma', '         72   ~    ~    ~    ~    96   ~   ', 88, 'outsidePointer', 'account'),
  named('anon_vma_chain', '   64   .    .    .    .    .    .   ', 64, 'account'),
  named('cred_jar', '         168  ~    ~    ~    ~    184  ~   ', 192, 'lineAligned', 'account'),
  named('pid', '              72   ~    ~    ~    ~    112  ~   ', 128, 'lineAligned', 'account'),
  named('task_struct', '      6784 ~    ~    7296 8896 9088 3392', 6720, 'lineAligned', 'account'),
  named('signal_cache', '     1048 ~    ~    ~    ~    1136 ~   ', 1088, 'lineAligned', 'account'),
  named('sighand_cache', '    2080 .    .    .    .    .    .   ', 2112, 'outsidePointer', 'lineAligned', 'account'),
  named('files_cache', '      704  .    .    .    .    .    .   ', 704, 'lineAligned', 'account'),
  named('mm_struct', '        912  ~    ~    ~    ~    1408 ~   ', 1088, 'lineAligned', 'account'),
  named('fs_cache', '         56   .    .    .    .    .    .   ', 64, 'lineAligned', 'account'),
]

/** Prefix of a kmalloc cache: plain, reclaimable, or accounted to the cgroup. */
export type KmallocKind = 'kmalloc' | 'kmalloc-rcl' | 'kmalloc-cg'

/** Above this a kmalloc is a direct page allocation: two pages. Kernel: KMALLOC_MAX_CACHE_SIZE of SLUB. */
export const kmallocMax = ({ pageSize }: Machine): Bytes => 2 * pageSize

/** Sizes of the kmalloc caches, ascending: powers of two from 8 to two pages, and 96 and 192. */
export function kmallocSizes(machine: Machine): readonly Bytes[] {
  const found: Bytes[] = [96, 192]
  for (let size = 8; size <= kmallocMax(machine); size *= 2) found.push(size)
  return found.sort((a, b) => a - b)
}

const kmallocName = (kind: KmallocKind, size: Bytes): string => `${kind}-${size < 1024 ? size : `${size / 1024}k`}`

/** The kinds of kmalloc caches that a kernel has. */
const KIND_EXISTS: Readonly<Record<KmallocKind, (features: Features) => boolean>> = {
  kmalloc: () => true,
  'kmalloc-rcl': features => features.kmallocRcl,
  'kmalloc-cg': features => features.kmallocCg,
}

/** The cache that serves a kmalloc of so many bytes; on kernels without caches of that kind a plain one. */
export function kmallocCache(bytes: Bytes, kind: KmallocKind, machine: Machine, features: Features): string {
  const size = kmallocSizes(machine).find(each => each >= bytes)
  if (size === undefined) throw new RangeError(`no kmalloc cache holds ${bytes} bytes`)
  return kmallocName(KIND_EXISTS[kind](features) ? kind : 'kmalloc', size)
}

/** Kernel stacks, on machines whose pages are larger than one. Kernel: kernel/fork.c, thread_stack_cache_init. */
export const THREAD_STACK = 'thread_stack'

/** All caches of a kernel in the order they are created at boot. */
export function bootCaches(machine: Machine, features: Features, options: ModelOptions): CacheSpec[] {
  const kinds = (Object.keys(KIND_EXISTS) as KmallocKind[]).filter(kind => KIND_EXISTS[kind](features))
  const kmalloc = kinds.flatMap(kind =>
    kmallocSizes(machine).map(object => ({
      name: kmallocName(kind, object),
      object,
      reclaimable: kind === 'kmalloc-rcl',
      account: kind === 'kmalloc-cg',
    })),
  )
  const tree = TREES.indexOf(features.cacheSizes)
  const named = NAMED_CACHES.map(({ objects, reference, ...rest }): CacheSpec => {
    if (options.cacheObjects === 'measured') return { ...rest, object: objects[tree]! }
    return { ...rest, object: reference, outsidePointer: false, lineAligned: false }
  })
  const stacks = machine.pageSize > STACK_BYTES ? [{ name: THREAD_STACK, object: STACK_BYTES }] : []
  return [...kmalloc, ...named, ...stacks]
}
