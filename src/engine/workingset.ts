/**
 * Remembering when memory was evicted, to tell what belongs to the working set when it comes back. Kernel:
 * mm/workingset.c.
 */
import type { NodeNumber } from '../units.ts'
import type { MemCgroup } from './memcg.ts'

/** What an evicted page leaves behind. Of a run of pages evicted one after the other: that of the first. */
export interface Shadow {
  readonly memcg: MemCgroup
  readonly node: NodeNumber
  /** Age of the lists of that memcg at the eviction. */
  readonly age: number
  /** It was part of the working set. */
  readonly workingset: boolean
}
