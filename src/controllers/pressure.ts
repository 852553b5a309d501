/**
 * Pressure stall information of a cgroup: memory.pressure. Kernel: kernel/sched/psi.c.
 *
 * Triggers are parsed, stored and polled as on the kernel. The model accounts no stall time yet, so totals and
 * averages stay at zero and no trigger fires; docs/coverage.md says so.
 */
import { EBUSY, EINVAL, type Errno, OK, type Ok } from '../errno.ts'
import { scanUnsigned } from '../formats/parse.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Access, FileRow, OpenMemory } from '../tree/controller.ts'
import type { ByteString, Microseconds } from '../units.ts'

/** Longest window of a trigger. */
const WINDOW_MAX_US: Microseconds = 10_000_000
/** Without CAP_SYS_RESOURCE a window is a multiple of the averaging period, where that rule holds. */
const UNPRIVILEGED_WINDOW_US: Microseconds = 2_000_000

const POLLPRI_AND_ERR = 0x2 | 0x8

function showPressure(out: TextBuffer): undefined {
  for (const state of ['some', 'full']) out.text(state).text(' avg10=0.00 avg60=0.00 avg300=0.00 total=0\n')
}

/** `some 150000 1000000`: what follows the second number is not looked at. */
function parseTrigger(text: ByteString): OpenMemory['trigger'] | undefined {
  const state = text.startsWith('some') ? 'some' : text.startsWith('full') ? 'full' : undefined
  if (state === undefined) return undefined
  const threshold = scanUnsigned(text, state.length)
  const window = threshold && scanUnsigned(text, threshold.end)
  return window && { state, thresholdUs: threshold.value, windowUs: window.value }
}

function writeTrigger(text: ByteString, { memory, opener, tree }: Access): Errno | Ok {
  if (memory.trigger) return EBUSY
  const trigger = parseTrigger(text)
  if (trigger === undefined) return EINVAL
  const { thresholdUs, windowUs } = trigger
  const { psiWindowMinUs, psiUnprivileged } = tree.engine.features
  if (windowUs < psiWindowMinUs || windowUs > WINDOW_MAX_US) return EINVAL
  if (psiUnprivileged === '2s-multiples' && !opener.privileged && windowUs % UNPRIVILEGED_WINDOW_US !== 0) return EINVAL
  if (thresholdUs === 0 || thresholdUs > windowUs) return EINVAL
  memory.trigger = trigger
  return OK
}

/** A descriptor without a trigger always polls as an error; with one it waits for the trigger. */
const pollTrigger = (memory: OpenMemory): number => (memory.trigger ? 0 : POLLPRI_AND_ERR)

export const pressureFiles: readonly FileRow[] = [
  {
    name: 'memory.pressure',
    on: 'everywhere',
    show: showPressure,
    write: writeTrigger,
    poll: pollTrigger,
    pressure: true,
    when: (features, { psi }) => features.psi && psi,
  },
]
