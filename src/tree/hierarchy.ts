/**
 * Making, removing and renaming cgroups. Kernel: kernel/cgroup/cgroup.c, cgroup_setup_root, cgroup_mkdir, cgroup_rmdir;
 * kernel/cgroup/cgroup-v1.c, cgroup1_rename.
 */
import { assert } from '../assert.ts'
import { EAGAIN, EBUSY, EEXIST, EINVAL, ENODEV, EPERM, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { allocRow } from '../pool.ts'
import type { ByteString } from '../units.ts'
import { type Cgroup, type Hierarchy, hasChildren, isPopulated, pathUp } from './cgroup.ts'
import { enableStates, killStates, statesFor } from './control.ts'
import { type Css, createCss, killCss, putCss, SELF } from './css.ts'
import { addFiles, createBlock, type Owner } from './files.ts'
import { startFrozen, stopBeingFrozen } from './freezer.ts'
import { abandonPressure } from './pressure.ts'
import { checkRealTasks } from './real.ts'
import { checkForRelease } from './release.ts'
import { isThreaded } from './threaded.ts'
import { bit, ownTables, setOf, type Tree } from './tree.ts'

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
    psi: null,
    pressureOff: false,
    notifyOnRelease: parent?.notifyOnRelease ?? false,
    cloneChildren: parent?.cloneChildren ?? false,
    pidLists: null,
  }
  const made = cg as Cgroup
  made.domain = made
  made.self = createCss(tree, made, SELF, parent === null ? null : parent.self)
  return made
}

/** Which hierarchies there are: version 2 alone, or one of version 1 for each controller that has files there. */
export type Layout = 'v2' | 'v1'

/** The hierarchies of a layout, with their roots and what is in these. */
export function createHierarchies(tree: Tree, layout: Layout, owner: Owner): void {
  const { features, machine } = tree.engine
  const all = setOf(tree.controllers, ({ when }) => when?.(features, machine) ?? true)
  if (layout === 'v2') {
    showHierarchy(tree, newHierarchy(tree, { version: 2, name: '', controllers: all }), owner)
    return
  }
  for (const [c, { name, legacyFiles }] of tree.controllers.entries())
    if (legacyFiles !== undefined) newHierarchy(tree, { version: 1, name, controllers: bit(c) })
  const [first] = tree.hierarchies
  assert(first !== undefined, 'some controller has files on version 1')
  // The directory of the mount is no cgroup. Where one has to be named there, it is the root of the first hierarchy.
  createBlock(tree, first.root.self, ownTables(tree).top, 0, owner)
  for (const hierarchy of tree.hierarchies) showHierarchy(tree, hierarchy, owner)
}

/** A hierarchy with a root that has nothing in it. */
function newHierarchy(tree: Tree, of: Pick<Hierarchy, 'version' | 'name' | 'controllers'>): Hierarchy {
  const hierarchy = { index: tree.hierarchies.length, ...of, nextIno: 1, releaseAgent: '' } as Partial<Hierarchy>
  const made = hierarchy as Hierarchy
  made.root = newCgroup(tree, made, null, '')
  tree.hierarchies.push(made)
  return made
}

/** Gives the root of a hierarchy its states and files. */
function showHierarchy(tree: Tree, { root }: Hierarchy, owner: Owner): void {
  addFiles(tree, root.self, owner)
  const enabled = enableStates(tree, root, owner)
  assert(!isErrno(enabled), 'the root has room for every controller')
  root.subtreeStates = statesFor(tree, root)
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
  checkForRelease(tree, cg.parent)
  return OK
}

/** Another name in the same directory, on version 1 alone. Names that are taken by files are the caller's affair. */
export function renameCgroup(tree: Tree, cg: Cgroup, name: ByteString): Ok | Errno {
  if (cg.hierarchy.version !== 1) return EPERM
  if (name.includes('\n')) return EINVAL
  const parent = cg.parent!
  if (parent.children!.has(name)) return EEXIST
  const siblings = [...parent.children!.values()]
  cg.name = name
  parent.children = new Map(siblings.map(each => [each.name, each]))
  tree.namesVersion++
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
  abandonPressure(tree, cg)
  killStates(tree, cg)
  killCss(tree, cg.self)
  putCss(tree, cg.self)
}
