/**
 * What the kernel prints when the OOM killer kills, as data: it is put together before anybody dies. Names, pids and
 * paths are the tree's. Kernel: mm/oom_kill.c dump_header, dump_tasks, __oom_kill_process; mm/memcontrol.c
 * mem_cgroup_print_oom_meminfo.
 */
import type { Bytes, Pages } from '../units.ts'
import { failcnt, maxOf, NO_COUNTER, usage } from './counter.ts'
import type { Engine } from './engine.ts'
import { GFP_FS, GFP_IO, type Gfp } from './gfp.ts'
import type { MemCgroup } from './memcg.ts'
import type { Mm } from './mm.ts'
import { candidates } from './oomvictim.ts'
import { flushStats, printedUnit, readLine } from './vmstat.ts'

/** A row of the table of tasks. */
export interface OomTask {
  readonly mm: number
  readonly totalVm: Pages
  readonly anon: Pages
  readonly file: Pages
  readonly shmem: Pages
  readonly pageTables: Pages
  readonly swapents: Pages
  readonly oomScoreAdj: number
}

/** A counter and its limit, in pages. */
export interface OomCounter {
  readonly name: string
  readonly usage: Pages
  readonly limit: Pages
  readonly failcnt: number
}

export interface OomReport {
  /** Slot of the memcg that is out of memory. */
  readonly memcg: number
  /** The address space that asked for more; null for nobody's. */
  readonly invoker: number | null
  readonly gfp: 'GFP_KERNEL' | 'GFP_NOFS' | 'GFP_NOIO'
  readonly order: number
  readonly counters: readonly OomCounter[]
  /** The lines of memory.stat. */
  readonly stat: readonly { readonly name: string; readonly value: Bytes }[]
  readonly tasks: readonly OomTask[]
  /** The one that was chosen. */
  readonly victim: number
  /** Slot of the memcg that is killed as a whole; null if it is not. */
  readonly group: number | null
  /** All that are killed, the chosen one first. */
  readonly killed: readonly number[]
}

export type OomCircumstances = Pick<OomReport, 'invoker' | 'order' | 'victim' | 'group' | 'killed'> & {
  readonly flags: Gfp
}

/** Takes down how things are in `over`. */
export function reportOom(e: Engine, over: MemCgroup, { flags, ...circumstances }: OomCircumstances): OomReport {
  flushStats(e, over)
  return {
    ...circumstances,
    memcg: over.slot,
    gfp: (flags & GFP_FS) !== 0 ? 'GFP_KERNEL' : (flags & GFP_IO) !== 0 ? 'GFP_NOFS' : 'GFP_NOIO',
    counters: countersOf(e, over),
    stat: e.vmstats.lines.map(line => ({
      name: line.name,
      value: readLine(e, over, line) * printedUnit(e, line.items[0]!),
    })),
    tasks: candidates(e, over).map(describe),
  }
}

/** Memory and what else is limited: swap, or on version 1 memory and swap together, and kernel memory. */
function countersOf(e: Engine, { memory, swap, memsw, kmem }: MemCgroup): OomCounter[] {
  const of = (name: string, c: number): OomCounter => ({
    name,
    usage: usage(e.counters, c),
    limit: maxOf(e.counters, c),
    failcnt: failcnt(e.counters, c),
  })
  if (e.hierarchy === 'v2') return [of('memory', memory), of('swap', swap)]
  return [of('memory', memory), ...(memsw === NO_COUNTER ? [] : [of('memory+swap', memsw)]), of('kmem', kmem)]
}

function describe(mm: Mm): OomTask {
  const { anon, file, shmem } = mm.rss
  let totalVm = 0
  for (const vma of mm.vmas.values()) totalVm += vma.pages
  const { id, pageTables, swapents, oomScoreAdj } = mm
  return { mm: id, totalVm, anon, file, shmem, pageTables: pageTables?.length ?? 0, swapents, oomScoreAdj }
}
