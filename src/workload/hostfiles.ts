/**
 * What /proc/slabinfo and /proc/meminfo of the whole machine would show: `.memcgfs/slabinfo` and `.memcgfs/meminfo`.
 * Real pages, not charges and not statistics of cgroups; meminfo has only lines that the model can answer.
 */
import type { Engine } from '../engine/engine.ts'
import { STACK_BYTES, toPages } from '../engine/machine.ts'
import { ownAllocations } from '../engine/offline.ts'
import { copyBytes } from '../engine/slab/copies.ts'
import { utilization, writeSlabinfo } from '../engine/slab/report.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Kernel } from '../kernel.ts'
import { type Bytes, KIB, type Pages } from '../units.ts'

/** As /proc/slabinfo, with comments behind it: how much of the slab pages is in use, and what copies cost besides. */
export function showSlabinfo(out: TextBuffer, { engine }: Kernel): undefined {
  writeSlabinfo(engine, out)
  const { active, used, pages, visible, exact } = utilization(engine)
  const percent = (share: number): string => `${(share * 100).toFixed(1)}%`
  out.text(`# utilVisible ${percent(visible)} active ${active} of ${pages} bytes\n`)
  out.text(`# utilExact ${percent(exact)} allocated ${used} of ${pages} bytes\n`)
  const copies = engine.slab.caches.filter(cache => cache !== null && cache.root !== cache.index).length
  if (copies > 0) out.text(`# copies ${copies} metadata ${copies * copyBytes(engine)} bytes\n`)
  return undefined
}

interface UserPages {
  anon: Pages
  cache: Pages
  shmem: Pages
  all: Pages
}

function userPages({ folios }: Engine): UserPages {
  const sum: UserPages = { anon: 0, cache: 0, shmem: 0, all: 0 }
  for (const batch of folios.batches) {
    if (batch === null) continue
    sum.all += batch.pages
    if (batch.kind === 'anon') sum.anon += batch.pages
    if (batch.kind === 'shmem') sum.shmem += batch.pages
    if (batch.kind !== 'anon' && batch.file !== null) sum.cache += batch.pages
  }
  return sum
}

function slabPages({ slab }: Engine, reclaimable: boolean): Pages {
  return slab.caches.reduce((sum, cache) => sum + (cache?.reclaimable === reclaimable ? cache.pages : 0), 0)
}

/** Every task that owns kernel memory has one stack. */
const stackBytes = ({ tree }: Kernel): Bytes =>
  STACK_BYTES * [...tree.tasks.values()].filter(task => task.memory !== null).length

function tablePages({ mms }: Engine): Pages {
  let pages = 0
  for (const { pageTables } of mms.values())
    for (const { blocks, order } of pageTables ?? []) pages += blocks * 2 ** order
  return pages
}

/**
 * Per-CPU memory of the cgroups themselves, removed ones included, in whole pages; undefined up to 5.8, where nobody
 * measured what it is.
 */
function percpuPages(e: Engine): Pages | undefined {
  if (e.features.percpuCharge === 'none') return undefined
  const each = ownAllocations(e).reduce((sum, size) => sum + size, 0) * e.machine.cpus
  return toPages(e.machine, each * e.memcgs.filter(m => m !== null).length)
}

/**
 * As /proc/meminfo, in its order. MemFree knows of no memory of the kernel itself but what the model allocates; a
 * machine with as much memory as anybody wants has no total.
 */
export function showMeminfo(out: TextBuffer, kernel: Kernel): undefined {
  const { engine, setup } = kernel
  const { pageSize, memory } = setup.machine
  const user = userPages(engine)
  const reclaimable = slabPages(engine, true)
  const unreclaimable = slabPages(engine, false)
  const percpu = percpuPages(engine)
  const used = user.all + reclaimable + unreclaimable + engine.kernelPages + (percpu ?? 0)
  const total = Math.floor(memory / pageSize)
  const lineOfBytes = (name: string, bytes: Bytes): void =>
    void out.text(`${`${name}:`.padEnd(16)}${String(bytes / KIB).padStart(8)} kB\n`)
  const line = (name: string, pages: Pages): void => lineOfBytes(name, pages * pageSize)
  if (total > 0) line('MemTotal', total)
  if (total > 0) line('MemFree', Math.max(0, total - used))
  line('Cached', user.cache)
  line('SwapTotal', engine.swapTotal)
  line('SwapFree', engine.swapTotal - engine.swap.used)
  line('AnonPages', user.anon)
  line('Shmem', user.shmem)
  line('Slab', reclaimable + unreclaimable)
  line('SReclaimable', reclaimable)
  line('SUnreclaim', unreclaimable)
  lineOfBytes('KernelStack', stackBytes(kernel))
  line('PageTables', tablePages(engine))
  if (percpu !== undefined) line('Percpu', percpu)
  return undefined
}
