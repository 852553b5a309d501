/** Slabs as boxes: each stripe is one cgroup's objects, what is left empty is what nobody can use. */
import type { Drawn } from './chart.ts'
import type { SlabPicture, SlabsPanel } from './figure.ts'
import { element, HUES, hue, label } from './svg.ts'

const LEFT = 24
const TOP = 58
const BOX = 15
const BOX_HEIGHT = 22
const GAP = 3

function drawSlab(slab: SlabPicture, capacity: number, x: number, y: number): string {
  const hollow = element('rect', { x, y, width: BOX, height: BOX_HEIGHT, rx: 1.5, class: 'hollow' })
  let filled = 0
  const stripes = slab.map(({ owner, objects }) => {
    const height = (objects / capacity) * BOX_HEIGHT
    filled += height
    // Neighbouring owners differ in shade once the hues are used up.
    const opacity = 1 - 0.18 * (Math.floor(owner / HUES) % 3)
    return element('rect', { x, y: y + BOX_HEIGHT - filled, width: BOX, height, class: hue(owner), opacity })
  })
  return hollow + stripes.join('')
}

export function drawSlabs({ title, caption, capacity, slabs }: SlabsPanel, width: number): Drawn {
  const perRow = Math.floor((width - 2 * LEFT + GAP) / (BOX + GAP))
  const rows = Math.ceil(slabs.length / perRow)
  const boxes = slabs.map((slab, i) => {
    const x = LEFT + (i % perRow) * (BOX + GAP)
    const y = TOP + Math.floor(i / perRow) * (BOX_HEIGHT + GAP)
    return drawSlab(slab, capacity, x, y)
  })
  const head = label(LEFT, 24, title, 'start', 'h2') + label(LEFT, 44, caption, 'start', 'small faint')
  return { content: head + boxes.join(''), height: TOP + rows * (BOX_HEIGHT + GAP) + 20 }
}
