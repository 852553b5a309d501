/** What a figure shows, as data. How it looks is in the files beside this one. */

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** Lines over a common x axis. */
export interface LinesPanel {
  readonly kind: 'lines'
  readonly title: string
  readonly x: string
  readonly y: string
  readonly series: readonly Series[]
}

/** Groups of bars; a band is what is accepted, drawn behind the group. */
export interface BarsPanel {
  readonly kind: 'bars'
  readonly title: string
  readonly y: string
  /** Names of the bars of every group. */
  readonly bars: readonly string[]
  readonly groups: readonly {
    readonly name: string
    readonly values: readonly number[]
  }[]
}

/** Slabs as small boxes, filled by whom their objects belong to. */
export interface SlabsPanel {
  readonly kind: 'slabs'
  readonly title: string
  readonly caption: string
  /** Objects that fit into one slab. */
  readonly capacity: number
  readonly slabs: readonly SlabPicture[]
}

/** Objects of one slab by owner, most first. */
export type SlabPicture = readonly { readonly owner: number; readonly objects: number }[]

/** Threads as boxes in a ring, with arrows to whom they wait for. */
export interface WaitsPanel {
  readonly kind: 'waits'
  readonly title: string
  readonly threads: readonly {
    readonly id: string
    readonly lines: readonly string[]
    readonly stuck: boolean
  }[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly label: string }[]
}

export type Panel = LinesPanel | BarsPanel | SlabsPanel | WaitsPanel

export interface Figure {
  readonly title: string
  readonly panels: readonly Panel[]
}
