/**
 * Booting a simulated kernel with its file system, from checked options.
 */
import { Kernel } from '../kernel.ts'
import { Kernfs } from '../kernfs/kernfs.ts'
import type { Owner } from '../tree/files.ts'
import type { Host } from '../tree/host.ts'
import type { ResolvedOptions } from './options.ts'

/** Where and when it runs: what only the host's side knows. */
export interface Surroundings {
  readonly host: Host
  /** Unix time of the simulated boot in seconds; file times are counted from it. */
  readonly bootTime: number
  /** Owner of the root directory. */
  readonly owner: Owner
}

/** File times of a kernel on a manual clock start here, so that equal runs give equal bytes: 2026-01-01 00:00 UTC. */
export const MANUAL_BOOT_TIME = 1_767_225_600

export function boot(options: ResolvedOptions, surroundings: Surroundings): Kernfs {
  return new Kernfs(new Kernel({ ...options, ...surroundings }))
}
