/** A figure as an SVG document: its panels below each other. */
import { unreachable } from '../../assert.ts'
import { type Drawn, drawBars, drawLines } from './chart.ts'
import type { Figure, Panel } from './figure.ts'
import { drawSlabs } from './slabs.ts'
import { documentOf, element, label } from './svg.ts'
import { drawWaits } from './waits.ts'

const WIDTH = 880
const HEAD = 48

function draw(panel: Panel): Drawn {
  switch (panel.kind) {
    case 'lines':
      return drawLines(panel, WIDTH)
    case 'bars':
      return drawBars(panel, WIDTH)
    case 'slabs':
      return drawSlabs(panel, WIDTH)
    case 'waits':
      return drawWaits(panel, WIDTH)
    default:
      return unreachable(panel)
  }
}

export function renderFigure({ title, panels }: Figure): string {
  let top = HEAD
  const groups = panels.map(panel => {
    const { content, height } = draw(panel)
    const group = element('g', { transform: `translate(0 ${top})` }, content)
    top += height
    return group
  })
  return documentOf(WIDTH, top + 12, title, label(24, 34, title, 'start', 'h1') + groups.join(''))
}
