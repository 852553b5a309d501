/**
 * The memory controller's files of version 1. Kernel: mm/memcontrol.c, mem_cgroup_legacy_files (slab-kmem.md §8,
 * charge-reclaim.md §5.5).
 *
 * There so far: usage, its maximum, limit and failures of memory, kernel memory and TCP buffers; memory.stat;
 * memory.kmem.slabinfo; cgroup.event_control, which checks what is written and registers nothing. A memcg always counts
 * in its parent, as with memory.use_hierarchy 1: that file, memory.memsw.* and the others are not there yet.
 */
import * as counter from '../engine/counter.ts'
import { activateKmem, writeKmemLimit, writeLimit, writeTcpLimit } from '../engine/limits-v1.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { writeSlabinfoOf } from '../engine/slab/report.ts'
import { STAT, trueStat } from '../engine/vmstat.ts'
import { EBUSY, EINVAL, EOPNOTSUPP, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { parseSize, trim } from '../formats/parse.ts'
import { type Cgroup, hasChildren } from '../tree/cgroup.ts'
import type { Access, FileRow } from '../tree/controller.ts'
import type { ByteString, Pages } from '../units.ts'
import { showStatV1 } from './memory-v1-stat.ts'
import { oomControl } from './oom-control.ts'

const memcgOf = ({ css }: Access): MemCgroup => css.memcg!

/** One counter and its four files. */
interface Resource {
  /** `memory`, `memory.kmem`. */
  readonly prefix: string
  readonly counter: (m: MemCgroup) => counter.CounterId
  /** What a new limit means, below the root. */
  readonly limit: (access: Access, pages: Pages) => Errno | Ok
}

function usageFile({ prefix, counter: of }: Resource): FileRow {
  return {
    name: `${prefix}.usage_in_bytes`,
    on: 'everywhere',
    show: (out, access) => {
      const m = memcgOf(access)
      const { engine } = access.tree
      const isEstimate = m.parent === null && of(m) === m.memory
      const pages = isEstimate ? memoryOfMachine(access) : counter.usage(engine.counters, of(m))
      out.bytesOf(pages, engine.machine.pageSize).newline()
      return undefined
    },
  }
}

/** The root is charged nothing: what it shows is the page cache and the mapped memory of the machine. */
function memoryOfMachine({ tree: { engine } }: Access): Pages {
  return trueStat(engine, engine.root, STAT.file) + trueStat(engine, engine.root, STAT.anon)
}

/** A write, of anything, makes it the present usage. */
function maxUsageFile({ prefix, counter: of }: Resource): FileRow {
  return {
    name: `${prefix}.max_usage_in_bytes`,
    on: 'everywhere',
    show: (out, access) => {
      const { counters, machine } = access.tree.engine
      out.bytesOf(counter.watermark(counters, of(memcgOf(access))), machine.pageSize).newline()
      return undefined
    },
    write: (_, access) => {
      counter.resetWatermark(access.tree.engine.counters, of(memcgOf(access)))
      return OK
    },
  }
}

/** A write, of anything, makes it 0. */
function failcntFile({ prefix, counter: of }: Resource): FileRow {
  return {
    name: `${prefix}.failcnt`,
    on: 'everywhere',
    show: (out, access) => void out.line(counter.failcnt(access.tree.engine.counters, of(memcgOf(access)))),
    write: (_, access) => {
      counter.resetFailcnt(access.tree.engine.counters, of(memcgOf(access)))
      return OK
    },
  }
}

function limitFile({ prefix, counter: of, limit }: Resource): FileRow {
  return {
    name: `${prefix}.limit_in_bytes`,
    on: 'everywhere',
    show: (out, access) => {
      const { counters, machine } = access.tree.engine
      out.limitOf(counter.maxOf(counters, of(memcgOf(access))), machine.pageSize).newline()
      return undefined
    },
    write: (text, access) => {
      const pages = parseLimit(trim(text), access)
      if (isErrno(pages)) return pages
      return memcgOf(access).parent === null ? EINVAL : limit(access, pages)
    },
  }
}

/** A size, rounded down to pages; -1 is no limit. */
function parseLimit(text: ByteString, { tree }: Access): Pages | Errno {
  if (text === '-1') return counter.PAGE_COUNTER_MAX
  return parseSize(text, tree.engine.machine.pageSize, counter.PAGE_COUNTER_MAX)
}

const MEMORY: Resource = {
  prefix: 'memory',
  counter: m => m.memory,
  limit: (access, pages) => writeLimit(access.tree.engine, memcgOf(access), pages),
}

const KMEM: Resource = { prefix: 'memory.kmem', counter: m => m.kmem, limit: limitKmem }

const TCP: Resource = {
  prefix: 'memory.kmem.tcp',
  counter: m => m.tcpmem,
  limit: (access, pages) => writeTcpLimit(access.tree.engine, memcgOf(access), pages),
}

/** Where kernel memory has to be asked for, the first limit does: while nobody could have used any yet. */
function limitKmem(access: Access, pages: Pages): Errno | Ok {
  const { tree, cg } = access
  const m = memcgOf(access)
  if (tree.engine.features.kmemLimit === 'activate+enforce' && !m.kmemActive) {
    if (isUsed(cg)) return EBUSY
    activateKmem(m)
  }
  return writeKmemLimit(tree.engine, m, pages)
}

const isUsed = (cg: Cgroup): boolean => (cg.tasks?.size ?? 0) > 0 || hasChildren(cg)

/** In the kernel's order. */
export const memoryV1: readonly FileRow[] = [
  usageFile(MEMORY),
  maxUsageFile(MEMORY),
  limitFile(MEMORY),
  failcntFile(MEMORY),
  { name: 'memory.stat', on: 'everywhere', show: showStatV1 },
  { name: 'cgroup.event_control', on: 'everywhere', write: writeEventControl, worldWritable: true },
  oomControl,
  limitFile(KMEM),
  usageFile(KMEM),
  failcntFile(KMEM),
  maxUsageFile(KMEM),
  {
    name: 'memory.kmem.slabinfo',
    on: 'everywhere',
    show: (out, access) => void writeSlabinfoOf(access.tree.engine, memcgOf(access), out),
  },
  limitFile(TCP),
  usageFile(TCP),
  failcntFile(TCP),
  maxUsageFile(TCP),
]

/**
 * `EVENTFD FILE [ARGUMENTS]`, both as descriptors of the writer. What it could ask for (thresholds, OOM, pressure) comes
 * with step 3: a well-formed request is EOPNOTSUPP. Kernel: memcg_write_event_control.
 */
const EVENT_REQUEST = /^\d* \d*(?: |$)/

function writeEventControl(text: ByteString): Errno {
  return EVENT_REQUEST.test(trim(text)) ? EOPNOTSUPP : EINVAL
}
