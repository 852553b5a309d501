/** What is mounted on a directory, as proc_pid_mountinfo(5) tells it. */
import { readFileSync } from 'node:fs'

/** Shown as the filesystem type of our mounts, and as their source: the real thing's. */
export const FS_TYPE = 'fuse.memcgfs'
export const FS_SOURCE = 'cgroup2'

export interface MountInfo {
  /** `MAJOR:MINOR`, of its own for each mounted filesystem. */
  readonly device: string
  readonly type: string
}

/** What is on top of `dir`, an absolute path without links; undefined if it is no mount point. */
export function mountedOn(dir: string): MountInfo | undefined {
  let top: MountInfo | undefined
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [mount = '', filesystem = ''] = line.split(' - ')
    const [, , device = '', , point = ''] = mount.split(' ')
    if (decoded(point) === dir) top = { device, type: filesystem.split(' ', 1)[0]! } // Later lines are on top.
  }
  return top
}

/** Blanks, tabs, newlines and backslashes are written as \ooo. */
const decoded = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
