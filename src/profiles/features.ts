/**
 * What can differ between kernel generations: a table with one row per feature. The engine reads `features.batchPages`;
 * it never asks for a version. People write the names in snake_case; the mapping is mechanical.
 */
import { CHARGING } from './features/charging.ts'
import { FILES } from './features/files.ts'
import { INTERFACE_FILES } from './features/interfacefiles.ts'
import type { Feature } from './features/kinds.ts'
import { KMEM } from './features/kmem.ts'
import { LABORATORY } from './features/laboratory.ts'
import { RECLAIM } from './features/reclaim.ts'
import { STATISTICS } from './features/statistics.ts'
import { TREE } from './features/tree.ts'

export {
  type AnyFeature,
  FLAG,
  INTEGER,
  KERNEL_IDS,
  type KernelId,
  oneOf,
  type PerNode,
  type ValueKind,
} from './features/kinds.ts'

/** The parts of the table, with the title of each. */
export const SECTIONS = {
  'Charging and memory.high': CHARGING,
  'Kernel memory and slab': KMEM,
  'Statistics, offlining, ids, locks': STATISTICS,
  'Reclaim, protection, OOM, pressure': RECLAIM,
  'Control files and statistics files': FILES,
  'Interface files that came later': INTERFACE_FILES,
  'Tree and file system': TREE,
  'Laboratory: what no kernel has, or has only one way of': LABORATORY,
} as const

export const FEATURES = {
  ...CHARGING,
  ...KMEM,
  ...STATISTICS,
  ...RECLAIM,
  ...FILES,
  ...INTERFACE_FILES,
  ...TREE,
  ...LABORATORY,
} as const

export type FeatureKey = keyof typeof FEATURES

/** One kernel generation: a value for every feature. */
export type Features = {
  readonly [K in FeatureKey]: (typeof FEATURES)[K] extends Feature<infer T> ? T : never
}
