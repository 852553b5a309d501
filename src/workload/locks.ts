/**
 * `.memcgfs/locks`: which locks this kernel has, who takes them in which order, and a scenario tried out on them.
 * A line begins with what it is: lock, operation, order, scenario; and after a run: run, thread, cycle, finished, verdict.
 */
import { LOCKS, lockOrder, operationsOf } from '../engine/locks/operations.ts'
import {
  isScenario,
  runScenario,
  SCENARIOS,
  type ScenarioName,
  type ScenarioReport,
} from '../engine/locks/scenarios.ts'
import type { Held } from '../engine/locks/simulator.ts'
import { EINVAL, type Errno, OK, type Ok } from '../errno.ts'
import { trim } from '../formats/parse.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Kernel } from '../kernel.ts'
import type { ByteString } from '../units.ts'
import type { Workload } from './workload.ts'

const heldText = (locks: readonly Held[]): string => locks.map(({ lock, mode }) => `${lock}(${mode})`).join(' ')

/** Prints the locks of a kernel, and the run of the scenario chosen last. */
export function showLocks(out: TextBuffer, { engine }: Kernel, chosen: ScenarioName | null): undefined {
  const { features } = engine
  const operations = operationsOf(features)
  const used = new Set(operations.flatMap(({ locks }) => locks.map(({ lock }) => lock)))
  for (const name of used) out.text(`lock ${name} # ${LOCKS[name]}`).newline()
  for (const { name, locks } of operations) out.text(`operation ${name} ${heldText(locks)}`).newline()
  for (const { outer, inner } of lockOrder(features)) out.text(`order ${outer} -> ${inner}`).newline()
  for (const [name, { about }] of Object.entries(SCENARIOS)) out.text(`scenario ${name} # ${about}`).newline()
  if (chosen === null) return
  for (const line of describeRun(runScenario(chosen, features))) out.text(line).newline()
}

/** The run of a scenario in lines. */
export function describeRun({ scenario, threads, cycle, finished }: ScenarioReport): string[] {
  const lines = [`run ${scenario}`]
  for (const { id, who, verdict, held, wants } of threads) {
    const rest = verdict === 'finished' ? '' : ` held=${heldText(held).replaceAll(' ', ',') || '-'} wants=${wants}`
    lines.push(`thread ${id} ${verdict}${rest} # ${who}`)
  }
  if (cycle.length > 0) lines.push(`cycle ${[...cycle, cycle[0]].join(' -> ')}`)
  lines.push(`finished ${finished.join(' ') || '-'}`)
  const isBlocked = threads.some(({ verdict }) => verdict === 'blocked-by-loop')
  lines.push(`verdict ${cycle.length > 0 ? 'deadlock' : isBlocked ? 'blocked-by-loop' : 'nobody is blocked'}`)
  return lines
}

/** A write of A, B or C runs that scenario. */
export function chooseScenario({ state }: Workload, text: ByteString): Errno | Ok {
  const name = trim(text).toUpperCase()
  if (!isScenario(name)) return EINVAL
  state.lockScenario = name
  return OK
}
