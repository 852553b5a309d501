/** Memory of the machine that nobody uses, and how little of it calls for reclaim. Kernel: struct zone, watermarks. */
import type { Pages } from '../units.ts'
import type { Engine } from './engine.ts'

/** Parts of all memory. With less than the first free reclaim begins, with more than the second it ends. */
const LOW_PART = 64
const HIGH_PART = 32

/** All memory; Infinity for a machine that has as much as anybody wants. */
const totalPages = ({ machine }: Engine): Pages =>
  machine.memory === 0 ? Number.POSITIVE_INFINITY : Math.floor(machine.memory / machine.pageSize)

/** Pages nobody uses, as far as the model knows who uses any. */
export const freePages = (e: Engine): Pages => totalPages(e) - e.folios.pages - e.slab.pages - e.kernelPages

export const lowWatermark = (e: Engine): Pages => Math.floor(totalPages(e) / LOW_PART)
export const highWatermark = (e: Engine): Pages => Math.floor(totalPages(e) / HIGH_PART)
