/**
 * States of cgroups per controller, and the stages of their death. Kernel: struct cgroup_subsys_state,
 * kernel/cgroup/cgroup.c (kill_css, css_killed_work_fn, css_release_work_fn, css_free_rwork_fn).
 *
 * rmdir (or `-controller`) kills a state: its files are gone at once. One RCU grace period later it goes offline. When
 * nothing refers to it any more it is released and, another grace period later, freed, which drops its references to
 * its cgroup and to its parent's state. What refers to an offline state is the controller's affair: charged memory may
 * keep one for ever. The cgroup itself is the last state of its directory, and dies the same way.
 */
import { assert } from '../assert.ts'
import { schedule } from '../clock.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import { type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { freeRow } from '../pool.ts'
import { milliseconds, type Nanoseconds } from '../units.ts'
import type { Cgroup } from './cgroup.ts'
import type { FileBlock } from './files.ts'
import { STATE_COUNTS, type Tree } from './tree.ts'

/** Index of "the cgroup itself" where a controller's is meant. */
export const SELF = -1

/** A task count of the pids controller. */
export interface PidsState {
  current: number
  /** Infinity for `max`. */
  max: number
  peak: number
  /** Hits of a limit set here or below. */
  events: number
  /** Hits of the limit set here. */
  eventsLocal: number
}

export interface Css {
  readonly slot: number
  readonly cgroup: Cgroup
  /** Index of the controller, or SELF. */
  readonly controller: number
  /** The state above it that it reports to; null at the root. */
  readonly parent: Css | null
  /** Itself while alive, one per child state, for SELF one per state and task of the cgroup. */
  refs: number
  /** Itself while not killed, one per child that is not offline. At 0 it goes offline. */
  onlineRefs: number
  stage: 'online' | 'killed' | 'offline' | 'releasing' | 'freed'
  /** When it was killed. */
  killedAt: Nanoseconds
  /** Null for a state that exists only because another controller needs it. */
  files: FileBlock | null
  memcg: MemCgroup | null
  pids: PidsState | null
}

/** A state without files, referenced by itself and counted by its parents. */
export function createCss(tree: Tree, cgroup: Cgroup, controller: number, parent: Css | null): Css {
  const css: Css = {
    slot: tree.freeCss.pop() ?? tree.css.length,
    cgroup,
    controller,
    parent,
    refs: 1,
    onlineRefs: 1,
    stage: 'online',
    killedAt: 0,
    files: null,
    memcg: null,
    pids: null,
  }
  tree.css[css.slot] = css
  return css
}

/** Makes the state of a controller in a cgroup, through the controller's own rules. */
export function addState(tree: Tree, cgroup: Cgroup, controller: number): Css | Errno {
  const parent = cgroup.parent === null ? null : cgroup.parent.css[controller]!
  const css = createCss(tree, cgroup, controller, parent)
  const allocated: Errno | Ok = tree.controllers[controller]!.alloc?.(tree, css) ?? OK
  if (isErrno(allocated)) {
    tree.css[css.slot] = null
    tree.freeCss.push(css.slot)
    return allocated
  }
  if (parent !== null) {
    parent.refs++
    parent.onlineRefs++
  }
  cgroup.self.refs++
  cgroup.css[controller] = css
  countState(tree, cgroup, STATE_COUNTS.live, controller, 1)
  return css
}

/** Adds to a count of states in a cgroup and everything above it. */
function countState(tree: Tree, cgroup: Cgroup, which: number, controller: number, change: number): void {
  const { stateCounts } = tree
  for (let level: Cgroup | null = cgroup; level !== null; level = level.parent)
    stateCounts.data[level.stateCounts * stateCounts.stride + which * tree.controllers.length + controller]! += change
}

export function stateCount(tree: Tree, cgroup: Cgroup, which: number, controller: number): number {
  const { data, stride } = tree.stateCounts
  return data[cgroup.stateCounts * stride + which * tree.controllers.length + controller]!
}

/** Stage S0: the files are gone, the state is no longer the cgroup's; it goes offline after a grace period. */
export function killCss(tree: Tree, css: Css): void {
  assert(css.stage === 'online', 'a state is killed once')
  css.stage = 'killed'
  css.killedAt = tree.clock.now
  if (css.files !== null) removeFiles(tree, css)
  if (css.controller === SELF) return
  css.cgroup.css[css.controller] = null
  countState(tree, css.cgroup, STATE_COUNTS.live, css.controller, -1)
  countState(tree, css.cgroup, STATE_COUNTS.dying, css.controller, 1)
  const { rcuMs, workMs } = tree.engine.options
  schedule(tree.clock, milliseconds(rcuMs + workMs), 'css-killed', css.slot)
}

/** The files vanish: who has one open gets ENODEV from now on. */
export function removeFiles(tree: Tree, css: Css): void {
  css.files!.dead = true
  tree.deadBlocks.push(css.files!)
  css.files = null
}

/** Stage S2: offline, unless a child still holds it back; then the parents that waited for this one. */
export function cssKilled(tree: Tree, slot: number): void {
  let css: Css | null = tree.css[slot]!
  while (css !== null && --css.onlineRefs === 0) {
    css.stage = 'offline'
    tree.controllers[css.controller]!.offline?.(tree, css)
    const { parent }: Css = css
    putCss(tree, css)
    css = parent
  }
}

/** Drops a reference; without any, and without what the controller knows, the state is released. */
export function putCss(tree: Tree, css: Css): void {
  css.refs--
  assert(css.refs >= 0, 'a state is referenced as often as it is used')
  releaseIfUnused(tree, css)
}

/** Stage S3 begins when the last reference of an offline state is gone. */
export function releaseIfUnused(tree: Tree, css: Css): void {
  const isDown = css.stage === 'offline' || (css.controller === SELF && css.stage === 'killed')
  if (css.refs > 0 || !isDown || tree.controllers[css.controller]?.isPinned?.(css)) return
  css.stage = 'releasing'
  schedule(tree.clock, milliseconds(tree.engine.options.workMs), 'css-release', css.slot)
}

/** Stage S3: no longer counted as dying. */
export function cssRelease(tree: Tree, slot: number): void {
  const css = tree.css[slot]!
  if (css.controller === SELF) {
    for (let level = css.cgroup.parent; level !== null; level = level.parent) level.dyingDescendants--
  } else {
    tree.controllers[css.controller]!.released?.(tree, css)
    countState(tree, css.cgroup, STATE_COUNTS.dying, css.controller, -1)
  }
  const { rcuMs, workMs } = tree.engine.options
  schedule(tree.clock, milliseconds(rcuMs + workMs), 'css-free', css.slot)
}

/** Stage S4: gone, with its references to the state above and, for a controller's state, to its cgroup. */
export function cssFree(tree: Tree, slot: number): void {
  const css = tree.css[slot]!
  css.stage = 'freed'
  tree.css[slot] = null
  tree.freeCss.push(slot)
  if (css.controller === SELF) freeRow(tree.stateCounts, css.cgroup.stateCounts)
  else {
    tree.controllers[css.controller]!.free?.(tree, css)
    putCss(tree, css.cgroup.self)
  }
  if (css.parent !== null) putCss(tree, css.parent)
}
