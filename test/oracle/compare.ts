/**
 * When an answer counts as the recorded one. Most of it is compared exactly; the README of the oracle ("Shape, not
 * value") says which values depend on the environment, and each rule below cites its sentence.
 */
import { errnoByName } from '../../src/errno.ts'
import type { ByteString } from '../../src/units.ts'
import { quantitiesOutside } from './quantities.ts'
import { CGROUPS, isThereIn, MEMORY_HIERARCHY, type Recording } from './recording.ts'
import type { Fields, Step } from './row.ts'

/** One field of one step that is not as recorded. */
export interface Difference {
  readonly step: Step
  readonly field: string
  readonly expected: unknown
  readonly got: unknown
}

/** Earlier readings of files in the same row, for rules about the direction of change. */
export type History = Map<string, { recorded: ByteString; got: ByteString }>

/** Whether `got` counts as `recorded`. */
type Rule = (recorded: ByteString, got: ByteString, earlier?: { recorded: ByteString; got: ByteString }) => boolean

const NUMBER = /\d+(?:\.\d+)?/g

/** A text without its numbers. */
const shapeOf = (text: ByteString): string => text.replaceAll(NUMBER, '#')

const sameShape: Rule = (recorded, got) => shapeOf(recorded) === shapeOf(got)

const PID_LIST = /^(?:\d+\n)+$/
/** `${all pids of the machine}` is a long listing: README, "Format". */
const ALL_PIDS = /^\$\{all pids of the machine\}$/m
const somePids: Rule = (recorded, got) => PID_LIST.test(recorded.replace(ALL_PIDS, '1')) && PID_LIST.test(got)

/** Lines `key … number …`, compared number by number; what is between the numbers has to be the same. */
const numberByNumber =
  (agree: (key: string, recorded: number, got: number) => boolean): Rule =>
  (recorded, got) => {
    if (!sameShape(recorded, got)) return false
    const lines = got.split('\n')
    return recorded.split('\n').every((line, i) => {
      const key = line.split(' ')[0] ?? ''
      const theirs = (line.match(NUMBER) ?? []).map(Number)
      const ours = (lines[i]!.match(NUMBER) ?? []).map(Number)
      return theirs.every((value, k) => agree(key, value, ours[k]!))
    })
  }

/**
 * "byte counts in memory.current / memory.peak / memory.stat … of non-empty groups … Compare with a tolerance (a few
 * hundred KiB, or a few per cent)". One batch is 64 pages, 256 KiB. Nothing stays nothing, and something something.
 */
const TOLERANCE_BYTES = 256 * 1024
const TOLERANCE_SHARE = 0.05
const nearlyEqual = numberByNumber((_, recorded, got) => {
  if (recorded === 0 || got === 0) return recorded === got
  return Math.abs(got - recorded) <= Math.max(TOLERANCE_BYTES, recorded * TOLERANCE_SHARE)
})

/** "counters of events which depend on reclaim's luck … exact are: zero or non-zero, and `oom_kill`, `oom_group_kill`". */
const EXACT_EVENTS = ['oom_kill', 'oom_group_kill']
const sameEvents = numberByNumber((key, recorded, got) =>
  EXACT_EVENTS.includes(key) ? recorded === got : recorded === 0 ? got === 0 : got > 0,
)

/** "nr_dying_descendants: the direction, not the moment." Direction against the reading before, of nothing at first. */
const sameDirections: Rule = (recorded, got, earlier) => {
  const keyed = (text: ByteString): Map<string, number> =>
    new Map(text.split('\n').map(line => [line.split(' ')[0]!, Number(line.split(' ')[1])]))
  const before = { recorded: keyed(earlier?.recorded ?? ''), got: keyed(earlier?.got ?? '') }
  return numberByNumber((key, theirs, ours) => {
    if (!key.startsWith('nr_dying')) return theirs === ours
    return Math.sign(theirs - (before.recorded.get(key) ?? 0)) === Math.sign(ours - (before.got.get(key) ?? 0))
  })(recorded, got)
}

/** "anything of the root group (memory.stat, cpu.stat, io.stat, pressure, cgroup.procs)". */
const ROOT_RULES: Readonly<Record<string, Rule>> = {
  'cgroup.procs': somePids,
  'cgroup.threads': somePids,
  tasks: somePids,
  'memory.usage_in_bytes': sameShape,
  'memory.stat': sameShape,
  'memory.numa_stat': sameShape,
  'memory.pressure': sameShape,
  'io.pressure': sameShape,
  'cpu.pressure': sameShape,
}

/** "times: … `*.pressure` averages and totals" and the rules above, by file. */
const RULES: Readonly<Record<string, Rule>> = {
  'memory.current': nearlyEqual,
  'memory.peak': nearlyEqual,
  'memory.swap.current': nearlyEqual,
  'memory.swap.peak': nearlyEqual,
  'memory.usage_in_bytes': nearlyEqual,
  'memory.max_usage_in_bytes': nearlyEqual,
  'memory.kmem.usage_in_bytes': nearlyEqual,
  'memory.kmem.max_usage_in_bytes': nearlyEqual,
  'memory.stat': nearlyEqual,
  'memory.numa_stat': nearlyEqual,
  'memory.events': sameEvents,
  'memory.events.local': sameEvents,
  'memory.swap.events': sameEvents,
  'memory.failcnt': sameEvents,
  'memory.memsw.failcnt': sameEvents,
  'memory.kmem.failcnt': sameEvents,
  'memory.kmem.tcp.failcnt': sameEvents,
  'memory.pressure': sameShape,
  'io.pressure': sameShape,
  'cpu.pressure': sameShape,
  'cgroup.stat': sameDirections,
}

