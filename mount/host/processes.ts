/**
 * Real processes of this host, as the model needs them: what they are when they are put into a cgroup, and whether
 * they are still there later. Source of the fields: proc_pid_stat(5).
 */
import { type Errno, ESRCH } from '../../src/errno.ts'
import type { Pid, Uid } from '../../src/units.ts'
import { numbersOf, readProc } from './proc.ts'

/** Kernel: include/linux/sched.h. */
const PF_NO_SETAFFINITY = 0x04000000
const PF_KTHREAD = 0x00200000
/** Parent of all kernel threads. Kernel: kthreadd sets no_cgroup_migration (kernel/kthread.c, 4.11 and later). */
const KTHREADD: Pid = 2

export type ProcessKind =
  | 'user'
  | 'kthread'
  /** A kernel thread that must stay where it is. Kernel: kernel/cgroup/cgroup.c, cgroup_procs_write_start: EINVAL. */
  | 'bound-kthread'

/** Tells a process from a later one with the same number: when it started, in clock ticks since boot. */
export type StartToken = number

export interface ProcessFacts {
  /** The process a thread belongs to. */
  readonly tgid: Pid
  readonly kind: ProcessKind
  /** Its real user. */
  readonly uid: Uid
  readonly token: StartToken
}

export interface Processes {
  /** A process or thread by its number in our pid namespace. A zombie is found: its number is still taken. */
  find(pid: Pid): ProcessFacts | Errno
  /** False once it has exited, waited for or not, or when the number belongs to another one. */
  alive(pid: Pid, token: StartToken): boolean
}

export const hostProcesses: Processes = {
  find(pid) {
    const stat = readStat(pid)
    const status = readProc(`${pid}/status`) ?? ''
    const [tgid] = numbersOf(status, 'Tgid')
    const [uid] = numbersOf(status, 'Uid')
    if (stat === undefined || tgid === undefined || uid === undefined) return ESRCH
    return { tgid, kind: kindOf(tgid, stat.flags), uid, token: stat.startTime }
  },
  alive(pid, token) {
    const stat = readStat(pid)
    return stat !== undefined && stat.startTime === token && !hasExited(stat)
  },
}

function kindOf(tgid: Pid, flags: number): ProcessKind {
  if ((flags & PF_KTHREAD) === 0) return 'user'
  return tgid === KTHREADD || (flags & PF_NO_SETAFFINITY) !== 0 ? 'bound-kthread' : 'kthread'
}

interface Stat {
  readonly state: string
  readonly flags: number
  readonly threads: number
  readonly startTime: StartToken
}

/** Fields 3, 9, 20 and 22. The second, the command, may hold blanks and parentheses: counting starts behind its last. */
function readStat(pid: Pid): Stat | undefined {
  const text = readProc(`${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): string => fields[number - 3] ?? ''
  return { state: field(3), flags: Number(field(9)), threads: Number(field(20)), startTime: Number(field(22)) }
}

/** A leader that ended before its other threads is a zombie, too, but its process lives on. */
function hasExited({ state, threads }: Stat): boolean {
  return state === 'X' || (state === 'Z' && threads <= 1)
}
