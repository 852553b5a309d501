/** Threads in a ring, with arrows to whom each of them waits for; those that wait for nobody in a row. */
import type { Drawn } from './chart.ts'
import type { WaitsPanel } from './figure.ts'
import { element, label, round } from './svg.ts'

const BOX_WIDTH = 268
const BOX_HEIGHT = 74
const HEIGHT = 380
const TOP = 50

interface Place {
  readonly x: number
  readonly y: number
}

/** Where the line from `from` to `to` leaves the box around `from`. */
function edgeOfBox(from: Place, to: Place): Place {
  const dx = to.x - from.x
  const dy = to.y - from.y
  const part = Math.min(BOX_WIDTH / 2 / Math.max(1, Math.abs(dx)), BOX_HEIGHT / 2 / Math.max(1, Math.abs(dy)))
  return { x: from.x + dx * part, y: from.y + dy * part }
}

function arrow(from: Place, to: Place, text: string): string {
  const start = edgeOfBox(from, to)
  const end = edgeOfBox(to, from)
  const angle = Math.atan2(end.y - start.y, end.x - start.x)
  const tip = [0, 2.6, -2.6].map(turn => {
    const length = turn === 0 ? 0 : 11
    return `${round(end.x + length * Math.cos(angle + turn))},${round(end.y + length * Math.sin(angle + turn))}`
  })
  const d = `M${round(start.x)} ${round(start.y)}L${round(end.x)} ${round(end.y)}`
  const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 }
  const isUpright = Math.abs(end.y - start.y) > Math.abs(end.x - start.x)
  const words = isUpright
    ? label(middle.x + 10, middle.y + 4, text, 'start', 'small')
    : label(middle.x, middle.y - 8, text, 'middle', 'small')
  return element('path', { d, class: 'arrow' }) + element('polygon', { points: tip.join(' '), class: 'tip' }) + words
}

/** A box with its words; `x`, `y` is its middle. */
function drawThread({ lines, stuck }: WaitsPanel['threads'][number], { x, y }: Place, width: number): string {
  const box = { x: x - width / 2, y: y - BOX_HEIGHT / 2, width, height: BOX_HEIGHT, rx: 8 }
  const words = lines.map((text, i) => label(x, box.y + 23 + i * 18, text, 'middle', i === 0 ? 'h2' : 'small'))
  return element('rect', { ...box, class: stuck ? 'bad' : 'box' }) + words.join('')
}

const EDGE = 24
const GAP = 16

function drawRow({ title, threads }: WaitsPanel, width: number): Drawn {
  const boxWidth = (width - 2 * EDGE - (threads.length - 1) * GAP) / threads.length
  const boxes = threads.map((thread, i) =>
    drawThread(thread, { x: EDGE + boxWidth / 2 + i * (boxWidth + GAP), y: TOP + BOX_HEIGHT / 2 }, boxWidth),
  )
  return { content: label(EDGE, 24, title, 'start', 'h2') + boxes.join(''), height: TOP + BOX_HEIGHT + 24 }
}

export function drawWaits(panel: WaitsPanel, width: number): Drawn {
  const { title, threads, edges } = panel
  if (edges.length === 0) return drawRow(panel, width)
  const places = new Map<string, Place>()
  for (const [i, { id }] of threads.entries()) {
    // The first at the top left, then clockwise.
    const angle = -0.75 * Math.PI + (2 * Math.PI * i) / threads.length
    places.set(id, {
      x: width / 2 + Math.cos(angle) * (width / 2 - BOX_WIDTH / 2 - EDGE) * 1.15,
      y: TOP + HEIGHT / 2 + Math.sin(angle) * (HEIGHT / 2 - BOX_HEIGHT / 2) * 1.15,
    })
  }
  const boxes = threads.map(thread => drawThread(thread, places.get(thread.id)!, BOX_WIDTH))
  const arrows = edges.map(({ from, to, label: text }) => arrow(places.get(from)!, places.get(to)!, text))
  const content = label(EDGE, 24, title, 'start', 'h2') + arrows.join('') + boxes.join('')
  return { content, height: TOP + HEIGHT + 16 }
}
