/** What files of the memory controller refuse, of both versions. */
import { EACCES, EAGAIN, EBADF, EBUSY, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, ERANGE } from '../errno.ts'
import { trim } from '../formats/parse.ts'
import type { ByteString } from '../units.ts'
import type { Check } from './check.ts'
import { all, fact, memcgOf } from './explanation.ts'
import { counterFacts, eventFacts, memoryCounter, stockFacts, v1LimitFacts } from './memory-facts.ts'
import { childrenFacts, taskFacts } from './tree-facts.ts'

const isNumber = (text: ByteString): boolean => /^[+-]?(0x[0-9a-f]+|\d+)$/i.test(trim(text))
const LIMITS = /^memory\.(min|low|high|max|swap\.(high|max)|zswap\.max)$/
const LIMITS_V1 = /^memory\.((memsw|kmem|kmem\.tcp)\.)?limit_in_bytes$/
const SIZES = 'a number of bytes (decimal, 0x hexadecimal or 0 octal; K M G T P E behind it multiply by powers of 1024)'

export const MEMORY: readonly Check[] = [
  { op: 'write', file: LIMITS, errno: EINVAL, rule: `It takes max or ${SIZES}. The old value stays.` },
  {
    op: 'write',
    file: /^memory\.max$/,
    errno: EBUSY,
    rule: 'The usage is above the new limit, and reclaim did not bring it down: up to 4.3 the old limit stays then, as on version 1. Later kernels store the limit and kill.',
    numbers: all(counterFacts(memoryCounter), stockFacts),
    features: ['memoryMaxWrite', 'reclaimRetries'],
  },
  { op: 'write', file: /^memory\.(oom\.group|zswap\.writeback)$/, errno: EINVAL, rule: 'It takes 0 or 1.' },
  {
    op: 'write',
    file: /^memory\.(oom\.group|zswap\.writeback)$/,
    errno: ERANGE,
    rule: 'It takes 0 or 1; what is no 32-bit number is out of range.',
  },
  {
    op: 'write',
    file: /^memory\.reclaim$/,
    errno: EINVAL,
    rule: `It takes ${SIZES}, where the kernel knows it followed by swappiness=N.`,
    features: ['memoryReclaim'],
  },
  {
    op: 'write',
    file: /^memory\.reclaim$/,
    errno: EAGAIN,
    rule: 'Less than was asked for could be reclaimed: so many rounds in a row freed nothing. What was freed before stays freed, and is not told. Memory that is protected, has no swap to go to, is locked or is kernel memory cannot be taken.',
    numbers: all(counterFacts(memoryCounter), eventFacts('low')),
    features: ['reclaimRetries', 'memoryReclaimStep', 'slabPagesCountAsReclaimed'],
  },
  {
    op: 'write',
    file: /^memory\.max$/,
    errno: EBUSY,
    rule: 'The usage is above the new limit, and reclaim did not bring it down. Up to 4.3 memory.max is lowered as a limit of version 1 is: the old limit stays, and nobody is killed for a write.',
    numbers: all(counterFacts(memoryCounter), stockFacts),
    features: ['memoryMaxWrite', 'v1LimitWrite', 'reclaimRetries'],
  },
  {
    op: 'write',
    file: LIMITS_V1,
    errno: EINVAL,
    holds: asked => asked.css.parent === null && (isNumber(asked.text) || /^\d+[KMGTPE]?$/i.test(trim(asked.text))),
    rule: 'The root has no limit.',
  },
  {
    op: 'write',
    file: /^memory\.(memsw\.)?limit_in_bytes$/,
    errno: EINVAL,
    holds: ({ text }) => /^(-1|\d+[KMGTPE]?)$/i.test(trim(text)),
    rule: 'memory.limit_in_bytes has to be at most memory.memsw.limit_in_bytes after the write. Raise memsw first, lower it last.',
    numbers: v1LimitFacts,
  },
  { op: 'write', file: LIMITS_V1, errno: EINVAL, rule: `It takes -1 for no limit, or ${SIZES}.` },
  {
    op: 'write',
    file: /^memory\.kmem\.limit_in_bytes$/,
    errno: EBUSY,
    holds: asked => !memcgOf(asked).kmemActive && asked.tree.engine.features.kmemLimit === 'activate+enforce',
    rule: 'The first limit turns the accounting of kernel memory on, and that is possible only while the cgroup has no tasks and no children.',
    numbers: all(taskFacts, childrenFacts),
    features: ['kmemLimit', 'kmemOnlineV1'],
  },
  {
    op: 'write',
    file: LIMITS_V1,
    errno: EBUSY,
    rule: 'The usage is above the new limit, and reclaim did not bring it down. The old limit stays; nobody is killed for a write.',
    numbers: all(counterFacts(memoryCounter), stockFacts, v1LimitFacts),
    features: ['v1LimitWrite', 'reclaimRetries', 'kmemLimit'],
  },
  {
    op: 'write',
    file: /^memory\.soft_limit_in_bytes$/,
    errno: EINVAL,
    rule: `It takes -1 for no limit, or ${SIZES}.`,
  },
  {
    op: 'write',
    file: /^memory\.swappiness$/,
    errno: EINVAL,
    rule: 'It takes a whole number from 0 up to what this kernel allows.',
    numbers: ({ tree }) => [fact('largest', tree.engine.features.swappinessV1Max)],
    features: ['swappinessV1Max'],
  },
  {
    op: 'write',
    file: /^memory\.use_hierarchy$/,
    errno: EBUSY,
    rule: 'It can be changed only while the cgroup has no children.',
    numbers: childrenFacts,
    features: ['useHierarchy'],
  },
  {
    op: 'write',
    file: /^memory\.use_hierarchy$/,
    errno: EINVAL,
    rule: 'It takes 0 or 1, and cannot be taken back below a cgroup that has 1; from 5.11 on it is always 1.',
    features: ['useHierarchy'],
  },
  {
    op: 'write',
    file: /^memory\.oom_control$/,
    errno: EINVAL,
    rule: 'It takes 0 or 1 (1: the OOM killer is off), and not on the root.',
  },
  {
    op: 'write',
    file: /^memory\.move_charge_at_immigrate$/,
    errno: EINVAL,
    rule: 'It takes the sum of 1 (anonymous memory) and 2 (mapped files), where the kernel has it at all.',
    features: ['moveCharge'],
  },
  { op: 'write', file: /^memory\.force_empty$/, errno: EINVAL, rule: 'The root cannot be emptied.' },
  {
    op: 'write',
    file: /^memory\.(swappiness|use_hierarchy|oom_control|move_charge_at_immigrate)$/,
    errno: ERANGE,
    rule: 'It takes a number of 64 bits.',
  },
  {
    op: 'write',
    file: /^cgroup\.event_control$/,
    errno: EINVAL,
    rule: 'It takes "EVENTFD FILE ARGUMENTS", two descriptors of the writer: an eventfd, and a file of this very cgroup that can be asked about: a usage file (a number of bytes), memory.oom_control, or memory.pressure_level (low, medium or critical).',
  },
  {
    op: 'write',
    file: /^cgroup\.event_control$/,
    errno: EBADF,
    rule: 'One of the two numbers is no open descriptor of the writer.',
  },
  {
    op: 'write',
    file: /^cgroup\.event_control$/,
    errno: EACCES,
    rule: 'The file that is to be asked about is not open for reading.',
  },
  ...[EOPNOTSUPP, ENODEV, ENOMEM].map(
    (errno): Check => ({
      op: 'write',
      file: /^cgroup\.event_control$/,
      errno,
      rule: 'Nobody can be told of it here: descriptors of a program outside cannot be reached by this mount, or the file is gone. .memcgfs/notify gives the same events without an eventfd.',
    }),
  ),
]
