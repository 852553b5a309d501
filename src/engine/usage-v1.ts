/**
 * What memory.usage_in_bytes and memory.memsw.usage_in_bytes of version 1 say: the counters, but of the root, to which
 * nothing is charged, what the machine has in memory. Kernel: mm/memcontrol.c, mem_cgroup_usage.
 */
import type { Pages } from '../units.ts'
import { usage } from './counter.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'
import { STAT, trueStat } from './vmstat.ts'

export const memoryUsage = (e: Engine, m: MemCgroup): Pages =>
  m.parent === null ? memoryOfMachine(e) : usage(e.counters, m.memory)

export const memswUsage = (e: Engine, m: MemCgroup): Pages =>
  m.parent === null ? memoryOfMachine(e) + e.swap.used : usage(e.counters, m.memsw)

/** Its page cache and mapped anonymous memory. */
const memoryOfMachine = (e: Engine): Pages => trueStat(e, e.root, STAT.file) + trueStat(e, e.root, STAT.anon)
