/** Panels with axes: lines, and groups of bars. */
import { formatNumber } from '../numbers.ts'
import { scaleOf } from './axis.ts'
import type { BarsPanel, LinesPanel } from './figure.ts'
import { element, hue, label, line, round } from './svg.ts'

/** A drawn panel: its top is at y = 0. */
export interface Drawn {
  readonly content: string
  readonly height: number
}

const LEFT = 74
const RIGHT = 24
const TOP = 64
const PLOT = 230
const LEGEND_ROW = 20
const CHARACTER = 7.2

/** Names with a spot of their colour, in rows that fit into `width`. */
function legend(names: readonly string[], width: number, y: number): Drawn {
  if (names.length === 1) return { content: '', height: 0 }
  let x = LEFT
  let row = 0
  const items = names.map((name, i) => {
    const size = 26 + name.length * CHARACTER
    if (x + size > width - RIGHT && x > LEFT) {
      x = LEFT
      row++
    }
    const at = y + row * LEGEND_ROW
    const item = `${element('rect', { x, y: at - 9, width: 12, height: 10, rx: 2, class: hue(i) })}${label(x + 17, at, name)}`
    x += size
    return item
  })
  return { content: items.join(''), height: (row + 1) * LEGEND_ROW }
}

interface Plot {
  readonly content: string
  readonly bottom: number
  readonly y: (value: number) => number
}

/** Title, legend, y axis with its grid. */
function frame(title: string, unit: string, names: readonly string[], values: readonly number[], width: number): Plot {
  const key = legend(names, width, 48)
  const top = TOP + key.height - LEGEND_ROW + 26
  const bottom = top + PLOT
  const { ticks, at } = scaleOf(values, bottom, top)
  const grid = ticks.map(tick => {
    const y = at(tick)
    return (
      line(LEFT, y, width - RIGHT, y, tick === 0 ? 'axis' : 'grid') + label(LEFT - 8, y + 4, formatNumber(tick), 'end')
    )
  })
  const head = label(LEFT, 24, title, 'start', 'h2') + label(LEFT, top - 20, unit, 'start', 'small faint')
  return { content: head + key.content + grid.join(''), bottom, y: at }
}

export function drawLines(panel: LinesPanel, width: number): Drawn {
  const all = panel.series.flatMap(({ points }) => points)
  const names = panel.series.map(({ name, points }) => `${name}: ${formatNumber(points.at(-1)![1])} in the end`)
  const plot = frame(
    panel.title,
    panel.y,
    names,
    all.map(([, y]) => y),
    width,
  )
  const x = scaleOf(
    all.map(([x]) => x),
    LEFT,
    width - RIGHT,
    8,
  )
  const ticks = x.ticks.map(
    tick =>
      line(x.at(tick), plot.bottom, x.at(tick), plot.bottom + 5, 'axis') +
      label(x.at(tick), plot.bottom + 20, formatNumber(tick), 'middle'),
  )
  const paths = panel.series.map(({ points }, i) => {
    const d = points.map(([px, py], n) => `${n === 0 ? 'M' : 'L'}${round(x.at(px))} ${round(plot.y(py))}`).join('')
    // Earlier lines are wider, so that they show beside a later one that covers them.
    const width = 2 + 2.2 * (panel.series.length - 1 - i)
    return element('path', { d, class: hue(i).replace('c', 'l'), 'stroke-width': width })
  })
  const axis = label((LEFT + width - RIGHT) / 2, plot.bottom + 40, panel.x, 'middle', 'small faint')
  return { content: plot.content + ticks.join('') + axis + paths.join(''), height: plot.bottom + 56 }
}

export function drawBars(panel: BarsPanel, width: number): Drawn {
  const plot = frame(
    panel.title,
    panel.y,
    panel.bars,
    panel.groups.flatMap(({ values }) => values),
    width,
  )
  const groupWidth = (width - LEFT - RIGHT) / panel.groups.length
  const barWidth = Math.min(56, (groupWidth * 0.8) / panel.bars.length)
  const groups = panel.groups.map(({ name, values }, g) => {
    const middle = LEFT + groupWidth * (g + 0.5)
    const first = middle - (barWidth * values.length) / 2
    const bars = values.map((value, i) => {
      const x = first + i * barWidth
      const y = Math.min(plot.y(value), plot.y(0))
      const height = Math.abs(plot.y(value) - plot.y(0))
      return (
        element('rect', { x: x + 1, y, width: barWidth - 2, height, rx: 2, class: hue(i) }) +
        label(x + barWidth / 2, y - 5, formatNumber(value), 'middle', 'small')
      )
    })
    return bars.join('') + label(middle, plot.bottom + 20, name, 'middle')
  })
  return { content: plot.content + groups.join(''), height: plot.bottom + 36 }
}
