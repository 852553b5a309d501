/**
 * Listening to a file of the memory controller on version 1: thresholds of usage, OOM, pressure.
 * Kernel: mm/memcontrol.c, mem_cgroup_usage_register_event, mem_cgroup_oom_register_event; mm/vmpressure.c,
 * vmpressure_register_event.
 */
import { PAGE_COUNTER_MAX } from '../engine/counter.ts'
import { signal } from '../engine/listeners.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import {
  type ListenerId,
  PRESSURE_LEVELS,
  PRESSURE_MODES,
  type PressureLevel,
  type PressureListener,
  type PressureMode,
} from '../engine/memcg-v1.ts'
import { addThreshold, type ThresholdKind } from '../engine/thresholds.ts'
import { EINVAL, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { parseSize } from '../formats/parse.ts'
import type { ByteString, Pages } from '../units.ts'
import { addListener, dropListener, type EventTarget } from './listeners.ts'
import type { Tree } from './tree.ts'

/** Puts a listener where it hears of a file; `args` is what stood behind the descriptors. */
type Register = (tree: Tree, m: MemCgroup, listener: ListenerId, args: ByteString) => Errno | Ok

/** The files that tell anything. */
const REGISTER: Readonly<Record<string, Register>> = {
  'memory.usage_in_bytes': threshold('memory'),
  'memory.memsw.usage_in_bytes': threshold('memsw'),
  'memory.oom_control': ({ engine }, m, listener) => {
    m.v1!.oomListeners.push(listener)
    if (m.v1!.underOom > 0) signal(engine, listener)
    return OK
  },
  'memory.pressure_level': (_, m, listener, args) => {
    const wanted = parsePressure(args, listener)
    if (wanted === undefined) return EINVAL
    m.v1!.pressureListeners.push(wanted)
    return OK
  },
}

function threshold(kind: ThresholdKind): Register {
  return ({ engine }, m, listener, args) => {
    const pages = parsePages(args, engine.machine.pageSize)
    if (isErrno(pages)) return pages
    addThreshold(engine, m, kind, pages, listener)
    return OK
  }
}

/** A size; nothing is 0, and -1 more than there is. Kernel: page_counter_memparse. */
const parsePages = (text: ByteString, pageSize: number): Pages | Errno =>
  text === '-1' ? PAGE_COUNTER_MAX : parseSize(text, pageSize, PAGE_COUNTER_MAX)

/** `low`, `medium` or `critical`, and which pressure of other memcgs is heard. */
function parsePressure(args: ByteString, listener: ListenerId): PressureListener | undefined {
  const [level, mode = 'default', ...more] = args.split(',')
  const isKnown = PRESSURE_LEVELS.some(each => each === level) && PRESSURE_MODES.some(each => each === mode)
  if (!isKnown || more.length > 0) return undefined
  return { listener, level: level as PressureLevel, mode: mode as PressureMode }
}

/** Registers a target with a file of the memory controller in one cgroup: the listener, or EINVAL, as always on version 2. */
export function register(
  tree: Tree,
  m: MemCgroup,
  file: ByteString,
  args: ByteString,
  target: EventTarget,
): ListenerId | Errno {
  if (m.v1 === null) return EINVAL
  const listener = addListener(tree, m, target)
  const registered = tellsEvents(file) ? REGISTER[file]!(tree, m, listener, args) : EINVAL
  if (!isErrno(registered)) return listener
  dropListener(tree, listener)
  return registered
}

/** Whether the file of that name tells anything. */
export const tellsEvents = (file: ByteString): boolean => Object.hasOwn(REGISTER, file)
