/** What every generation of the allocator does, each in its own way: see cpuslabs.ts, sheaves.ts and arrays.ts. */
import type { Cpu } from '../../units.ts'
import type { Engine } from '../engine.ts'
import type { KernelActor } from '../objcg.ts'
import type { ObjCgroup } from '../objstock.ts'
import type { SlabPages } from './pages.ts'
import type { KmemCache, ObjectRun } from './state.ts'

export interface Allocator {
  /** Takes at least one and at most `want` objects of one slab; null if pages were refused. */
  take(
    e: Engine,
    cache: KmemCache,
    want: number,
    actor: KernelActor,
    objcg: ObjCgroup | null,
    pages: SlabPages,
  ): ObjectRun | null
  /** Gives objects of one slab back on a CPU, as if one after the other. */
  put(e: Engine, cache: KmemCache, row: number, count: number, cpu: Cpu, pages: SlabPages): void
  /** Everything that is kept near a CPU goes back to the nodes. */
  flush(e: Engine, cache: KmemCache, cpu: Cpu, pages: SlabPages): void
  /** Frees every slab without an object in use that no CPU keeps. */
  freeEmpties(e: Engine, cache: KmemCache, cpu: Cpu, pages: SlabPages): void
}
