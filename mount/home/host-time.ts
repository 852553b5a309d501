/** The host's clock, for a kernel on a real one. */
import type { HostTime } from '../../src/api/vfs.ts'
import { milliseconds, type Nanoseconds } from '../../src/units.ts'

/** As the loop of a mount tells it (mount/fuse/loop.ts), so that both doors of one kernel see one time. */
export const hostNow = (): Nanoseconds => Math.round(performance.now() * 1e6)

const cell = new Int32Array(new SharedArrayBuffer(4))

/** Blocks this thread. */
export function sleep(time: Nanoseconds): void {
  Atomics.wait(cell, 0, 0, time / milliseconds(1))
}

/** A timer is not worth arming for less. */
const SHORTEST_WAIT = milliseconds(10)
/** Longest time a timer takes: 31 bits of milliseconds. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/** Time for a kernel in this thread. What falls due between two operations is done by a timer, which keeps nothing alive. */
export function hostTime(poke: () => void): Required<HostTime> {
  let timer: NodeJS.Timeout | undefined
  let armedFor: Nanoseconds = Number.POSITIVE_INFINITY
  return {
    now: hostNow,
    sleep,
    wakeBy(due) {
      if (due >= armedFor) return
      const now = hostNow()
      armedFor = Math.max(due, now + SHORTEST_WAIT)
      clearTimeout(timer)
      const fire = (): void => {
        armedFor = Number.POSITIVE_INFINITY
        poke()
      }
      timer = setTimeout(fire, Math.min(Math.ceil((armedFor - now) / milliseconds(1)) + 1, LONGEST_WAIT_MS)).unref()
    },
  }
}
