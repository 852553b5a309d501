/** Words of SVG, and the colours: readable on light and on dark ground. */

/** Escapes text for an element or an attribute. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!)

/** Coordinates with at most one digit after the point: short, and the same everywhere. */
export const round = (n: number): number => Math.round(n * 10) / 10

type Attributes = Readonly<Record<string, string | number>>

/** One element; `content` is SVG already. */
export function element(name: string, attributes: Attributes, content = ''): string {
  const words = Object.entries(attributes).map(
    ([key, value]) => `${key}="${typeof value === 'number' ? round(value) : escaped(value)}"`,
  )
  const open = [name, ...words].join(' ')
  return content === '' ? `<${open}/>` : `<${open}>${content}</${name}>`
}

export type Anchor = 'start' | 'middle' | 'end'

export const label = (x: number, y: number, text: string, anchor: Anchor = 'start', look = ''): string =>
  element('text', { x, y, 'text-anchor': anchor, ...(look !== '' && { class: look }) }, escaped(text))

export const line = (x1: number, y1: number, x2: number, y2: number, look: string): string =>
  element('line', { x1, y1, x2, y2, class: look })

/** Series and owners take these in turn: `c0` … `c7`. The first seven can be told apart with any colour vision. */
export const HUES = 8
export const hue = (index: number): string => `c${index % HUES}`

const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f6a00', '#888888']
const ON_DARK = ['#4aa8e0', '#ff8a3d', '#2fc79a', '#e59ac4', '#ffc233', '#8fd0f5', '#c9b648', '#aaaaaa']

const classes = (colours: readonly string[]): string =>
  colours.map((c, i) => `.c${i}{fill:${c}}.l${i}{stroke:${c};fill:none}`).join('')

const STYLE = `
.ground{fill:#ffffff}.box{fill:#f3f4f6;stroke:#c3c8d0}.bad{fill:#fdecea;stroke:#d55e00}
text{font:13px system-ui,-apple-system,Segoe UI,Roboto,sans-serif;fill:#1f2430}
.h1{font-size:18px;font-weight:600}.h2{font-size:14px;font-weight:600}.small{font-size:11.5px}
.faint{fill:#5b6472}.axis{stroke:#8a93a3}.grid{stroke:#e4e7ec}.arrow{stroke:#5b6472;fill:none;stroke-width:1.6}
.tip{fill:#5b6472}.hollow{fill:#eceff3;stroke:#c3c8d0;stroke-width:.6}
${classes(COLOURS)}
@media (prefers-color-scheme:dark){
.ground{fill:#14171c}.box{fill:#20252d;stroke:#4a5362}.bad{fill:#3a2118;stroke:#ff8a3d}
text{fill:#e6e9ef}.faint{fill:#a3adbd}.axis{stroke:#7d8799}.grid{stroke:#2a303a}.arrow{stroke:#a3adbd}
.tip{fill:#a3adbd}.hollow{fill:#20252d;stroke:#3c4452}
${classes(ON_DARK)}
}`

/** A whole document. */
export function documentOf(width: number, height: number, title: string, content: string): string {
  const attributes = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${Math.ceil(height)}`, width }
  const ground = element('rect', { width, height: Math.ceil(height), class: 'ground' })
  const body = `<title>${escaped(title)}</title><style>${STYLE}</style>${ground}${content}`
  return `${element('svg', { ...attributes, height: Math.ceil(height), role: 'img' }, body)}\n`
}
