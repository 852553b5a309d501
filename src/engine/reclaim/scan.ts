/**
 * One call of reclaim: what it is asked for, how far it has come, what it may do. Kernel: struct scan_control.
 */
import type { Cpu, Pages } from '../../units.ts'
import type { MemCgroup } from '../memcg.ts'
import type { NameIndex } from '../names.ts'

/** Whose statistics count what is scanned. */
export type Reclaimer = 'direct' | 'kswapd' | 'proactive'

export interface Scan {
  readonly target: MemCgroup
  readonly want: Pages
  readonly cpu: Cpu
  readonly by: Reclaimer
  readonly maySwap: boolean
  /** 0 to 200, or `max`: anonymous memory only. Undefined: that of each memcg. */
  readonly swappiness: number | 'max' | undefined
  /** May enter file systems: names are shrunk. */
  readonly mayUseFs: boolean

  /** From 12 down to 0. */
  priority: number
  reclaimed: Pages
  scanned: Pages
  /** Protected memory may be taken; and whether there was any that was not. */
  lowReclaim: boolean
  lowSkipped: boolean
  /** Active lists may be shrunk whatever their size; and whether some were left alone. */
  forceDeactivate: boolean
  skippedDeactivate: boolean
  /** The walk does not stop before it has seen every memcg. */
  fullWalk: boolean

  /** Names that can be freed; null before they were looked for. */
  names: NameIndex | null

  /** Of the target on the node that is scanned now. */
  balance: TargetBalance
}

/** A reclaim that has not looked at anything yet. Its priority and its balance are set by those who walk. */
export const newScan = (asked: Pick<Scan, 'target' | 'want' | 'cpu' | 'by'> & Partial<Scan>): Scan => ({
  maySwap: true,
  swappiness: undefined,
  mayUseFs: true,
  priority: 0,
  reclaimed: 0,
  scanned: 0,
  lowReclaim: false,
  lowSkipped: false,
  forceDeactivate: false,
  skippedDeactivate: false,
  fullWalk: false,
  names: null,
  balance: { cost: [0, 0], mayDeactivate: [true, true], cacheTrim: false, fileIsTiny: false },
  ...asked,
})

/** What the lists of the target, with all below it, look like. */
export interface TargetBalance {
  /** By kind: what reclaim of it cost. */
  readonly cost: readonly [Pages, Pages]
  /** By kind: active pages may become inactive. */
  readonly mayDeactivate: readonly [boolean, boolean]
  /** There is enough inactive page cache: nothing else is looked at. */
  readonly cacheTrim: boolean
  /** Almost no page cache is left on the machine: nothing else than anonymous memory is looked at. */
  readonly fileIsTiny: boolean
}

/** Pages of one turn over a list. Kernel: SWAP_CLUSTER_MAX. */
export const CLUSTER: Pages = 32
