/**
 * The lists of cgroup.procs and tasks on version 1: sorted, each number once. Kernel: kernel/cgroup/cgroup-v1.c,
 * pidlist_array_load, cgroup_pidlist_start.
 *
 * A list is made when a description reads for the first time, and kept for a while after the last read: who reads again
 * through the same description until then gets the old one (cgroup-core.md; errata.md I10).
 */
import { type Nanoseconds, type Pid, seconds } from '../units.ts'
import type { Cgroup } from './cgroup.ts'
import type { OpenMemory } from './controller.ts'
import type { Tree } from './tree.ts'

interface PidList {
  readonly pids: readonly Pid[]
  /** When it is forgotten. */
  until: Nanoseconds
}

/** Processes (cgroup.procs) and threads (tasks). */
export type PidListKind = 'processes' | 'threads'
export type PidLists = { [K in PidListKind]?: PidList }

/** Kernel: CGROUP_PIDLIST_DESTROY_DELAY. */
const KEPT: Nanoseconds = seconds(1)

/** A process is listed where any of its threads lives. */
function load(cg: Cgroup, kind: PidListKind): Pid[] {
  const pids = new Set<Pid>()
  for (const task of cg.tasks ?? []) pids.add(kind === 'threads' ? task.pid : task.leader.pid)
  return [...pids].sort((a, b) => a - b)
}

/** The list that a description shows now. */
export function pidList(tree: Tree, cg: Cgroup, kind: PidListKind, memory: OpenMemory): readonly Pid[] {
  const { now } = tree.clock
  cg.pidLists ??= {}
  let list = cg.pidLists[kind]
  if (list === undefined || list.until <= now || !memory.listed) {
    list = { pids: load(cg, kind), until: now }
    cg.pidLists[kind] = list
    memory.listed = true
  }
  list.until = now + KEPT
  return list.pids
}
