/**
 * What a controller is: a table of interface files and the rules behind them. Controllers are static: kernels share
 * them and refer to them by index, so the state of a kernel holds no function.
 */

import type { Machine } from '../engine/machine.ts'
import type { ListenerId } from '../engine/memcg-v1.ts'
import type { Errno, Ok } from '../errno.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Features } from '../profiles/features.ts'
import type { ByteString, Gid, InodeNumber, Pid, Uid } from '../units.ts'
import type { Cgroup } from './cgroup.ts'
import type { Css } from './css.ts'
import type { EventCounter, EventTarget } from './listeners.ts'
import type { Task } from './task.ts'
import type { Tree } from './tree.ts'

/** Whose rights count: those of the process that opened the file (5.16 and later). */
export interface Credentials {
  readonly uid: Uid
  readonly gid: Gid
  readonly groups: readonly Gid[]
  /** Root, or whoever owns the mount: the administrator of the simulated machine. */
  readonly privileged: boolean
}

/** The process that reads or writes now: process numbers are seen with its eyes. */
export interface PidView {
  tgid(): Pid | Errno
  tid(): Pid | Errno
  inView(pid: Pid): Pid
  fromView(pid: Pid): Pid | Errno
  /** A descriptor that process has open; EBADF if it has not. */
  descriptor(fd: number): Descriptor | Errno
}

/** An eventfd, which `take` makes ours, a file of this mount, or anything else. */
export type Descriptor =
  | { readonly kind: 'eventfd'; take(): EventTarget | Errno }
  | { readonly kind: 'file'; readonly ino: InodeNumber }
  | { readonly kind: 'other' }

/** The same, as the row of a file sees it: files are known to those in its own block. */
export type NamedDescriptor =
  | Exclude<Descriptor, { kind: 'file' }>
  | { readonly kind: 'file'; readonly name: ByteString; readonly isReadable: boolean }

/** One read or write of an interface file, as the row sees it. */
export interface Access {
  readonly tree: Tree
  readonly cg: Cgroup
  /** The state the file belongs to. */
  readonly css: Css
  readonly opener: Credentials
  readonly caller: PidView
  /** Whether the opener may write that file of another cgroup. */
  readonly mayWrite: MayWrite
  /** What this open file remembers. */
  readonly memory: OpenMemory
  /** What the other descriptions remember that have this same file open. */
  others(): Iterable<OpenMemory>
  /** The description was opened with O_NONBLOCK. */
  readonly nonblock: boolean
  /** A descriptor of the process that writes. */
  descriptor(fd: number): NamedDescriptor | Errno
  /** Bytes of the write: what a pending one answers in the end. */
  readonly size: number
}

/** Whether the opener may write the file of that name in a cgroup's directory; kernfs knows modes and owners. */
export type MayWrite = (cg: Cgroup, file: string) => boolean

/** State of one open file description beyond its text. */
export interface OpenMemory {
  /** memory.peak, memory.swap.peak: the peak this descriptor has noted since its own reset; undefined before one. */
  peak?: number
  /** *.pressure: the trigger of this descriptor, by its number. */
  trigger?: number
  /** Version 1: a list of processes or threads was read through this description. */
  listed?: boolean
  /** `notify`: what this description listens to, and who it is there. */
  listens?: { readonly listener: ListenerId; readonly text: ByteString; readonly counter: EventCounter }[]
  /** `do`: the beginning of a line whose end has not been written yet. */
  kept?: ByteString
  /** `do`: what the last write did. */
  result?: ByteString
  /** `explain`: the answer to what was asked through this description. */
  explained?: ByteString
}

/** Answer of a write that has to wait: its result follows under the ticket. */
export const PENDING = -100_000
export type Pending = typeof PENDING

