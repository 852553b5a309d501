/**
 * Which state of each controller counts for a task. Kernel: struct css_set, cgroup_migrate_execute.
 *
 * A task refers to these states until it is reaped, so a zombie keeps the states of a removed cgroup.
 */
import type { Cgroup } from './cgroup.ts'
import { type Css, putCss } from './css.ts'
import type { Task } from './task.ts'
import { inSet, type Tree } from './tree.ts'

/** Finds the state of controller `c` that counts for a cgroup. */
export type Resolve = (cg: Cgroup, c: number) => Css

/** A new task counts in these states; the controllers have counted it already. */
export function attachNew(tree: Tree, task: Task, cg: Cgroup, resolve: Resolve): void {
  for (const c of inSet(tree, cg.hierarchy.controllers)) {
    const css = resolve(cg, c)
    css.refs++
    task.css[c] = css
  }
}

/** The task counts in the states of `cg` from now on; controllers whose state differs carry over what moves. */
export function reattach(tree: Tree, task: Task, cg: Cgroup, resolve: Resolve): void {
  for (const c of inSet(tree, cg.hierarchy.controllers)) {
    const from = task.css[c]!
    const to = resolve(cg, c)
    if (from === to) continue
    to.refs++
    task.css[c] = to
    tree.controllers[c]!.attach?.(tree, task, from, to)
    putCss(tree, from)
  }
}

/** The states of a cgroup changed under its tasks. */
export function reattachTasks(tree: Tree, cg: Cgroup, resolve: Resolve): void {
  for (const task of cg.tasks ?? []) reattach(tree, task, cg, resolve)
}

/** The task is gone: it is counted nowhere. */
export function detach(tree: Tree, task: Task): void {
  for (let c = 0; c < tree.controllers.length; c++) {
    const css = task.css[c]
    if (!css) continue
    tree.controllers[c]!.uncount?.(tree, css)
    task.css[c] = null
    putCss(tree, css)
  }
}
