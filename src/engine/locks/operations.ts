/**
 * Which locks an operation takes, in which order, on this kernel (slab-kmem.md §11.1). Sources: kernel/cgroup/cgroup.c,
 * mm/memcontrol.c, mm/slab_common.c, mm/memory_hotplug.c; the thread "The new cgroup slab memory controller", Aug. 2020.
 * Not modelled: kmem_cache_create and kmem_cache_destroy, which took mem_hotplug_lock up to 5.9, outside cgroup_mutex.
 */
import type { Features } from '../../profiles/features.ts'
import type { Held, Step } from './simulator.ts'

/** What is what, for people. */
export const LOCKS: Readonly<Record<string, string>> = {
  cgroup_mutex: 'mutex: the tree of cgroups',
  css_set_lock: 'spinlock: which cgroups a task is in',
  cpu_hotplug_lock: 'per-CPU rwsem: CPUs come and go only under W',
  mem_hotplug_lock: 'per-CPU rwsem: memory comes and goes only under W; a waiting writer keeps new readers out',
  slab_mutex: 'mutex: the list of slab caches',
  objcg_lock: 'spinlock: which memcg pays for an obj_cgroup',
}

export interface Operation {
  readonly name: string
  readonly locks: readonly Held[]
}

const read = (lock: string): Held => ({ lock, mode: 'R' })
const write = (lock: string): Held => ({ lock, mode: 'W' })

const CACHE_LOCKS: readonly Held[] = [read('cpu_hotplug_lock'), read('mem_hotplug_lock'), write('slab_mutex')]

export const cssOffline = (features: Features): Operation => ({
  name: 'css_offline',
  locks: [write('cgroup_mutex'), ...(features.offlineMemHotplugLock ? CACHE_LOCKS : [write('objcg_lock')])],
})

export const cacheCreation: Operation = { name: 'cache_creation', locks: CACHE_LOCKS }

/** Kernels on which a cgroup gets caches of its own make them later, from a worker. */
export const createsCaches = (features: Features): boolean => features.cacheCreate !== 'none'

export const memoryHotRemove: Operation = { name: 'memory_hot_remove', locks: [write('mem_hotplug_lock')] }

export const readProcCgroup = (features: Features): Operation => ({
  name: 'read_proc_pid_cgroup',
  locks: [...(features.procCgroupMutex ? [write('cgroup_mutex')] : []), write('css_set_lock')],
})

const mkdirRmdir: Operation = { name: 'mkdir_rmdir', locks: [write('cgroup_mutex')] }

/** Everything that is known to lock, on this kernel. */
export const operationsOf = (features: Features): readonly Operation[] => [
  mkdirRmdir,
  cssOffline(features),
  ...(createsCaches(features) ? [cacheCreation] : []),
  memoryHotRemove,
  readProcCgroup(features),
]

/** `inner` is taken while `outer` is held. */
export interface OrderEdge {
  readonly outer: string
  readonly inner: string
}

/** The lock order graph, each edge once. */
export function lockOrder(features: Features): readonly OrderEdge[] {
  const edges = new Map<string, OrderEdge>()
  for (const { locks } of operationsOf(features))
    for (const [i, { lock: inner }] of locks.entries())
      for (const { lock: outer } of locks.slice(0, i)) edges.set(`${outer} ${inner}`, { outer, inner })
  return [...edges.values()]
}

/** Takes the locks of an operation, does `inside`, and drops them in reverse order. */
export function steps({ locks }: Operation, ...inside: readonly Step[]): Step[] {
  const takes = locks.map((held): Step => ({ do: 'take', ...held }))
  const drops = locks.map(({ lock }): Step => ({ do: 'drop', lock })).reverse()
  return [...takes, ...inside, ...drops]
}
