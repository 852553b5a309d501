/**
 * Files of version 1 that only hold a setting: soft limit, swappiness, use_hierarchy, move_charge_at_immigrate.
 * Kernel: mm/memcontrol.c, mm/memcontrol-v1.c (charge-reclaim.md §5.5).
 */
import { countsChildren, type MemcgV1 } from '../engine/memcg-v1.ts'
import { EBUSY, EINVAL, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { parseUnsigned, trim } from '../formats/parse.ts'
import { hasChildren } from '../tree/cgroup.ts'
import type { Access, FileRow } from '../tree/controller.ts'
import type { ByteString } from '../units.ts'
import { parseLimit } from './memory-v1-counters.ts'

const stateOf = ({ css }: Access): MemcgV1 => css.memcg!.v1!

/** A file of one number, which `set` stores or refuses. */
const numberFile = (
  name: string,
  get: (state: MemcgV1) => number,
  set: (access: Access, value: number) => Errno | Ok,
): FileRow => ({
  name,
  on: 'everywhere',
  show: (out, access) => void out.line(get(stateOf(access))),
  write: (text, access) => {
    const value = parseUnsigned(text)
    return isErrno(value) ? value : set(access, value)
  },
})

/** Any size; only reclaim for the whole machine looks at it. */
export const softLimit: FileRow = {
  name: 'memory.soft_limit_in_bytes',
  on: 'everywhere',
  show: (out, access) => void out.limitOf(stateOf(access).softLimit, access.tree.engine.machine.pageSize).newline(),
  write: (text: ByteString, access) => {
    const pages = parseLimit(trim(text), access)
    if (isErrno(pages)) return pages
    stateOf(access).softLimit = pages
    return OK
  },
}

/** That of the root is the machine's; children take it over when they are made. */
export const swappiness: FileRow = numberFile(
  'memory.swappiness',
  state => state.swappiness,
  (access, value) => {
    if (value > access.tree.engine.features.swappinessV1Max) return EINVAL
    stateOf(access).swappiness = value
    return OK
  },
)

/**
 * Whether children made from now on count in this memcg: 0 or 1 where nobody above has decided it and there are no
 * children yet. From 5.11 on it is always 1.
 */
export const useHierarchy: FileRow = numberFile(
  'memory.use_hierarchy',
  state => (state.useHierarchy ? 1 : 0),
  (access, value) => {
    const { css, cg, tree } = access
    const state = stateOf(access)
    if (value === (state.useHierarchy ? 1 : 0)) return OK
    if (tree.engine.features.useHierarchy === 'always' || value > 1) return EINVAL
    if (css.parent !== null && countsChildren(css.parent.memcg!)) return EINVAL
    if (hasChildren(cg)) return EBUSY
    state.useHierarchy = value === 1
    return OK
  },
)

const MOVE_ANON_AND_FILE = 3

/** What tasks that move here bring along: 1 anonymous memory, 2 mapped files. From 6.13 on nothing. */
export const moveCharge: FileRow = numberFile(
  'memory.move_charge_at_immigrate',
  state => state.moveCharge,
  (access, value) => {
    if (value > (access.tree.engine.features.moveCharge ? MOVE_ANON_AND_FILE : 0)) return EINVAL
    stateOf(access).moveCharge = value
    return OK
  },
)
