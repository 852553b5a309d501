/**
 * The named object caches and their real sizes. Measured from debug information of a 6.12 kernel
 * (slab-kmem.md §3.2); kmalloc buckets are the kernel's.
 */
import type { Bytes } from '../../units.ts'

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
  /** Charged to the cgroup whatever the flags of the call say. */
  readonly account?: boolean
}

/** Distance between two objects: rounded to 8, with room for the free pointer, then to the alignment. */
export function slotSize(spec: CacheSpec): Bytes {
  const size = Math.ceil(spec.object / 8) * 8 + (spec.outsidePointer ? 8 : 0)
  return spec.lineAligned ? Math.ceil(size / 64) * 64 : size
}

const inode = (name: string, object: Bytes, reclaimable = true): CacheSpec => ({
  name,
  object,
  outsidePointer: true,
  reclaimable,
  account: true,
})

const KMALLOC_SIZES: readonly Bytes[] = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192]
const kmallocName = (bytes: Bytes): string => (bytes < 1024 ? String(bytes) : `${bytes / 1024}k`)

/** Above this a kmalloc is a direct page allocation, on 4 KiB pages. */
export const KMALLOC_MAX: Bytes = KMALLOC_SIZES[KMALLOC_SIZES.length - 1]!

/** Prefix of a kmalloc cache: plain, reclaimable, or accounted to the cgroup. */
export type KmallocKind = 'kmalloc' | 'kmalloc-rcl' | 'kmalloc-cg'

/** The cache that serves a kmalloc of so many bytes. */
export function kmallocCache(bytes: Bytes, kind: KmallocKind): string {
  const size = KMALLOC_SIZES.find(each => each >= bytes)
  if (size === undefined) throw new RangeError(`no kmalloc cache holds ${bytes} bytes`)
  return `${kind}-${kmallocName(size)}`
}

const kmalloc = (kind: KmallocKind): CacheSpec[] =>
  KMALLOC_SIZES.map(object => ({
    name: `${kind}-${kmallocName(object)}`,
    object,
    reclaimable: kind === 'kmalloc-rcl',
    account: kind === 'kmalloc-cg',
  }))

/**
 * Caches of 6.12. task_struct is the size that makes a recorded thread cost about 9240 bytes of slab together with
 * its pid (memory/kmem/threads: it includes the vector registers of that machine's CPU).
 */
export const CACHES: readonly CacheSpec[] = [
  { name: 'dentry', object: 192, reclaimable: true, account: true },
  inode('inode_cache', 624),
  inode('ext4_inode_cache', 1160),
  inode('proc_inode_cache', 696),
  inode('shmem_inode_cache', 752, false),
  inode('sock_inode_cache', 768),
  { name: 'filp', object: 184, account: true },
  { name: 'vm_area_struct', object: 176, account: true },
  { name: 'anon_vma', object: 96, outsidePointer: true, account: true },
  { name: 'anon_vma_chain', object: 64, account: true },
  { name: 'cred_jar', object: 184, lineAligned: true, account: true },
  { name: 'pid', object: 112, lineAligned: true, account: true },
  { name: 'task_struct', object: 9088, lineAligned: true, account: true },
  { name: 'signal_cache', object: 1136, lineAligned: true, account: true },
  { name: 'sighand_cache', object: 2080, outsidePointer: true, lineAligned: true, account: true },
  { name: 'files_cache', object: 704, lineAligned: true, account: true },
  { name: 'mm_struct', object: 1408, lineAligned: true, account: true },
  { name: 'fs_cache', object: 56, lineAligned: true, account: true },
  ...kmalloc('kmalloc'),
  ...kmalloc('kmalloc-rcl'),
  ...kmalloc('kmalloc-cg'),
]
