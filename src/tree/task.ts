/**
 * Tasks: simulated ones, and processes of the host that were moved into a cgroup.
 *
 * A task is a thread; its process is its leader. It leaves the lists when it exits, and is forgotten when it is
 * reaped. Kernel: cgroup_post_fork, cgroup_exit, cgroup_release.
 */

import type { Belongings } from '../engine/belongings.ts'
import type { Hold } from '../engine/dcache.ts'
import type { KernelObjects, KernelPages } from '../engine/kmem.ts'
import type { Mm } from '../engine/mm.ts'
import type { SleepReason } from '../engine/sleep.ts'
import type { TaskMemory } from '../engine/taskmemory.ts'
import type { Cpu, Nanoseconds, Pid, Uid } from '../units.ts'
import type { Cgroup } from './cgroup.ts'
import type { Css } from './css.ts'

export interface TaskSleep {
  readonly reason: SleepReason
  /** Infinity: until it is woken. */
  readonly until: Nanoseconds
}

export interface Task {
  /** Name in the workload language; empty for a real process. */
  readonly name: string
  /** Thread id; of a leader also the process id. */
  readonly pid: Pid
  leader: Task
  /** Living threads of the process, the leader among them; kept by the leader, empty otherwise. */
  readonly threads: Set<Task>
  /** By index of the hierarchy. */
  readonly cgroups: Cgroup[]
  /** By index of the controller: the state it counts in, until it is reaped. */
  readonly css: (Css | null)[]
  readonly uid: Uid
  /** A process of the host, with what tells it from a later one of the same number; null for a simulated task. */
  readonly realToken: number | null
  readonly kthread: boolean
  /** Owns no kernel objects, and what it does to files makes none. */
  readonly bare: boolean
  cpu: Cpu
  state: 'alive' | 'zombie' | 'gone'
  /** Stays a zombie until it is reaped; others are reaped at once. */
  staysZombie: boolean
  /** Stopped by the freezer of its cgroup. */
  frozen: boolean
  /** Stopped by SIGSTOP. */
  stopped: boolean
  /** Asleep in the kernel; null while it is not. */
  sleep: TaskSleep | null
  /** What it charges is charged in interrupt context. */
  inInterrupt: boolean
  /** A fatal signal is pending: it takes effect at the end of the next call. */
  dying: boolean

  /** Shared by the threads of a process; null for kernel threads, real processes and the dead. */
  mm: Mm | null
  memory: TaskMemory | null
  /** Kernel objects and pages it has asked for, oldest first. */
  readonly objects: KernelObjects[]
  readonly pages: KernelPages[]
  readonly holds: Hold[]
  readonly belongings: Belongings
}

export const isReal = (task: Task): boolean => task.realToken !== null

export const isLeader = (task: Task): boolean => task.leader === task

/** The cgroup of a task on the hierarchy of version 2. */
export const cgroupOf = (task: Task, hierarchy = 0): Cgroup => task.cgroups[hierarchy]!
