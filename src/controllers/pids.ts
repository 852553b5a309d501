/**
 * The controller of the number of tasks. Kernel: kernel/cgroup/pids.c.
 *
 * Every task counts in its cgroup and all above, from its making to its reaping. Only making one asks for limits;
 * moving never does, so a cgroup may hold more than its pids.max.
 */
import { EAGAIN, EINVAL, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { parseIntegerOrMax, trim } from '../formats/parse.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Access, Controller } from '../tree/controller.ts'
import type { Css, PidsState } from '../tree/css.ts'
import { fileChanged, type Tree } from '../tree/tree.ts'
import type { ByteString } from '../units.ts'

/** Most tasks a 64-bit kernel can have. */
const PID_MAX_LIMIT = 4_194_304

export const pids: Controller = {
  name: 'pids',
  threaded: true,
  implicit: false,
  dependsOn: [],
  files: [
    { name: 'pids.max', on: 'below root', show: showMax, write: writeMax },
    { name: 'pids.current', on: 'below root', show: showCurrent, looksAtTasks: true },
    { name: 'pids.peak', on: 'below root', show: showPeak, when: ({ pidsPeak }) => pidsPeak },
    {
      name: 'pids.events',
      on: 'below root',
      show: showEvents,
      notifies: true,
      when: ({ pidsEventsFile }) => pidsEventsFile,
    },
    {
      name: 'pids.events.local',
      on: 'below root',
      show: showEventsLocal,
      notifies: true,
      when: ({ pidsEvents }) => pidsEvents === 'limit-owner',
    },
  ],
  alloc: (_, css) => {
    css.pids = { current: 0, max: Number.POSITIVE_INFINITY, peak: 0, events: 0, eventsLocal: 0 }
    return OK
  },
  canFork,
  count: (_, css) => add(css, 1),
  uncount: (_, css) => add(css, -1),
  attach: (_tree, _task, from, to) => {
    add(to, 1)
    add(from, -1)
  },
}

const stateOf = (css: Css): PidsState => css.pids!

function add(css: Css, tasks: number): void {
  for (let level: Css | null = css; level !== null; level = level.parent) {
    const state = stateOf(level)
    state.current += tasks
    if (state.current > state.peak) state.peak = state.current
  }
}

function canFork(tree: Tree, css: Css): Errno | Ok {
  for (let level: Css | null = css; level !== null; level = level.parent) {
    if (stateOf(level).current < stateOf(level).max) continue
    refused(tree, css, level)
    return EAGAIN
  }
  add(css, 1)
  return OK
}

/** Counts a refused fork: where the limit is set and above (6.11 and later), or where the fork was tried. */
function refused(tree: Tree, forking: Css, over: Css): void {
  if (tree.engine.features.pidsEvents === 'refused-here') {
    stateOf(forking).events++
    fileChanged(tree, forking, 'pids.events')
    return
  }
  stateOf(over).eventsLocal++
  fileChanged(tree, over, 'pids.events.local')
  for (let level: Css | null = over; level?.parent; level = level.parent) {
    stateOf(level).events++
    fileChanged(tree, level, 'pids.events')
  }
}

function showMax(out: TextBuffer, { css }: Access): undefined {
  out.lineOrMax(stateOf(css).max)
}

/** A limit below the present number is legal: it only stops later forks. */
function writeMax(text: ByteString, { css }: Access): Errno | Ok {
  const max = parseIntegerOrMax(trim(text), { min: 0, max: PID_MAX_LIMIT, outside: EINVAL, bits: 64 })
  if (isErrno(max)) return max
  stateOf(css).max = max
  return OK
}

function showCurrent(out: TextBuffer, { css }: Access): undefined {
  out.line(stateOf(css).current)
}

function showPeak(out: TextBuffer, { css }: Access): undefined {
  out.line(stateOf(css).peak)
}

function showEvents(out: TextBuffer, { css }: Access): undefined {
  out.keyed('max', stateOf(css).events)
}

function showEventsLocal(out: TextBuffer, { css }: Access): undefined {
  out.keyed('max', stateOf(css).eventsLocal)
}
