/**
 * Kernel generations by id. One id stands for one tree: `6.12` is 6.12.117, the recorded one (profiles.md §1).
 */
import { FEATURES, type FeatureKey, type Features, KERNEL_IDS, type KernelId } from './features.ts'

export interface Profile {
  readonly id: KernelId
  /** The release that was read or recorded. */
  readonly release: string
  readonly features: Features
}

/** The ids this version can mount, with the release each stands for. The others arrive with their behaviour. */
const RELEASES: Partial<Record<KernelId, string>> = { '6.1': '6.1.176', '6.12': '6.12.117' }

export const MOUNTABLE_IDS: readonly KernelId[] = KERNEL_IDS.filter(id => id in RELEASES)
export const DEFAULT_KERNEL: KernelId = '6.12'

/** The feature values of a kernel id, also of those that cannot be mounted yet: unit tests look across generations. */
export function featuresOf(id: KernelId): Features {
  const column = KERNEL_IDS.indexOf(id)
  const entries = (Object.keys(FEATURES) as FeatureKey[]).map(key => [key, FEATURES[key].values[column]])
  return Object.freeze(Object.fromEntries(entries)) as Features
}

/** Finds a profile by id (`6.12`) or by the full release it stands for (`6.12.117`); undefined if there is none. */
export function findProfile(name: string): Profile | undefined {
  for (const id of MOUNTABLE_IDS) {
    const release = RELEASES[id]!
    if (name === id || name === release) return { id, release, features: featuresOf(id) }
  }
  return undefined
}
