/**
 * The running averages of pressure: fixed-point numbers with 11 bits behind the point, decayed once per period.
 * Kernel: kernel/sched/psi.c calc_avgs, kernel/sched/loadavg.c calc_load, fixed_power_int (charge-reclaim.md §10.4).
 */
import { type Nanoseconds, seconds } from '../../units.ts'

/** Between two steps of the averages. The kernel takes one tick more. */
export const PSI_PERIOD: Nanoseconds = seconds(2)

const SHIFT = 11
const ONE = 2 ** SHIFT

/** What is left of an average after one period, for 10, 60 and 300 seconds. */
const DECAYS = [1677, 1981, 2034] as const
export const AVERAGES = DECAYS.length

/** `x` to the power of `n`, by squaring, each product rounded to the nearest. */
function power(x: number, n: number): number {
  let result = ONE
  let square = x
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = (result * square + ONE / 2) >> SHIFT
    square = (square * square + ONE / 2) >> SHIFT
  }
  return result
}

/** One step of an average towards `percent`, rounded up while it rises. */
function decay(average: number, factor: number, percent: number): number {
  const aim = percent * ONE
  const sum = average * factor + aim * (ONE - factor) + (aim >= average ? ONE - 1 : 0)
  return Math.floor(sum / ONE)
}

/** Moves the three averages that begin at `at` through so many periods without any stall, in one step. */
export function skipPeriods(averages: number[], at: number, missed: number): void {
  if (missed === 0) return
  for (const [i, factor] of DECAYS.entries()) averages[at + i] = decay(averages[at + i]!, power(factor, missed), 0)
}

/** Moves them through one period of `period` ns in which `sample` ns were lost. */
export function stepAverages(averages: number[], at: number, sample: Nanoseconds, period: Nanoseconds): void {
  const percent = Math.floor((sample * 100) / period)
  for (const [i, factor] of DECAYS.entries()) averages[at + i] = decay(averages[at + i]!, factor, percent)
}

/** `18.11`: two decimals, cut off. */
export function printAverage(average: number): string {
  const decimals = ((average & (ONE - 1)) * 100) >> SHIFT
  return `${average >> SHIFT}.${String(decimals).padStart(2, '0')}`
}
