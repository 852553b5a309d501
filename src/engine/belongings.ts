/**
 * What a task has taken of the kernel besides plain objects and pages: descriptors, vmalloc areas, per-CPU memory. All
 * of it is given back when the task exits. Kernel: mm/vmalloc.c, mm/percpu.c.
 */
import { type Errno, isErrno, OK, type Ok } from '../errno.ts'
import type { Bytes, Cpu, Pages } from '../units.ts'
import { closeDescriptor, type Descriptor } from './descriptors.ts'
import type { Engine } from './engine.ts'
import { freeKernelPages, type KernelPages, payerOf } from './kmem.ts'
import { allocKernelPages, type KernelActor } from './kmemalloc.ts'
import { chargePercpu, objcgFor, unchargePercpu } from './objcg.ts'
import type { ObjCgroup } from './objstock.ts'
import { modStatTimes, STAT } from './vmstat.ts'

/** Everything oldest first. */
export interface Belongings {
  readonly descriptors: Descriptor[]
  readonly vmallocs: KernelPages[]
  readonly percpus: PercpuMemory[]
}

/** An allocation of so many bytes on each CPU, and who pays for it. */
interface PercpuMemory {
  readonly payer: ObjCgroup | null
  readonly size: Bytes
}

export const createBelongings = (): Belongings => ({ descriptors: [], vmallocs: [], percpus: [] })

/** Maps `pages` pages of kernel memory. False if they were refused: then none is mapped. */
export function vmalloc(e: Engine, { vmallocs }: Belongings, pages: Pages, actor: KernelActor): boolean {
  const area = allocKernelPages(e, 0, pages, actor)
  countVmalloc(e, area, area.blocks, actor.cpu)
  vmallocs.push(area)
  if (area.blocks === pages) return true
  vmallocs.pop()
  unmap(e, area, area.blocks, actor.cpu)
  return false
}

/** Frees the `pages` oldest pages; there are as many. */
export function vfree(e: Engine, { vmallocs }: Belongings, pages: Pages, cpu: Cpu): void {
  for (let left = pages; left > 0; ) {
    const area = vmallocs[0]!
    const now = Math.min(left, area.blocks)
    unmap(e, area, now, cpu)
    left -= now
    if (area.blocks === 0) vmallocs.shift()
  }
}

function unmap(e: Engine, area: KernelPages, pages: Pages, cpu: Cpu): void {
  countVmalloc(e, area, -pages, cpu)
  freeKernelPages(e, area, pages, cpu)
}

/** Page by page, as the kernel counts them. */
function countVmalloc(e: Engine, area: KernelPages, pages: Pages, cpu: Cpu): void {
  const payer = payerOf(area)
  if (payer !== null) modStatTimes(e, payer, STAT.vmalloc, cpu, Math.sign(pages), Math.abs(pages))
}

/** Takes `size` bytes on each CPU; nobody pays for them on kernels that do not account them. */
export function allocPercpu(e: Engine, { percpus }: Belongings, size: Bytes, actor: KernelActor): Ok | Errno {
  const isAccounted = actor.memcg !== null && e.features.percpuCharge !== 'none'
  const payer = isAccounted ? objcgFor(actor.memcg, actor.node) : null
  if (payer !== null) {
    const charged = chargePercpu(e, payer, size, actor.gfp, actor.cpu)
    if (isErrno(charged)) return charged
  }
  percpus.push({ payer, size })
  return OK
}

/** Frees the `count` oldest allocations; there are as many. */
export function freePercpu(e: Engine, { percpus }: Belongings, count: number, cpu: Cpu): void {
  for (const { payer, size } of percpus.splice(0, count)) if (payer !== null) unchargePercpu(e, payer, size, cpu)
}

/** The task is gone. */
export function freeBelongings(e: Engine, belongings: Belongings, cpu: Cpu): void {
  const { descriptors, vmallocs, percpus } = belongings
  for (const descriptor of descriptors.splice(0)) closeDescriptor(e, descriptor, cpu)
  vfree(
    e,
    belongings,
    vmallocs.reduce((sum, area) => sum + area.blocks, 0),
    cpu,
  )
  freePercpu(e, belongings, percpus.length, cpu)
}
