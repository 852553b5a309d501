/**
 * Thread mode of version 2. Kernel: kernel/cgroup/cgroup.c, cgroup_is_threaded … cgroup_enable_threaded.
 * Only "threaded" is stored (as a domain other than the cgroup itself); the other types follow from the neighbours.
 */
import type { ByteString } from '../units.ts'
import { type Cgroup, type ControllerSet, isPopulated } from './cgroup.ts'
import { setOf, type Tree } from './tree.ts'

/** Counts per thread, below the root of a threaded subtree. */
export const isThreaded = (cg: Cgroup): boolean => cg.domain !== cg

/** None before there was a thread mode: then every controller counts per domain. */
export const threadedControllers = (tree: Tree): ControllerSet =>
  tree.engine.features.threaded ? setOf(tree.controllers, controller => controller.threaded) : 0
const domainControllers = (tree: Tree): ControllerSet =>
  setOf(tree.controllers, () => true) & ~threadedControllers(tree)

/** Only the root may have both kinds of children. */
const isMixable = (cg: Cgroup): boolean => cg.parent === null

/** Could be the resource domain of a threaded subtree. */
export function canBeThreadRoot(tree: Tree, cg: Cgroup): boolean {
  if (isMixable(cg)) return true
  return !isThreaded(cg) && cg.populatedDomainChildren === 0 && (cg.subtreeControl & domainControllers(tree)) === 0
}

/** Is the resource domain of a threaded subtree. */
export function isThreadRoot(tree: Tree, cg: Cgroup): boolean {
  if (isThreaded(cg)) return false
  if (cg.threadedChildren > 0) return true
  return (cg.tasks?.size ?? 0) > 0 && (cg.subtreeControl & threadedControllers(tree)) !== 0
}

/** A domain that can be used: not threaded, and not below anything threaded or a thread root other than the root. */
export function isValidDomain(tree: Tree, cg: Cgroup): boolean {
  if (isThreaded(cg)) return false
  for (let level = cg.parent; level !== null; level = level.parent) {
    if (!isMixable(level) && isThreadRoot(tree, level)) return false
    if (isThreaded(level)) return false
  }
  return true
}

/** What cgroup.type says. */
export function typeOf(tree: Tree, cg: Cgroup): ByteString {
  if (isThreaded(cg)) return 'threaded'
  if (!isValidDomain(tree, cg)) return 'domain invalid'
  return isThreadRoot(tree, cg) ? 'domain threaded' : 'domain'
}

/** May not become threaded any more: has tasks here or below, or domain controllers for its children. */
export const isCommittedDomain = (tree: Tree, cg: Cgroup): boolean =>
  isPopulated(cg) || (cg.subtreeControl & domainControllers(tree)) !== 0
