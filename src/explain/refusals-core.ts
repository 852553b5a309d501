/** What files of the cgroup core, and those of the pids controller, refuse. */
import { EACCES, EBUSY, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, EOPNOTSUPP, EPERM, ERANGE, ESRCH } from '../errno.ts'
import { trim } from '../formats/parse.ts'
import { isValidDomain } from '../tree/threaded.ts'
import type { ByteString } from '../units.ts'
import type { Check } from './check.ts'
import { all, fact } from './explanation.ts'
import { childrenFacts, controlFacts, taskFacts, typeFacts } from './tree-facts.ts'

const isNumber = (text: ByteString): boolean => /^[+-]?(0x[0-9a-f]+|\d+)$/i.test(trim(text))
const PRESSURE = /^(memory|cpu|io|irq)\.pressure$/
const LISTS = /^(cgroup\.procs|cgroup\.threads|tasks)$/

export const CORE: readonly Check[] = [
  {
    op: 'write',
    file: LISTS,
    errno: EINVAL,
    holds: ({ text }) => !isNumber(text),
    rule: 'One number is taken, of one process (thread); 0 is the writer. Several in one write are not.',
  },
  {
    op: 'write',
    file: LISTS,
    errno: EINVAL,
    rule: 'The number is that of a kernel thread that belongs to a CPU, which is never moved, or is none a process can have.',
  },
  {
    op: 'write',
    file: LISTS,
    errno: ESRCH,
    rule: 'There is no such process, or none in the process namespace of the writer.',
  },
  {
    op: 'write',
    file: LISTS,
    errno: EACCES,
    rule: 'Moving a process is allowed to who may write cgroup.procs of the closest cgroup above both places (version 1: to root and to the owner of the process). Delegate a common directory, not its leaves.',
    features: ['procsCredentials'],
  },
  {
    op: 'write',
    file: LISTS,
    errno: EOPNOTSUPP,
    holds: ({ tree, cg }) => !isValidDomain(tree, cg.domain),
    rule: 'This cgroup is an invalid domain: it stands below a threaded one. Write threaded to its cgroup.type first.',
    numbers: typeFacts,
  },
  {
    op: 'write',
    file: LISTS,
    errno: EOPNOTSUPP,
    rule: 'A single thread moves within one threaded subtree alone; the whole process moves by cgroup.procs.',
    numbers: typeFacts,
  },
  {
    op: 'write',
    file: LISTS,
    errno: EBUSY,
    rule: 'Controllers that count per domain are on in cgroup.subtree_control, so processes belong in the children (no internal processes). Use a child, or turn the controllers off.',
    numbers: all(controlFacts, taskFacts),
  },
  {
    op: 'read',
    file: LISTS,
    errno: EOPNOTSUPP,
    rule: 'In a threaded cgroup processes cannot be listed: they belong to the domain. Its threads are in cgroup.threads.',
    numbers: typeFacts,
  },
  {
    op: 'write',
    file: /^cgroup\.subtree_control$/,
    errno: EINVAL,
    rule: 'It takes words +NAME and -NAME of controllers this kernel has, with single blanks between them.',
    numbers: controlFacts,
  },
  {
    op: 'write',
    file: /^cgroup\.subtree_control$/,
    errno: ENOENT,
    rule: 'The controller is not handed down to here: it is not in cgroup.controllers. Enable it in the cgroup above first.',
    numbers: controlFacts,
  },
  {
    op: 'write',
    file: /^cgroup\.subtree_control$/,
    errno: EBUSY,
    holds: ({ cg }) => [...(cg.children?.values() ?? [])].some(child => child.subtreeControl !== 0),
    rule: 'A child still has the controller on in its own cgroup.subtree_control: turn it off from the leaves up.',
    numbers: controlFacts,
  },
  {
    op: 'write',
    file: /^cgroup\.subtree_control$/,
    errno: EBUSY,
    rule: 'There are processes in this cgroup, and controllers that count per domain are enabled only where there are none. Move them to a child first. The root alone is free of this.',
    numbers: all(taskFacts, controlFacts),
  },
  {
    op: 'write',
    file: /^cgroup\.subtree_control$/,
    errno: EOPNOTSUPP,
    rule: 'This cgroup is threaded, or the domain of threaded ones, or an invalid domain: controllers that count per domain cannot be on in it.',
    numbers: typeFacts,
  },
  ...[EEXIST, ENOMEM, ENOSPC].map(
    (errno): Check => ({
      op: 'write',
      file: /^cgroup\.subtree_control$/,
      errno,
      rule: 'A child could not be given its state or its files: a grandchild has the name of one of them, or memory or ids were refused.',
      numbers: childrenFacts,
    }),
  ),
  {
    op: 'write',
    file: /^cgroup\.type$/,
    errno: EINVAL,
    rule: 'It takes the one word threaded; there is no way back.',
  },
  {
    op: 'write',
    file: /^cgroup\.type$/,
    errno: EOPNOTSUPP,
    rule: 'It has tasks or children with tasks, hands controllers on that count per domain, or the cgroup above is no valid domain for threads.',
    numbers: all(typeFacts, taskFacts, controlFacts),
  },
  {
    op: 'write',
    file: /^cgroup\.max\./,
    errno: EINVAL,
    rule: 'It takes max, or a whole number.',
  },
  { op: 'write', file: /^cgroup\.max\./, errno: ERANGE, rule: 'It takes max, or a whole number from 0 to 2147483647.' },
  {
    op: 'write',
    file: /^cgroup\.(freeze|pressure)$/,
    errno: EINVAL,
    rule: 'It takes 0 or 1.',
  },
  {
    op: 'write',
    file: /^cgroup\.(freeze|pressure)$/,
    errno: ERANGE,
    rule: 'It takes 0 or 1; other numbers are out of range.',
  },
  { op: 'write', file: /^cgroup\.kill$/, errno: EINVAL, rule: 'It takes 1.' },
  { op: 'write', file: /^cgroup\.kill$/, errno: ERANGE, rule: 'It takes 1; other numbers are out of range.' },
  {
    op: 'write',
    file: /^cgroup\.kill$/,
    errno: EOPNOTSUPP,
    rule: 'A threaded cgroup holds parts of processes, which cannot be killed apart. Kill its domain.',
    numbers: typeFacts,
  },
  {
    op: 'write',
    file: PRESSURE,
    errno: EBUSY,
    rule: 'This open file has a trigger already. Each description has one; open the file again for another.',
  },
  {
    op: 'write',
    file: PRESSURE,
    errno: EOPNOTSUPP,
    rule: 'Pressure is switched off here: cgroup.pressure is 0.',
    features: ['psiHide'],
  },
  {
    op: 'write',
    file: PRESSURE,
    errno: EINVAL,
    rule: 'A trigger is "some" or "full", the threshold and the window, both in microseconds: a window of at most 10 seconds, a threshold from 1 to the window. Without CAP_SYS_RESOURCE the window is a multiple of 2 seconds, where the kernel has that rule.',
    numbers: ({ tree }) => [fact('shortest window', `${tree.engine.features.psiWindowMinUs} microseconds`)],
    features: ['psiWindowMinUs', 'psiUnprivileged'],
  },
  {
    op: 'write',
    file: /^(notify_on_release|cgroup\.clone_children)$/,
    errno: EINVAL,
    rule: 'It takes a number: 0 is off, all others are on.',
  },
  {
    op: 'write',
    file: /^(notify_on_release|cgroup\.clone_children)$/,
    errno: ERANGE,
    rule: 'It takes a number of 64 bits.',
  },
  {
    op: 'write',
    file: /^release_agent$/,
    errno: EPERM,
    rule: 'The agent runs as root, so the administrator alone may name it.',
  },
]

export const PIDS: readonly Check[] = [
  ...[EINVAL, ERANGE].map(
    (errno): Check => ({
      op: 'write',
      file: /^pids\.max$/,
      errno,
      rule: 'It takes max, or a whole number from 0 to 4194304.',
    }),
  ),
]
