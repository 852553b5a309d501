/** Names of keys: camelCase in TypeScript, snake_case for people; the mapping is mechanical (profiles.md §2). */
import { FEATURES, type FeatureKey } from './features.ts'

/** `batchPages` → `batch_pages`. */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`)

export const FEATURE_KEYS = Object.keys(FEATURES) as readonly FeatureKey[]

const BY_NAME: ReadonlyMap<string, FeatureKey> = new Map(FEATURE_KEYS.map(key => [snakeCase(key), key]))

/** The feature people call so; undefined if there is none. */
export const featureNamed = (name: string): FeatureKey | undefined => BY_NAME.get(name)
