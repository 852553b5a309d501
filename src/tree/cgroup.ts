/**
 * Cgroups and hierarchies: the records, and how to walk them. Kernel: struct cgroup, kernel/cgroup/cgroup.c.
 *
 * A cgroup, its states per controller (css.ts), the memory behind one of these states (engine/memcg.ts) and the
 * directory people see (kernfs/) are four things with four lifetimes. All of them are plain data: what they do is in
 * the functions that take them.
 */
import type { PsiGroup } from '../engine/psi/group.ts'
import type { ByteString, InodeNumber, Nanoseconds } from '../units.ts'
import type { Css } from './css.ts'
import type { PidLists } from './pidlist.ts'
import type { Task } from './task.ts'

/** Bits of controllers, by their index in the kernel's order. */
export type ControllerSet = number

/** One tree of cgroups. */
export interface Hierarchy {
  /** Place among the hierarchies of this kernel, and of a task's cgroup in `Task.cgroups`. */
  readonly index: number
  readonly version: 1 | 2
  /** Directory below the mount that holds it; empty where the mount itself is the root (version 2 alone). */
  readonly name: ByteString
  /** Controllers bound to it. */
  readonly controllers: ControllerSet
  root: Cgroup
  /** Inode numbers are counted up per hierarchy: directories and files alike take the next one. */
  nextIno: InodeNumber
  /** Version 1: the program that is told of cgroups that fall empty; empty for none. */
  releaseAgent: ByteString
}

export interface Cgroup {
  readonly hierarchy: Hierarchy
  /** Inode number of the directory: the cgroup id. */
  readonly id: InodeNumber
  /** Version 1 can change it. */
  name: ByteString
  readonly parent: Cgroup | null
  /** Live children by name, in order of creation; null while there never was one. */
  children: Map<ByteString, Cgroup> | null
  readonly level: number
  /** False from rmdir on. */
  alive: boolean

  /** What `cgroup.subtree_control` says. */
  subtreeControl: ControllerSet
  /** The same, with what these depend on and what is always on. */
  subtreeStates: ControllerSet
  /** States by controller index. */
  readonly css: (Css | null)[]
  /** The state of the cgroup itself: its core files, and what keeps it from being freed. */
  self: Css
  /** Where resources of its tasks are counted: itself, or the root of its threaded subtree. */
  domain: Cgroup
  threadedChildren: number

  /** Infinity for `max`. */
  maxDepth: number
  maxDescendants: number
  descendants: number
  dyingDescendants: number
  /** Row in the tree's counts of live and dying states per controller, of this cgroup and below. */
  readonly stateCounts: number

  /** Living tasks, in the order they came. Null while there never was one. */
  tasks: Set<Task> | null
  /** Leaders that have exited and are not reaped; they are listed while threads of theirs live. */
  deadLeaders: Set<Task> | null
  /** Children with living tasks in them or below, by the kind the child is. */
  populatedDomainChildren: number
  populatedThreadedChildren: number

  /** What cgroup.freeze says. */
  freeze: boolean
  /** How many cgroups from here to the root have it set. */
  effectiveFreeze: number
  /** What cgroup.events says. */
  frozen: boolean
  frozenTasks: number
  /** Descendants with `frozen` set. */
  frozenDescendants: number
  /** Since when it is to be frozen; null when it is not. */
  freezingSince: Nanoseconds | null
  /** How long it was to be frozen before that. */
  freezingTime: Nanoseconds

  /** Its pressure; null while no task ever was in it or below, and nothing was asked of it. */
  psi: PsiGroup | null
  /** What cgroup.pressure says is off: the pressure files are hidden. */
  pressureOff: boolean

  /** Version 1: what notify_on_release and cgroup.clone_children say. */
  notifyOnRelease: boolean
  cloneChildren: boolean
  /** Version 1: lists of processes and threads as they were last read; null while they never were. */
  pidLists: PidLists | null
}

/** The cgroup itself and its ancestors, root last. */
export function* pathUp(cg: Cgroup): Generator<Cgroup> {
  for (let level: Cgroup | null = cg; level !== null; level = level.parent) yield level
}

/** The cgroup and everything alive below it, parents first. */
export function* subtree(cg: Cgroup): Generator<Cgroup> {
  yield cg
  for (const child of cg.children?.values() ?? []) yield* subtree(child)
}

export const hasChildren = (cg: Cgroup): boolean => cg.children !== null && cg.children.size > 0

export const isDescendantOf = (cg: Cgroup, ancestor: Cgroup): boolean => {
  for (const level of pathUp(cg)) if (level === ancestor) return true
  return false
}

/** Path from the root of the hierarchy: `/`, `/a/b`. */
export function pathOf(cg: Cgroup): ByteString {
  let path = ''
  for (const level of pathUp(cg)) if (level.parent !== null) path = `/${level.name}${path}`
  return path === '' ? '/' : path
}

/** Path from the root of the mount. */
export function pathInMount(cg: Cgroup): ByteString {
  const { name } = cg.hierarchy
  const path = pathOf(cg)
  if (name === '') return path
  return path === '/' ? `/${name}` : `/${name}${path}`
}

/** The closest cgroup that both are in or below. */
export function commonAncestor(a: Cgroup, b: Cgroup): Cgroup {
  let x = a
  let y = b
  while (x.level > y.level) x = x.parent!
  while (y.level > x.level) y = y.parent!
  while (x !== y) {
    x = x.parent!
    y = y.parent!
  }
  return x
}

/** Living tasks here or below. Kernel: cgroup_is_populated. */
export const isPopulated = (cg: Cgroup): boolean =>
  (cg.tasks?.size ?? 0) + cg.populatedDomainChildren + cg.populatedThreadedChildren > 0
