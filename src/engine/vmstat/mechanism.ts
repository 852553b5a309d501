/** What a generation of statistics is: how updates are kept, when they become visible, what happens when a memcg goes. */
import type { Cpu, NodeNumber } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { MemCgroup } from '../memcg.ts'

export interface Mechanism {
  /** Counts `value` (not 0, in the item's unit) `times` times (at least once): what as many single updates leave. */
  readonly add: (
    e: Engine,
    m: MemCgroup,
    item: number,
    cpu: Cpu,
    value: number,
    times: number,
    node: NodeNumber,
  ) => void
  /** Value of a column of `m` with everything below, as a reader sees it. */
  readonly shown: (e: Engine, m: MemCgroup, column: number) => number
  /** The same of `m` alone: the lines of version 1 without `total_`. */
  readonly shownLocal: (e: Engine, m: MemCgroup, column: number) => number
  /** The same with everything below, as it really is. */
  readonly real: (e: Engine, m: MemCgroup, column: number) => number
  /** Whether a reader of memory.stat would flush first, and so see what is true. */
  readonly readerFlushes: (e: Engine, m: MemCgroup) => boolean
  /** Before memory.stat is read. */
  readonly forReader: (e: Engine, m: MemCgroup) => void
  /** Makes `m` and everything below up to date, where the kernel can do that. */
  readonly flush: (e: Engine, m: MemCgroup) => void
  readonly atOffline: (e: Engine, m: MemCgroup) => void
  readonly atRelease: (e: Engine, m: MemCgroup) => void
  readonly atFree: (e: Engine, m: MemCgroup) => void
}

export const nothing = (): void => undefined
export const never = (): boolean => false
