/**
 * notify_on_release: version 1's way to hear of cgroups that fall empty. Kernel: kernel/cgroup/cgroup-v1.c,
 * cgroup1_check_for_release, cgroup1_release_agent.
 *
 * The agent is a program of the host: it is not run. That it would be is recorded (`.memcgfs/log`).
 */
import { type Cgroup, hasChildren, isPopulated, pathOf } from './cgroup.ts'
import type { Tree } from './tree.ts'

/** Call when the cgroup may have fallen empty: its last task has left, or its last child is gone. */
export function checkForRelease(tree: Tree, cg: Cgroup): void {
  if (!cg.notifyOnRelease || !cg.alive || isPopulated(cg) || hasChildren(cg)) return
  const { releaseAgent } = cg.hierarchy
  if (releaseAgent !== '') tree.releases.push({ agent: releaseAgent, path: pathOf(cg) })
}
