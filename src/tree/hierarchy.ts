/**
 * Making and removing cgroups. Kernel: kernel/cgroup/cgroup.c, cgroup_setup_root, cgroup_mkdir, cgroup_rmdir.
 */
import { assert } from '../assert.ts'
import { EAGAIN, EBUSY, EEXIST, EINVAL, ENODEV, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { allocRow } from '../pool.ts'
import type { ByteString } from '../units.ts'
import { type Cgroup, type ControllerSet, type Hierarchy, hasChildren, isPopulated, pathUp } from './cgroup.ts'
import { enableStates, killStates, statesFor } from './control.ts'
import { type Css, createCss, killCss, putCss, SELF } from './css.ts'
import { addFiles, type Owner } from './files.ts'
import { startFrozen, stopBeingFrozen } from './freezer.ts'
import { checkRealTasks } from './real.ts'
import { isThreaded } from './threaded.ts'
import type { Tree } from './tree.ts'

function newCgroup(tree: Tree, hierarchy: Hierarchy, parent: Cgroup | null, name: ByteString): Cgroup {
  const cg: Partial<Cgroup> & Pick<Cgroup, 'hierarchy' | 'parent'> = {
    hierarchy,
    id: hierarchy.nextIno++,
    name,
    parent,
    children: null,
    level: parent === null ? 0 : parent.level + 1,
    alive: true,
    subtreeControl: 0,
    subtreeStates: 0,
    css: new Array<Css | null>(tree.controllers.length).fill(null),
    threadedChildren: 0,
    maxDepth: Number.POSITIVE_INFINITY,
    maxDescendants: Number.POSITIVE_INFINITY,
    descendants: 0,
    dyingDescendants: 0,
    stateCounts: allocRow(tree.stateCounts),
    tasks: null,
    deadLeaders: null,
    populatedDomainChildren: 0,
    populatedThreadedChildren: 0,
    freeze: false,
    effectiveFreeze: 0,
    frozen: false,
    frozenTasks: 0,
    frozenDescendants: 0,
    freezingSince: null,
    freezingTime: 0,
    pressureOff: false,
  }
  const made = cg as Cgroup
  made.domain = made
  made.self = createCss(tree, made, SELF, parent === null ? null : parent.self)
  return made
}

/** A hierarchy with its root, and the root's states and files. */
export function createHierarchy(tree: Tree, controllers: ControllerSet, owner: Owner): Hierarchy {
  const hierarchy = { index: tree.hierarchies.length, version: 2, controllers, nextIno: 1 } as Partial<Hierarchy>
  const made = hierarchy as Hierarchy
  made.root = newCgroup(tree, made, null, '')
  tree.hierarchies.push(made)
  addFiles(tree, made.root.self, owner)
  const enabled = enableStates(tree, made.root, owner)
  assert(!isErrno(enabled), 'the root has room for every controller')
  made.root.subtreeStates = statesFor(tree, made.root)
  return made
}

/** Ancestors allow one more level and one more descendant. Kernel: cgroup_check_hierarchy_limits. */
function withinLimits(parent: Cgroup): boolean {
  let distance = 0
  for (const level of pathUp(parent)) {
    if (level.descendants >= level.maxDescendants || distance >= level.maxDepth) return false
    distance++
  }
  return true
}

/** A new cgroup below `parent`. Names that are taken by files are the caller's affair. */
export function makeCgroup(tree: Tree, parent: Cgroup, name: ByteString, owner: Owner): Cgroup | Errno {
  if (name.includes('\n')) return EINVAL
  if (!parent.alive) return ENODEV
  if (!withinLimits(parent)) return EAGAIN
  if (parent.children?.has(name)) return EEXIST
  const cg = newCgroup(tree, parent.hierarchy, parent, name)
  parent.self.refs++
  for (const level of pathUp(parent)) level.descendants++
  parent.children ??= new Map()
  parent.children.set(name, cg)
  startFrozen(tree, cg)
  addFiles(tree, cg.self, owner)
  const enabled = enableStates(tree, cg, owner)
  if (isErrno(enabled)) {
    destroy(tree, cg)
    return enabled
  }
  cg.subtreeStates = statesFor(tree, cg)
  return cg
}

/** rmdir: EBUSY with living tasks or children, never ENOTEMPTY. */
export function removeCgroup(tree: Tree, cg: Cgroup): Ok | Errno {
  assert(cg.parent !== null, 'the root is a mount point: nobody can ask for its removal')
  checkRealTasks(tree, cg)
  if (isPopulated(cg) || hasChildren(cg)) return EBUSY
  destroy(tree, cg)
  return OK
}

function destroy(tree: Tree, cg: Cgroup): void {
  const parent = cg.parent!
  cg.alive = false
  parent.children!.delete(cg.name)
  if (isThreaded(cg)) parent.threadedChildren--
  for (const level of pathUp(parent)) {
    level.descendants--
    level.dyingDescendants++
  }
  stopBeingFrozen(cg)
  killStates(tree, cg)
  killCss(tree, cg.self)
  putCss(tree, cg.self)
}
