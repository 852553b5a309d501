/**
 * Kernel generations by id. One id stands for one tree: `6.12` is 6.12.117, the recorded one (profiles.md §1).
 */
import { FEATURES, type FeatureKey, type Features, KERNEL_IDS, type KernelId } from './features.ts'
import { FEATURE_KEYS } from './names.ts'

export interface Profile {
  readonly id: KernelId
  /** The release that was read or recorded. */
  readonly release: string
  readonly features: Features
  /** Features whose value was chosen at mount and need not be that of this kernel. */
  readonly switched: readonly FeatureKey[]
}

interface Generation {
  /** The release it stands for, and others it was read from. */
  readonly releases: readonly string[]
  /** What one mounts it for. */
  readonly about: string
}

export const GENERATIONS: Readonly<Record<KernelId, Generation>> = {
  '4.2': {
    releases: ['4.2.8'],
    about: 'a copy of each slab cache per cgroup, kernel memory only on request; allocator=slab is there',
  },
  '4.3': {
    releases: ['4.3.3'],
    about: 'big slabs are charged without waiting, and grow past memory.high',
  },
  '4.4': {
    releases: ['4.4.0', '4.4.155'],
    about: 'memory.high reclaims when a task returns to user space',
  },
  '4.19': {
    releases: ['4.19.0'],
    about: 'long-term kernel: kernel memory always charged, the OOM killer inside the charge',
  },
  '5.2': {
    releases: ['5.2.1'],
    about: 'one object of slab keeps a removed cgroup alive; what CPUs held back of its statistics is lost',
  },
  '5.3': {
    releases: ['5.3.1'],
    about: 'slab caches go to the parent at rmdir; the double flush is still in',
  },
  '5.5': {
    releases: ['5.5.0'],
    about: 'the double flush is fixed; the baseline of the new slab controller',
  },
  '5.8': {
    releases: ['5.8.1'],
    about: 'the last with slab caches per cgroup; memory.swap.high',
  },
  '5.9': {
    releases: ['5.9.1'],
    about: 'the new slab controller: objects are charged, caches are shared',
  },
  '5.15': {
    releases: ['5.15.24'],
    about: 'statistics are flushed (rstat); kernel pages no longer keep a removed cgroup',
  },
  '6.1': {
    releases: ['6.1.176', '6.1.192'],
    about: 'long-term kernel with recorded data, cgroup v1 and v2',
  },
  '6.12': {
    releases: ['6.12.117'],
    about: 'long-term kernel with recorded data; the default',
  },
  '6.18': {
    releases: ['6.18.19'],
    about: 'long-term kernel; a CPU keeps charged pages for seven cgroups',
  },
  '7.1': {
    releases: ['7.1.5'],
    about: 'page cache and user pages go to the parent at rmdir, too',
  },
}

export const DEFAULT_KERNEL: KernelId = '6.12'

/** The feature values of a kernel id. */
export function featuresOf(id: KernelId): Features {
  const column = KERNEL_IDS.indexOf(id)
  const entries = FEATURE_KEYS.map(key => [key, FEATURES[key].values[column]])
  return Object.freeze(Object.fromEntries(entries)) as Features
}

/** Finds a profile by id (`6.12`) or by the full release it stands for (`6.12.117`); undefined if there is none. */
export function findProfile(name: string): Profile | undefined {
  const id = KERNEL_IDS.find(each => each === name || GENERATIONS[each].releases.includes(name))
  if (id === undefined) return undefined
  return { id, release: GENERATIONS[id].releases[0]!, features: featuresOf(id), switched: [] }
}

/** The ids beside a version that is none: the last before it and the first behind it. Empty if it is no version. */
export function nearestKernels(version: string): readonly KernelId[] {
  const numbers = /^v?(\d+)\.(\d+)(?:\.\d+)?/.exec(version)
  if (numbers === null) return []
  const asked = Number(numbers[1]) * 1000 + Number(numbers[2])
  const places = KERNEL_IDS.map(id => {
    const [major, minor] = id.split('.').map(Number)
    return major! * 1000 + minor!
  })
  const same = places.indexOf(asked)
  if (same !== -1) return [KERNEL_IDS[same]!]
  const behind = places.findIndex(place => place > asked)
  const around = behind === -1 ? [KERNEL_IDS.length - 1] : [behind - 1, behind]
  return around.filter(i => i >= 0).map(i => KERNEL_IDS[i]!)
}