/** One interface file. No file is created anywhere else, so the tables are the documentation. */
export interface FileRow {
  readonly name: string
  /** Where it exists: everywhere, below the root, or on the root alone. */
  readonly on: 'everywhere' | 'below root' | 'root'
  /** Prints the contents, or refuses. Absent: nothing can be read, and the mode says so. */
  readonly show?: (out: TextBuffer, access: Access) => Errno | undefined
  /** Acts on a text that was written (cut at the first NUL). Absent: nothing can be written, and the mode says so. */
  readonly write?: (text: ByteString, access: Access) => Errno | Ok | Pending
  /** The description is closed. */
  readonly close?: (access: Access) => void
  /** On which kernels and machines it exists; everywhere when absent. */
  readonly when?: (features: Features, machine: Machine) => boolean
  /** A list that is empty counts as never read for poll (recorded). */
  readonly list?: boolean
  /** Longest text of one write in bytes; a page when absent. */
  readonly maxWrite?: number
  /** Everybody may write it. Kernel: CFTYPE_WORLD_WRITABLE. */
  readonly worldWritable?: boolean
  /** The text is not cut at its first NUL. */
  readonly takesNul?: boolean
  /** Poll and inotify tell when it changes. */
  readonly notifies?: boolean
  /** What poll adds for one open file, instead of the usual rule that a file is new until it is read. */
  readonly poll?: (memory: OpenMemory, tree: Tree) => number
  /** One of the files that cgroup.pressure hides. */
  readonly pressure?: boolean
  /** Each read gives what is new, wherever the description stands: it is written and read through one. */
  readonly stream?: boolean
  /** Asks whether real processes are still alive before it answers. */
  readonly looksAtTasks?: boolean
}

/** Mode by what the row can do. Kernel: cgroup_file_mode. */
export const rowMode = ({ show, write, worldWritable }: FileRow): number =>
  (show ? 0o444 : 0) | (write ? (worldWritable ? 0o222 : 0o200) : 0)

export interface Controller {
  /** Name on version 2. */
  readonly name: string
  /** Works on single threads; the others count per domain. */
  readonly threaded: boolean
  /** Always on and never listed (perf_event). */
  readonly implicit: boolean
  /** Names of controllers whose states it needs in the same cgroup. */
  readonly dependsOn: readonly string[]
  /** On which kernels and machines it exists; everywhere when absent. */
  readonly when?: (features: Features, machine: Machine) => boolean
  /** On version 2. Kernel: dfl_cftypes. */
  readonly files: readonly FileRow[]
  /** On version 1; a controller without them is not there. Kernel: legacy_cftypes. */
  readonly legacyFiles?: readonly FileRow[]

  /** A state is made. A refusal is what mkdir or the write of cgroup.subtree_control answers. */
  readonly alloc?: (tree: Tree, css: Css) => Errno | Ok
  /** One grace period after it was killed. */
  readonly offline?: (tree: Tree, css: Css) => void
  /** Whether something of the controller still refers to an offline state. */
  readonly isPinned?: (css: Css) => boolean
  readonly released?: (tree: Tree, css: Css) => void
  readonly free?: (tree: Tree, css: Css) => void
  /** The state lost its files but stays, because another controller needs it: settings go back to their defaults. */
  readonly reset?: (tree: Tree, css: Css) => void
  /** May one more task be made here? A yes has counted it. */
  readonly canFork?: (tree: Tree, css: Css) => Errno | Ok
  /** One more task is here, whatever the limit. */
  readonly count?: (tree: Tree, css: Css) => void
  /** A task is gone, or was not made after all. */
  readonly uncount?: (tree: Tree, css: Css) => void
  /** May these tasks go to another state? A yes has moved what goes with them. */
  readonly canAttach?: (tree: Tree, tasks: readonly Task[], to: Css) => Errno | Ok
  /** The task goes from one state to another; they differ. */
  readonly attach?: (tree: Tree, task: Task, from: Css, to: Css) => void
}

/** The rows that exist in one kind of directory, and where each stands. */
export interface FileTable {
  readonly rows: readonly FileRow[]
  readonly index: ReadonlyMap<string, number>
}

/** The rows of a controller that exist on the root, or below it. */
export function tableOf(files: readonly FileRow[], isRoot: boolean, features: Features, machine: Machine): FileTable {
  const rows = files.filter(
    row => row.on !== (isRoot ? 'below root' : 'root') && (row.when === undefined || row.when(features, machine)),
  )
  return { rows, index: new Map(rows.map((row, i) => [row.name, i])) }
}
