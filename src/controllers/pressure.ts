/**
 * Pressure stall information of a cgroup: io.pressure, memory.pressure, cpu.pressure, irq.pressure. Kernel:
 * kernel/sched/psi.c psi_show, psi_trigger_create; cgroup_psi_files.
 *
 * A file shows its averages and totals; a text written to it makes a trigger, which lives as long as the description it
 * was written through.
 */

import { AVERAGES, printAverage } from '../engine/psi/averages.ts'
import { booksForReader, type PsiResource, type PsiState, stateIndex } from '../engine/psi/group.ts'
import { createTrigger, destroyTrigger, takeEvent } from '../engine/psi/trigger.ts'
import { EBUSY, EINVAL, type Errno, OK, type Ok } from '../errno.ts'
import { scanUnsigned } from '../formats/parse.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Features } from '../profiles/features.ts'
import type { Access, FileRow, OpenMemory } from '../tree/controller.ts'
import { pressureGroup } from '../tree/pressure.ts'
import type { Tree } from '../tree/tree.ts'
import type { ByteString, Microseconds } from '../units.ts'

/** Longest window of a trigger. */
const WINDOW_MAX_US: Microseconds = 10_000_000
/** Without CAP_SYS_RESOURCE a window is a multiple of the averaging period, where that rule holds. */
const UNPRIVILEGED_WINDOW_US: Microseconds = 2_000_000

const POLLPRI = 0x2
const POLLERR = 0x8

type Line = 'some' | 'full'

/** The lines of a file: who waits for a CPU is never alone up to 5.9, and time lost to interrupts is lost to everybody. */
function linesOf(resource: PsiResource, { psiCpuFull }: Features): readonly Line[] {
  if (resource === 'irq') return ['full']
  return resource === 'cpu' && !psiCpuFull ? ['some'] : ['some', 'full']
}

const SECONDS = [10, 60, 300] as const

const show =
  (resource: PsiResource) =>
  (out: TextBuffer, { tree, cg }: Access): undefined => {
    const { engine } = tree
    const books = booksForReader(engine, cg.parent === null ? engine.psi.system : cg.psi)
    for (const line of linesOf(resource, engine.features)) {
      const state = stateIndex(`${resource} ${line}` as PsiState)
      out.text(line)
      for (const [i, seconds] of SECONDS.entries())
        out.text(` avg${seconds}=${printAverage(books?.averages[state * AVERAGES + i] ?? 0)}`)
      out.text(` total=${Math.floor((books?.total[state] ?? 0) / 1000)}`).newline()
    }
  }

interface Wish {
  readonly line: Line
  readonly thresholdUs: Microseconds
  readonly windowUs: Microseconds
}

/** `some 150000 1000000`: what follows the second number is not looked at. */
function parseTrigger(text: ByteString): Wish | undefined {
  const line = text.startsWith('some') ? 'some' : text.startsWith('full') ? 'full' : undefined
  if (line === undefined) return undefined
  const threshold = scanUnsigned(text, line.length)
  const window = threshold && scanUnsigned(text, threshold.end)
  return window && { line, thresholdUs: threshold.value, windowUs: window.value }
}

const write =
  (resource: PsiResource) =>
  (text: ByteString, { memory, opener, tree, cg }: Access): Errno | Ok => {
    const { engine } = tree
    const { psiWindowMinUs, psiUnprivileged } = engine.features
    if (memory.trigger !== undefined) return EBUSY
    const wish = parseTrigger(text)
    if (wish === undefined || !linesOf(resource, engine.features).includes(wish.line)) return EINVAL
    const { line, thresholdUs, windowUs } = wish
    if (windowUs < psiWindowMinUs || windowUs > WINDOW_MAX_US) return EINVAL
    const withAverages = psiUnprivileged === '2s-multiples' && !opener.privileged
    if (withAverages && windowUs % UNPRIVILEGED_WINDOW_US !== 0) return EINVAL
    if (thresholdUs === 0 || thresholdUs > windowUs) return EINVAL
    memory.trigger = createTrigger(engine, pressureGroup(tree, cg), {
      state: stateIndex(`${resource} ${line}` as PsiState),
      threshold: thresholdUs * 1000,
      window: windowUs * 1000,
      withAverages,
    })
    return OK
  }

/** A descriptor without a trigger always polls as an error; with one it waits for the trigger. */
function poll({ trigger }: OpenMemory, { engine }: Tree): number {
  if (trigger === undefined) return POLLPRI | POLLERR
  return takeEvent(engine, trigger) ? POLLPRI : 0
}

function close({ memory, tree }: Access): void {
  if (memory.trigger !== undefined) destroyTrigger(tree.engine, memory.trigger)
}

const pressureFile = (resource: PsiResource, when: NonNullable<FileRow['when']> = () => true): FileRow => ({
  name: `${resource}.pressure`,
  on: 'everywhere',
  show: show(resource),
  write: write(resource),
  poll,
  close,
  pressure: true,
  when: (features, machine) => features.psi && machine.psi && when(features, machine),
})

/** In the kernel's order. */
export const pressureFiles: readonly FileRow[] = [
  pressureFile('io'),
  pressureFile('memory'),
  pressureFile('cpu'),
  pressureFile('irq', ({ psiHide }, { irqTime }) => psiHide && irqTime),
]
