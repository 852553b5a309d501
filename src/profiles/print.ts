/** How values of features are shown to people. */
import { type AnyFeature, FEATURES, type FeatureKey, KERNEL_IDS, type KernelId } from './features.ts'
import type { Profile } from './profiles.ts'

/** What stands where a feature means nothing. */
const NOTHING = '-'

/** The value a kernel has by itself. */
export function printOwn(id: KernelId, key: FeatureKey): string {
  const { absent, values, print }: AnyFeature = FEATURES[key]
  return absent.includes(id) ? NOTHING : print(values[KERNEL_IDS.indexOf(id)])
}

/** The value of a profile, in which features may be switched. */
export function printValue({ id, features, switched }: Profile, key: FeatureKey): string {
  const feature: AnyFeature = FEATURES[key]
  return switched.includes(key) ? feature.print(features[key]) : printOwn(id, key)
}

/** From this kernel on the value is this. */
export interface Change {
  readonly from: KernelId
  readonly value: string
}

/** The values of a feature with the kernel each begins on, oldest first; where it means nothing is left out. */
export function historyOf(key: FeatureKey): Change[] {
  const changes: Change[] = []
  for (const from of KERNEL_IDS) {
    const value = printOwn(from, key)
    if (value !== (changes.at(-1)?.value ?? NOTHING)) changes.push({ from, value })
  }
  return changes
}