/** A file of the memory controller in the root group. */
const ROOT_FILE = new RegExp(`^${CGROUPS}(/memory)?/memory\\.[^/]*$`)

/** The rule for the contents of a file when they are not equal; undefined where they have to be. */
function ruleFor(path: ByteString, varies: boolean): Rule | undefined {
  const at = path.lastIndexOf('/')
  const name = path.slice(at + 1)
  return (
    ([CGROUPS, MEMORY_HIERARCHY].includes(path.slice(0, at)) ? ROOT_RULES[name] : undefined) ??
    (varies ? sameShape : undefined) ??
    RULES[name]
  )
}

/** Names of files there are, and directories: the rest of a listing comes with the other controllers. */
const ofOurs = (entries: string, directory: ByteString): string =>
  entries
    .split(' ')
    .filter(name => name.endsWith('/') || isThereIn(name, directory))
    .join(' ')

/** `EINVAL` is written where a number is meant, too. */
function asResult(value: unknown): unknown {
  return typeof value === 'string' ? (errnoByName(value) ?? value) : value
}

/** Fields that say the same as `ret` in other words. */
const REDUNDANT = ['errno']
/** Follow from others, or from the options of the mount. */
const NOT_COMPARED = ['f_bfree', 'f_bavail', 'f_ffree', 'f_flags']

export interface Compared {
  readonly step: Step
  readonly got: Fields
  /** With `${pid:A}` and the like replaced. */
  readonly named: (text: ByteString) => ByteString
  readonly history: History
  /** Quantities are compared within the band of the `memory` rows of this recording. */
  readonly banded?: Recording['rows']
}

/**
 * Events as text. Equal ones in a row are one while nobody has read the first: where programs work, how many are seen is
 * a matter of how long that takes.
 */
function eventsOf(events: unknown, banded: Compared['banded']): string {
  const texts = (events as readonly unknown[]).map(event => JSON.stringify(event))
  return texts.filter((text, i) => banded === undefined || text !== texts[i - 1]).join()
}

/** Everything in which the answer of a step differs from the recorded one. */
export function compareStep({ step, got, named, history, banded }: Compared): Difference[] {
  if (got.unknown !== undefined)
    return [{ step, field: 'op', expected: step.op, got: 'an operation this runner does not know' }]
  const differences: Difference[] = []
  const differ = (field: string, expected: unknown): void => {
    differences.push({ step, field, expected, got: got[field] })
  }
  const sameData = compareData({ step, got, named, history, ...(banded && { banded }) })
  const directory = String(step.given.path ?? '')
  for (const [field, value] of Object.entries(step.answer)) {
    if (REDUNDANT.includes(field) || NOT_COMPARED.includes(field)) continue
    // A time that is now is another time here.
    if (field === 'mtime' && step.answer.mtime_is_now === true) continue
    const expected = asResult(value)
    switch (field) {
      case 'data':
        if (sameData === 'different') differ(field, named(String(value)))
        else if (typeof sameData !== 'string')
          differences.push({ step, field: 'quantities', expected: 'as recorded', got: sameData })
        break
      case 'ret':
        if (!sameReturn(step, got, sameData)) differ(field, value)
        break
      case 'entries':
        if (ofOurs(String(value), directory) !== ofOurs(String(got[field] ?? ''), directory))
          differ(field, ofOurs(String(value), directory))
        break
      case 'count':
        // "counters of events which depend on reclaim's luck … greater than 1"; of signals at a removal a reader may be too early for some (errata.md §2.2).
        if (Number(value) > 1 ? !(Number(got[field]) > 0) : value !== got[field]) differ(field, value)
        break
      case 'events':
        if (eventsOf(value, banded) !== eventsOf(got[field], banded)) differ(field, value)
        break
      default:
        if (expected !== got[field]) differ(field, value)
    }
  }
  // Opening was refused: there is no return value, and the other way round.
  for (const field of ['open', 'ret'])
    if (
      got[field] !== undefined &&
      step.answer[field] === undefined &&
      differences.length > 0 &&
      Number(got[field]) < 0
    )
      differ(field, undefined)
  return differences
}

/**
 * A length is compared unless it is that of other numbers; `all` is the whole buffer, whatever its length. Of a step
 * that varies it counts whether it was refused.
 */
function sameReturn({ answer, varies }: Step, { ret }: Fields, data: DataResult): boolean {
  const expected = asResult(answer.ret)
  if (expected === 'all') return Number(ret) > 0
  if (data === 'alike' || typeof data !== 'string') return Number(ret) >= 0
  return expected === ret || (varies && Number(expected) < 0 === Number(ret) < 0)
}

/** `alike`: the same but for numbers that are another machine's. A list: which quantities differ. */
type DataResult = 'none' | 'equal' | 'alike' | 'different' | readonly string[]

function compareData({ step, got, named, history, banded }: Compared): DataResult {
  const { data } = step.answer
  if (data === undefined) return 'none'
  const recorded = named(String(data))
  const ours = got.data
  if (typeof ours !== 'string') return 'different'
  const path = String(step.given.path ?? '')
  const earlier = history.get(path)
  if (path !== '') history.set(path, { recorded, got: ours })
  if (recorded === ours) return recorded === data ? 'equal' : 'alike'
  if (banded !== undefined && !step.varies && !ROOT_FILE.test(path)) {
    const outside = quantitiesOutside(path.slice(path.lastIndexOf('/') + 1), banded, recorded, ours)
    if (outside !== undefined) return outside.length === 0 ? 'alike' : outside
  }
  return ruleFor(path, step.varies)?.(recorded, ours, earlier) ? 'alike' : 'different'
}
