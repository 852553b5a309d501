/** A linear scale with round ticks. */

export interface Scale {
  readonly ticks: readonly number[]
  /** From a value to a coordinate. */
  readonly at: (value: number) => number
}

/** A step of 1, 2 or 5 times a power of ten. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  const lead = rough / power
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power
}

/** A scale that contains zero and all `values`, from coordinate `from` to `to`, with about `count` ticks. */
export function scaleOf(values: readonly number[], from: number, to: number, count = 5): Scale {
  const low = values.reduce((a, b) => Math.min(a, b), 0)
  const high = values.reduce((a, b) => Math.max(a, b), 0)
  const step = niceStep((high - low || 1) / count)
  const first = Math.floor(low / step)
  const last = Math.max(Math.ceil(high / step), first + 1)
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
  const bottom = ticks[0]!
  const span = ticks.at(-1)! - bottom
  return { ticks, at: value => from + ((value - bottom) / span) * (to - from) }
}
