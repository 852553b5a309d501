/**
 * The machine of the measurements in seed 003 (B. Rao, January 2020): ten POWER8 cores, 40 logical CPUs, 64 KiB pages,
 * 5.5 with and without the patchset, which gave each cache a second set for all cgroups together.
 */
import type { KernelObjects } from '../engine/kmem.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { THREAD_STACK } from '../engine/slab/caches.ts'
import type { KmemCache } from '../engine/slab/slub.ts'
import type { Bytes } from '../units.ts'
import { Lab, type Taker } from './lab.ts'

export type Side = 'old' | 'new'
export const SIDES: readonly Side[] = ['old', 'new']

export const SIDE_NAMES: Readonly<Record<Side, string>> = { old: '5.5', new: '5.5 with the patchset' }

export const CPUS = 40

/** A task_struct of that machine. */
const TASK_STRUCT: Bytes = 9728

export class Power8 {
  readonly lab: Lab
  readonly #task: KmemCache
  readonly #stack: KmemCache

  constructor(side: Side, cpus = CPUS) {
    const settings: Record<string, string> = { page_size: '64K' }
    if (side === 'new') settings.slab_controller = 'objcg-two-sets'
    this.lab = new Lab({ kernel: '5.5', cpus, with: settings })
    this.#task = this.lab.addCache('task_struct_power8', TASK_STRUCT)
    this.#stack = this.lab.cache(THREAD_STACK)
  }

  /** A cgroup whose peak of kernel memory is measured. */
  mkdir(name: string): MemCgroup {
    this.lab.mkdir(`/${name}`)
    return this.lab.memcg(`/${name}`)
  }

  /** A cache by name, or the accounted kmalloc of so many bytes. */
  cache(kind: string | Bytes): KmemCache {
    return typeof kind === 'string' ? this.lab.cache(kind) : this.lab.kmalloc(kind)
  }

  /** The two objects every task has of its own here: on pages of 64 KiB a kernel stack is one. */
  startThread(taker: Taker): KernelObjects[] {
    return [this.#task, this.#stack].map(cache => this.lab.take(cache, 1, taker))
  }
}
