/**
 * Real processes, as far as the tree asks about them. The door supplies it; in a process without one, nobody exists.
 */
import { type Errno, ESRCH } from '../errno.ts'
import type { Pid, Uid } from '../units.ts'

export interface RealProcess {
  readonly tgid: Pid
  /** A user process, a kernel thread that may be moved, or one that is bound to its place. */
  readonly kind: 'user' | 'kthread' | 'bound-kthread'
  readonly uid: Uid
  /** Tells this process from a later one with the same number. */
  readonly token: number
}

export interface Host {
  /** Looks a thread id up; ESRCH if there is none. */
  find(pid: Pid): RealProcess | Errno
  /** False once it has exited, reaped or not. */
  alive(pid: Pid, token: number): boolean
}

export const NO_HOST: Host = { find: () => ESRCH, alive: () => false }
