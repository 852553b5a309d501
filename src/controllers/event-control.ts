/**
 * cgroup.event_control of version 1: `EVENTFD FILE [ARGUMENTS]`, both as descriptors of the writer.
 * Kernel: mm/memcontrol.c, memcg_write_event_control (charge-reclaim.md §11).
 */
import * as counter from '../engine/counter.ts'
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
import { EACCES, EINVAL, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { parseSize, trim } from '../formats/parse.ts'
import type { Access } from '../tree/controller.ts'
import { addListener, dropListener, type EventTarget } from '../tree/listeners.ts'
import type { Tree } from '../tree/tree.ts'
import type { ByteString, Pages } from '../units.ts'

/** Puts a listener where it hears of a file; `args` is what stood behind the descriptors. */
type Register = (tree: Tree, m: MemCgroup, listener: ListenerId, args: ByteString) => Errno | Ok

/** The files that tell anything. */
const REGISTER: Readonly<Record<string, Register>> = {
  'memory.usage_in_bytes': threshold('memory'),
  'memory.memsw.usage_in_bytes': threshold('memsw'),
  'memory.oom_control': (_, m, listener) => {
    m.v1!.oomListeners.push(listener)
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
  text === '-1' ? counter.PAGE_COUNTER_MAX : parseSize(text, pageSize, counter.PAGE_COUNTER_MAX)

/** `low`, `medium` or `critical`, and which pressure of other memcgs is heard. */
function parsePressure(args: ByteString, listener: ListenerId): PressureListener | undefined {
  const [level, mode = 'default', ...more] = args.split(',')
  const isKnown = PRESSURE_LEVELS.some(each => each === level) && PRESSURE_MODES.some(each => each === mode)
  if (!isKnown || more.length > 0) return undefined
  return { listener, level: level as PressureLevel, mode: mode as PressureMode }
}

/** Registers a target with a file of the memory controller in one cgroup: the listener, or EINVAL. */
export function register(
  tree: Tree,
  m: MemCgroup,
  file: ByteString,
  args: ByteString,
  target: EventTarget,
): ListenerId | Errno {
  const listener = addListener(tree, m, target)
  const registered = REGISTER[file]?.(tree, m, listener, args) ?? EINVAL
  if (!isErrno(registered)) return listener
  dropListener(tree, listener)
  return registered
}

const EVENT_REQUEST = /^(\d*) (\d*)(?: (.*))?$/s

export function writeEventControl(text: ByteString, access: Access): Errno | Ok {
  const request = EVENT_REQUEST.exec(trim(text))
  if (request === null) return EINVAL
  const [, eventfd, file, args = ''] = request
  const event = access.descriptor(Number(eventfd))
  if (isErrno(event)) return event
  if (event.kind !== 'eventfd') return EINVAL
  const about = access.descriptor(Number(file))
  if (isErrno(about)) return about
  if (about.kind !== 'file' || !(about.name in REGISTER)) return EINVAL
  if (!about.isReadable) return EACCES
  const target = event.take()
  if (isErrno(target)) return target
  const registered = register(access.tree, access.css.memcg!, about.name, args, target)
  return isErrno(registered) ? registered : OK
}
