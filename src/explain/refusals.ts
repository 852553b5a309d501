/**
 * Why operations are refused: a table by operation, file and errno of the checks that refuse. It is asked when a refusal
 * happens, in the state that refused; the first row that fits is the reason. Where one errno has several checks they
 * stand in the kernel's order, and `holds` tells them apart.
 */
import { E2BIG, EAGAIN, EBUSY, EEXIST, EINVAL, ENODEV, ENOENT, ENOMEM, ENOSPC, ENOTDIR, EPERM } from '../errno.ts'
import { hasChildren, isPopulated } from '../tree/cgroup.ts'
import type { Reason } from '../tree/refused.ts'
import type { Asked, Check } from './check.ts'
import { CORE, PIDS } from './refusals-core.ts'
import { MEMORY } from './refusals-memory.ts'
import { childrenFacts, taskFacts, treeLimitFacts } from './tree-facts.ts'

/** Every file. */
const GENERAL: readonly Check[] = [
  {
    op: 'open',
    errno: ENOENT,
    rule: 'The file is gone: its cgroup was removed, or its controller was disabled.',
  },
  { op: 'open', errno: EINVAL, rule: 'Files of a cgroup cannot be opened with O_DIRECT.' },
  {
    op: 'write',
    errno: ENODEV,
    rule: 'The file was open when its cgroup was removed, or its controller disabled: nothing is behind it any more.',
  },
  {
    op: 'read',
    errno: ENODEV,
    rule: 'The file was open when its cgroup was removed, or its controller disabled: nothing is behind it any more.',
  },
  { op: 'write', errno: E2BIG, rule: 'One write takes at most a page of 4096 bytes, and is one operation.' },
  { op: 'write', errno: EINVAL, holds: ({ row }) => row?.write === undefined, rule: 'This file cannot be written.' },
  { op: 'read', errno: EINVAL, holds: ({ row }) => row?.show === undefined, rule: 'This file can only be written.' },
]

const DIRECTORIES: readonly Check[] = [
  {
    op: 'mkdir',
    errno: EEXIST,
    rule: 'There is a cgroup, or a file, of that name. Names of files that a controller would show are taken, too.',
    numbers: childrenFacts,
  },
  {
    op: 'mkdir',
    errno: EAGAIN,
    rule: 'cgroup.max.descendants or cgroup.max.depth, of this directory or one above, allows no more.',
    numbers: treeLimitFacts,
  },
  { op: 'mkdir', errno: EINVAL, rule: 'A name cannot hold a newline.' },
  { op: 'mkdir', errno: ENODEV, rule: 'The directory itself was removed.' },
  { op: 'mkdir', errno: ENOENT, rule: 'The directory itself was removed.' },
  {
    op: 'mkdir',
    errno: EPERM,
    rule: 'No cgroups can be made here: .memcgfs is no cgroup, and above the hierarchies of version 1 there is none.',
  },
  ...[ENOMEM, ENOSPC].map(
    (errno): Check => ({
      op: 'mkdir',
      errno,
      rule: 'There is no id left for another memory controller state (65535 at most): removed cgroups that are kept hold theirs, too. Or the memory for it was refused above.',
      features: ['idPool', 'idFreedAt', 'idErrno'],
    }),
  ),
  {
    op: 'rmdir',
    errno: EBUSY,
    holds: ({ cg }) => isPopulated(cg),
    rule: 'There are living tasks here or below. What else a cgroup holds does not keep it from being removed.',
    numbers: taskFacts,
  },
  {
    op: 'rmdir',
    errno: EBUSY,
    holds: ({ cg }) => hasChildren(cg),
    rule: 'It has children. A cgroup is never ENOTEMPTY: EBUSY is the answer for both.',
    numbers: childrenFacts,
  },
  { op: 'rmdir', errno: EBUSY, rule: 'It is the root of a hierarchy, or .memcgfs.' },
  { op: 'rmdir', errno: ENOTDIR, rule: 'It is a file: those go with their cgroup.' },
]

const CHECKS: readonly Check[] = [...GENERAL, ...DIRECTORIES, ...CORE, ...MEMORY, ...PIDS]

/** What is said when no row fits. */
export const NO_WORDS = 'It was refused, and there are no words for it yet.'

/** Why this was refused. Ask at once: it is found in the state that refused. */
export function reasonFor(asked: Asked): Reason {
  const check = CHECKS.find(
    ({ op, file, errno, holds }) =>
      op === asked.op &&
      errno === asked.errno &&
      (file === undefined || file.test(asked.name)) &&
      (holds === undefined || holds(asked)),
  )
  if (check === undefined) return { rule: NO_WORDS, numbers: [], features: [] }
  return { rule: check.rule, numbers: check.numbers?.(asked) ?? [], features: check.features ?? [] }
}
