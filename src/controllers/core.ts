/**
 * The files every cgroup has, whatever its controllers. Kernel: kernel/cgroup/cgroup.c, cgroup_base_files and
 * cgroup_psi_files.
 */
import { EINVAL, EOPNOTSUPP, ERANGE, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { parseInteger, parseIntegerOrMax, trim } from '../formats/parse.ts'
import type { TextBuffer } from '../formats/text.ts'
import { type ControllerSet, isPopulated } from '../tree/cgroup.ts'
import { availableControllers, makeThreaded, writeSubtreeControl } from '../tree/control.ts'
import type { Access, Controller, FileRow } from '../tree/controller.ts'
import { stateCount } from '../tree/css.ts'
import { setFreeze, timeFreezing } from '../tree/freezer.ts'
import { killCgroup } from '../tree/kill.ts'
import { processes, threads } from '../tree/lists.ts'
import { writeProcs } from '../tree/migrate.ts'
import { switchPressure } from '../tree/pressure.ts'
import { isThreaded, typeOf } from '../tree/threaded.ts'
import { inSet, STATE_COUNTS, type Tree } from '../tree/tree.ts'
import type { ByteString, Pid } from '../units.ts'
import { coreV1 } from './core-v1.ts'
import { pressureFiles } from './pressure.ts'

const hasStat: FileRow['when'] = ({ cgroupStat }) => cgroupStat

export const core: Controller = {
  name: 'cgroup',
  threaded: true,
  implicit: true,
  dependsOn: [],
  files: [
    {
      name: 'cgroup.type',
      on: 'below root',
      show: showType,
      write: writeType,
      looksAtTasks: true,
      when: ({ threaded }) => threaded,
    },
    { name: 'cgroup.procs', on: 'everywhere', show: showProcs, write: writeProcess, list: true, looksAtTasks: true },
    {
      name: 'cgroup.threads',
      on: 'everywhere',
      show: showThreads,
      write: writeThread,
      list: true,
      looksAtTasks: true,
      when: ({ threaded }) => threaded,
    },
    { name: 'cgroup.controllers', on: 'everywhere', show: showControllers },
    { name: 'cgroup.subtree_control', on: 'everywhere', show: showControl, write: writeControl, looksAtTasks: true },
    { name: 'cgroup.events', on: 'below root', show: showEvents, notifies: true, looksAtTasks: true },
    {
      name: 'cgroup.max.descendants',
      on: 'everywhere',
      show: showMaxDescendants,
      write: writeMaxDescendants,
      when: hasStat,
    },
    { name: 'cgroup.max.depth', on: 'everywhere', show: showMaxDepth, write: writeMaxDepth, when: hasStat },
    { name: 'cgroup.stat', on: 'everywhere', show: showStat, when: hasStat },
    {
      name: 'cgroup.stat.local',
      on: 'below root',
      show: showStatLocal,
      when: ({ cgroupStatLocal }) => cgroupStatLocal,
    },
    {
      name: 'cgroup.freeze',
      on: 'below root',
      show: showFreeze,
      write: writeFreeze,
      when: ({ eventsFrozenKey }) => eventsFrozenKey,
    },
    { name: 'cgroup.kill', on: 'below root', write: writeKill, when: ({ cgroupKill }) => cgroupKill },
    ...pressureFiles,
    {
      name: 'cgroup.pressure',
      on: 'everywhere',
      show: showPressure,
      write: writePressure,
      when: ({ psiHide }, { psi }) => psiHide && psi,
    },
  ],
  legacyFiles: coreV1,
}

const FLAG = { min: 0, max: 1, outside: ERANGE } as const
/** Limits of the tree: a number that fills the kernel's int means no limit. */
const INT_MAX = 2 ** 31 - 1
const LIMIT = { min: 0, max: INT_MAX, outside: ERANGE } as const

function showType(out: TextBuffer, { tree, cg }: Access): undefined {
  out.text(typeOf(tree, cg)).newline()
}

function writeType(text: ByteString, { tree, cg, opener }: Access): Errno | Ok {
  return trim(text) === 'threaded' ? makeThreaded(tree, cg, opener) : EINVAL
}

/** Process numbers as the reader sees them, one per line; 0 for one outside its pid namespace. */
function listPids(out: TextBuffer, pids: Pid[] | Errno, { caller }: Access): Errno | undefined {
  if (isErrno(pids)) return pids
  for (const pid of pids) out.line(caller.inView(pid))
  return undefined
}

function showProcs(out: TextBuffer, access: Access): Errno | undefined {
  return listPids(out, processes(access.cg), access)
}

function showThreads(out: TextBuffer, access: Access): Errno | undefined {
  return listPids(out, threads(access.cg), access)
}

function writeProcess(text: ByteString, { tree, cg, caller, opener, mayWrite }: Access): Errno | Ok {
  return writeProcs(tree, cg, { text, thread: false, caller, opener, mayWrite })
}

function writeThread(text: ByteString, { tree, cg, caller, opener, mayWrite }: Access): Errno | Ok {
  return writeProcs(tree, cg, { text, thread: true, caller, opener, mayWrite })
}

/** Names on one line; nothing at all when there are none. */
function listControllers(out: TextBuffer, tree: Tree, set: ControllerSet): void {
  let separator = ''
  for (const c of inSet(tree, set)) {
    out.text(separator).text(tree.controllers[c]!.name)
    separator = ' '
  }
  if (separator !== '') out.newline()
}

function showControllers(out: TextBuffer, { tree, cg }: Access): undefined {
  listControllers(out, tree, availableControllers(tree, cg))
}

function showControl(out: TextBuffer, { tree, cg }: Access): undefined {
  listControllers(out, tree, cg.subtreeControl)
}

function writeControl(text: ByteString, { tree, cg, opener }: Access): Errno | Ok {
  return writeSubtreeControl(tree, cg, trim(text), opener)
}

function showEvents(out: TextBuffer, { tree, cg }: Access): undefined {
  out.keyed('populated', isPopulated(cg) ? 1 : 0)
  if (tree.engine.features.eventsFrozenKey) out.keyed('frozen', cg.frozen ? 1 : 0)
}

function parseLimit(text: ByteString): number | Errno {
  const limit = parseIntegerOrMax(trim(text), LIMIT)
  return limit === INT_MAX ? Number.POSITIVE_INFINITY : limit
}

function showMaxDescendants(out: TextBuffer, { cg }: Access): undefined {
  out.lineOrMax(cg.maxDescendants)
}

function writeMaxDescendants(text: ByteString, { cg }: Access): Errno | Ok {
  const limit = parseLimit(text)
  if (isErrno(limit)) return limit
  cg.maxDescendants = limit
  return OK
}

function showMaxDepth(out: TextBuffer, { cg }: Access): undefined {
  out.lineOrMax(cg.maxDepth)
}

function writeMaxDepth(text: ByteString, { cg }: Access): Errno | Ok {
  const limit = parseLimit(text)
  if (isErrno(limit)) return limit
  cg.maxDepth = limit
  return OK
}

function showStat(out: TextBuffer, { tree, cg }: Access): undefined {
  const perController = (prefix: string, which: number): void => {
    if (tree.engine.features.statDying === 'total') return
    for (const c of inSet(tree, cg.hierarchy.controllers))
      out.keyed(`${prefix}_${tree.controllers[c]!.name}`, stateCount(tree, cg, which, c))
  }
  out.keyed('nr_descendants', cg.descendants)
  perController('nr_subsys', STATE_COUNTS.live)
  out.keyed('nr_dying_descendants', cg.dyingDescendants)
  perController('nr_dying_subsys', STATE_COUNTS.dying)
}

function showStatLocal(out: TextBuffer, { tree, cg }: Access): undefined {
  out.keyed('frozen_usec', Math.floor(timeFreezing(tree, cg) / 1000))
}

function showFreeze(out: TextBuffer, { cg }: Access): undefined {
  out.line(cg.freeze ? 1 : 0)
}

function writeFreeze(text: ByteString, { tree, cg }: Access): Errno | Ok {
  const freeze = parseInteger(trim(text), FLAG)
  if (isErrno(freeze)) return freeze
  setFreeze(tree, cg, freeze === 1)
  return OK
}

function writeKill(text: ByteString, { tree, cg }: Access): Errno | Ok {
  const one = parseInteger(trim(text), { min: 1, max: 1, outside: ERANGE })
  if (isErrno(one)) return one
  if (isThreaded(cg)) return EOPNOTSUPP
  killCgroup(tree, cg)
  return OK
}

function showPressure(out: TextBuffer, { cg }: Access): undefined {
  out.line(cg.pressureOff ? 0 : 1)
}

/** 0 hides the pressure files of this cgroup, 1 shows them again. Kernel: cgroup_pressure_write. */
function writePressure(text: ByteString, { tree, cg }: Access): Errno | Ok {
  const on = parseInteger(trim(text), FLAG)
  if (isErrno(on)) return on
  switchPressure(tree, cg, on === 1)
  return OK
}
