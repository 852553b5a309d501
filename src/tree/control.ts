/**
 * Which controllers a cgroup has, and cgroup.subtree_control. Kernel: kernel/cgroup/cgroup.c,
 * cgroup_subtree_control_write, cgroup_apply_control.
 */
import { EBUSY, EINVAL, ENODEV, ENOENT, EOPNOTSUPP, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import type { ByteString } from '../units.ts'
import { reattachTasks } from './attach.ts'
import { type Cgroup, type ControllerSet, subtree } from './cgroup.ts'
import { addState, type Css, killCss, removeFiles } from './css.ts'
import { addFiles, type Owner } from './files.ts'
import {
  canBeThreadRoot,
  isCommittedDomain,
  isThreaded,
  isThreadRoot,
  isValidDomain,
  threadedControllers,
} from './threaded.ts'
import { bit, inSet, setOf, type Tree } from './tree.ts'

const implicitControllers = (tree: Tree): ControllerSet => setOf(tree.controllers, controller => controller.implicit)

/** What cgroup.controllers says: what the parent hands down. On version 1 everybody has all. */
export function availableControllers(tree: Tree, cg: Cgroup): ControllerSet {
  if (cg.hierarchy.version === 1) return cg.hierarchy.controllers
  if (cg.parent === null) return cg.hierarchy.controllers & ~implicitControllers(tree)
  const { subtreeControl } = cg.parent
  return isThreaded(cg) ? subtreeControl & threadedControllers(tree) : subtreeControl
}

/** The states a cgroup has: those it is given, those that these need, those that are always on. */
function statesOf(tree: Tree, cg: Cgroup): ControllerSet {
  if (cg.parent === null || cg.hierarchy.version === 1) return cg.hierarchy.controllers
  const { subtreeStates } = cg.parent
  return isThreaded(cg) ? subtreeStates & threadedControllers(tree) : subtreeStates
}

/** The state of controller `c` that counts for a cgroup: its own, or the nearest above that has one. */
export function effectiveState(tree: Tree, cg: Cgroup, c: number): Css {
  let level = cg
  while ((statesOf(tree, level) & bit(c)) === 0) level = level.parent!
  return level.css[c]!
}

/** The states the children of a cgroup get with its present subtree_control. Kernel: cgroup_calc_subtree_ss_mask. */
export function statesFor(tree: Tree, cg: Cgroup): ControllerSet {
  if (cg.hierarchy.version === 1) return cg.hierarchy.controllers
  let states = cg.subtreeControl | implicitControllers(tree)
  for (;;) {
    let more = states
    for (const c of inSet(tree, states)) {
      const needs = tree.controllers[c]!.dependsOn
      more |= setOf(tree.controllers, controller => needs.includes(controller.name)) & statesOf(tree, cg)
    }
    if (more === states) return states
    states = more
  }
}

/** Makes the states that are missing in a cgroup, and shows the files of those that were asked for. */
export function enableStates(tree: Tree, cg: Cgroup, owner: Owner): Ok | Errno {
  for (const c of inSet(tree, statesOf(tree, cg))) {
    const css: Css | Errno = cg.css[c] ?? addState(tree, cg, c)
    if (isErrno(css)) return css
    const isVisible = cg.parent === null || (availableControllers(tree, cg) & bit(c)) !== 0
    if (!isVisible || css.files !== null) continue
    const shown = addFiles(tree, css, owner)
    if (isErrno(shown)) return shown
  }
  return OK
}

/** Takes away the states, and the files of states, that a cgroup should not have any more. */
function disableStates(tree: Tree, cg: Cgroup): void {
  const states = statesOf(tree, cg)
  const visible = availableControllers(tree, cg)
  for (let c = tree.controllers.length - 1; c >= 0; c--) {
    const css = cg.css[c]
    if (!css) continue
    if ((states & bit(c)) === 0) killCss(tree, css)
    else if ((visible & bit(c)) === 0 && css.files !== null && cg.parent !== null) {
      removeFiles(tree, css)
      tree.controllers[c]!.reset?.(tree, css)
    }
  }
}

/** All states of a cgroup die: it is being removed. */
export function killStates(tree: Tree, cg: Cgroup): void {
  for (const css of cg.css) if (css) killCss(tree, css)
}

/**
 * Brings the states of everything below `cg` (and of `cg` itself when `including`) in line with what is enabled above
 * them. When a state cannot be made, `undo` puts the settings back and nothing has changed.
 */
export function applyControl(tree: Tree, cg: Cgroup, owner: Owner, undo: () => void, including = false): Ok | Errno {
  const below = [...subtree(cg)].filter(each => including || each !== cg)
  cg.subtreeStates = statesFor(tree, cg)
  let result: Ok | Errno = OK
  for (const each of below) {
    each.subtreeStates = statesFor(tree, each)
    result = enableStates(tree, each, owner)
    if (isErrno(result)) break
  }
  if (isErrno(result)) undo()
  cg.subtreeStates = statesFor(tree, cg)
  for (const each of below) each.subtreeStates = statesFor(tree, each)
  // Tasks leave states that go before those are killed.
  for (const each of below) reattachTasks(tree, each, (at, c) => effectiveState(tree, at, c))
  for (const each of below.reverse()) disableStates(tree, each)
  return result
}

interface Change {
  enable: ControllerSet
  disable: ControllerSet
}

/** Reads `+memory -pids`: words between single blanks, the last one per controller holds. */
function parseChange(tree: Tree, text: ByteString): Change | Errno {
  const change: Change = { enable: 0, disable: 0 }
  for (const word of text.split(' ')) {
    if (word === '') continue
    const c = tree.controllers.findIndex(controller => controller.name === word.slice(1))
    if (c === -1) return EINVAL
    const sign = word[0]
    if (sign !== '+' && sign !== '-') return EINVAL
    change.enable &= ~bit(c)
    change.disable &= ~bit(c)
    if (sign === '+') change.enable |= bit(c)
    else change.disable |= bit(c)
  }
  return change
}

/** A write of cgroup.subtree_control: all of it or nothing. The checks stand in the kernel's order. */
export function writeSubtreeControl(tree: Tree, cg: Cgroup, text: ByteString, owner: Owner): Ok | Errno {
  const change = parseChange(tree, text)
  if (isErrno(change)) return change
  if (!cg.alive) return ENODEV
  const available = availableControllers(tree, cg)
  const isOn = (c: number): boolean => (cg.subtreeControl & bit(c)) !== 0
  for (let c = 0; c < tree.controllers.length; c++) {
    if ((change.enable & bit(c)) !== 0) {
      if (isOn(c)) change.enable &= ~bit(c)
      else if ((available & bit(c)) === 0) return ENOENT
    } else if ((change.disable & bit(c)) !== 0) {
      if (!isOn(c)) change.disable &= ~bit(c)
      else for (const child of cg.children?.values() ?? []) if ((child.subtreeControl & bit(c)) !== 0) return EBUSY
    }
  }
  if (change.enable === 0 && change.disable === 0) return OK
  if (change.enable !== 0) {
    const allowed = mayEnable(tree, cg, change.enable)
    if (isErrno(allowed)) return allowed
  }
  const before = cg.subtreeControl
  cg.subtreeControl = (before | change.enable) & ~change.disable
  return applyControl(tree, cg, owner, () => {
    cg.subtreeControl = before
  })
}

/** May a cgroup hand these controllers down? Kernel: cgroup_vet_subtree_control_enable. */
function mayEnable(tree: Tree, cg: Cgroup, enable: ControllerSet): Ok | Errno {
  if (!isValidDomain(tree, cg.domain)) return EOPNOTSUPP
  if (cg.parent === null) return OK
  if ((enable & ~threadedControllers(tree)) !== 0) {
    // Domain controllers cannot be used inside a threaded subtree.
    if (isThreadRoot(tree, cg) || isThreaded(cg)) return EOPNOTSUPP
  } else if (canBeThreadRoot(tree, cg) || isThreaded(cg)) return OK
  return (cg.tasks?.size ?? 0) > 0 ? EBUSY : OK
}

/** A write of cgroup.type: the only word is `threaded`. Kernel: cgroup_enable_threaded. */
export function makeThreaded(tree: Tree, cg: Cgroup, owner: Owner): Ok | Errno {
  if (isThreaded(cg)) return OK
  const parent = cg.parent!
  const { domain } = parent
  if (isCommittedDomain(tree, cg)) return EOPNOTSUPP
  if (!isValidDomain(tree, domain) || !canBeThreadRoot(tree, domain)) return EOPNOTSUPP
  const joined = [...subtree(cg)].filter(each => each === cg || isThreaded(each))
  for (const each of joined) each.domain = domain
  const applied = applyControl(tree, cg, owner, () => {}, true)
  if (!isErrno(applied)) parent.threadedChildren++
  return applied
}
