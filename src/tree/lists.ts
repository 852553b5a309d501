/**
 * Who is listed where: the text of cgroup.procs and cgroup.threads. Kernel: css_task_iter.
 */
import { EOPNOTSUPP, type Errno } from '../errno.ts'
import type { Pid } from '../units.ts'
import { type Cgroup, subtree } from './cgroup.ts'
import { isLeader } from './task.ts'
import { isThreaded } from './threaded.ts'

/** Processes of a cgroup, in the order they came; of a thread root those of its whole threaded subtree. */
export function processes(cg: Cgroup): Pid[] | Errno {
  if (isThreaded(cg)) return EOPNOTSUPP
  const pids: Pid[] = []
  for (const each of cg.threadedChildren > 0 ? subtree(cg) : [cg]) {
    if (each.domain !== cg) continue
    for (const task of each.tasks ?? []) if (isLeader(task)) pids.push(task.pid)
    for (const leader of each.deadLeaders ?? []) if (leader.threads.size > 0) pids.push(leader.pid)
  }
  return pids
}

/** Living threads of a cgroup itself. */
export const threads = (cg: Cgroup): Pid[] => [...(cg.tasks ?? [])].map(task => task.pid)
