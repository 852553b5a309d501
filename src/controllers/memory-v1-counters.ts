/**
 * Usage, its maximum, limit and failures of the counters of version 1: memory, memory with swap, kernel memory, TCP
 * buffers. Kernel: mm/memcontrol.c, mem_cgroup_read_u64, mem_cgroup_write, mem_cgroup_reset.
 */
import * as counter from '../engine/counter.ts'
import type { Engine } from '../engine/engine.ts'
import { activateKmem, writeKmemLimit, writeLimit, writeMemswLimit, writeTcpLimit } from '../engine/limits-v1.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { countsChildren } from '../engine/memcg-v1.ts'
import { memoryUsage, memswUsage } from '../engine/usage-v1.ts'
import { EBUSY, EINVAL, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { parseSize, trim } from '../formats/parse.ts'
import { type Cgroup, hasChildren } from '../tree/cgroup.ts'
import type { Access, FileRow } from '../tree/controller.ts'
import type { ByteString, Pages } from '../units.ts'

/** One counter and its four files. */
export interface Resource {
  /** `memory`, `memory.kmem`. */
  readonly prefix: string
  readonly counter: (m: MemCgroup) => counter.CounterId
  /** What is shown as used, where it is not the counter. */
  readonly usage?: (e: Engine, m: MemCgroup) => Pages
  /** What a new limit means, below the root. */
  readonly limit: (access: Access, pages: Pages) => Errno | Ok
  readonly when?: FileRow['when']
}

const memcgOf = ({ css }: Access): MemCgroup => css.memcg!

const file = (suffix: string, { prefix, when }: Resource, acts: Pick<FileRow, 'show' | 'write'>): FileRow => ({
  name: `${prefix}.${suffix}`,
  on: 'everywhere',
  ...acts,
  ...(when && { when }),
})

export const usageFile = (resource: Resource): FileRow =>
  file('usage_in_bytes', resource, {
    show: (out, access) => {
      const { engine } = access.tree
      const m = memcgOf(access)
      const pages = resource.usage?.(engine, m) ?? counter.usage(engine.counters, resource.counter(m))
      out.bytesOf(pages, engine.machine.pageSize).newline()
      return undefined
    },
  })

/** A write, of anything, makes it the present usage. */
export const maxUsageFile = (resource: Resource): FileRow =>
  file('max_usage_in_bytes', resource, {
    show: (out, access) => {
      const { counters, machine } = access.tree.engine
      out.bytesOf(counter.watermark(counters, resource.counter(memcgOf(access))), machine.pageSize).newline()
      return undefined
    },
    write: (_, access) => {
      counter.resetWatermark(access.tree.engine.counters, resource.counter(memcgOf(access)))
      return OK
    },
  })

/** A write, of anything, makes it 0. */
export const failcntFile = (resource: Resource): FileRow =>
  file('failcnt', resource, {
    show: (out, access) =>
      void out.line(counter.failcnt(access.tree.engine.counters, resource.counter(memcgOf(access)))),
    write: (_, access) => {
      counter.resetFailcnt(access.tree.engine.counters, resource.counter(memcgOf(access)))
      return OK
    },
  })

export const limitFile = (resource: Resource): FileRow =>
  file('limit_in_bytes', resource, {
    show: (out, access) => {
      const { counters, machine } = access.tree.engine
      out.limitOf(counter.maxOf(counters, resource.counter(memcgOf(access))), machine.pageSize).newline()
      return undefined
    },
    write: (text, access) => {
      const pages = parseLimit(trim(text), access)
      if (isErrno(pages)) return pages
      return memcgOf(access).parent === null ? EINVAL : resource.limit(access, pages)
    },
  })

/** A size, rounded down to pages; -1 is no limit. */
export function parseLimit(text: ByteString, { tree }: Access): Pages | Errno {
  if (text === '-1') return counter.PAGE_COUNTER_MAX
  return parseSize(text, tree.engine.machine.pageSize, counter.PAGE_COUNTER_MAX)
}

export const MEMORY: Resource = {
  prefix: 'memory',
  counter: m => m.memory,
  usage: memoryUsage,
  limit: (access, pages) => writeLimit(access.tree.engine, memcgOf(access), pages),
}

export const MEMSW: Resource = {
  prefix: 'memory.memsw',
  counter: m => m.memsw,
  usage: memswUsage,
  limit: (access, pages) => writeMemswLimit(access.tree.engine, memcgOf(access), pages),
  when: (_, { swapAccounting }) => swapAccounting,
}

export const KMEM: Resource = { prefix: 'memory.kmem', counter: m => m.kmem, limit: limitKmem }

export const TCP: Resource = {
  prefix: 'memory.kmem.tcp',
  counter: m => m.tcpmem,
  limit: (access, pages) => writeTcpLimit(access.tree.engine, memcgOf(access), pages),
}

/** Where kernel memory has to be asked for, the first limit does: while nobody could have used any yet. */
function limitKmem(access: Access, pages: Pages): Errno | Ok {
  const { tree, cg } = access
  const m = memcgOf(access)
  if (tree.engine.features.kmemLimit === 'activate+enforce' && !m.kmemActive) {
    if (isUsed(cg, m)) return EBUSY
    activateKmem(m)
  }
  return writeKmemLimit(tree.engine, m, pages)
}

/** Children that do not count in it cannot have used anything of it. */
const isUsed = (cg: Cgroup, m: MemCgroup): boolean =>
  (cg.tasks?.size ?? 0) > 0 || (countsChildren(m) && hasChildren(cg))
