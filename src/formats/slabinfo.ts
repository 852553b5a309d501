/** The text of /proc/slabinfo and memory.kmem.slabinfo. Kernel: mm/slab_common.c, print_slabinfo_header, cache_show. */
import type { Bytes, Pages } from '../units.ts'
import type { TextBuffer } from './text.ts'

/** A line: one cache, or several of one name added up. */
export interface SlabinfoRow {
  readonly name: string
  readonly activeObjects: number
  readonly objects: number
  readonly size: Bytes
  readonly objectsPerSlab: number
  readonly pagesPerSlab: Pages
  /** Limit, batch and shared factor of SLAB; zeroes with SLUB. */
  readonly tunables: readonly [number, number, number]
  readonly activeSlabs: number
  readonly slabs: number
  readonly sharedAvailable: number
}

export function slabinfoHeader(out: TextBuffer): void {
  out.text('slabinfo - version: 2.1\n')
  out.text('# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>')
  out.text(' : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n')
}

const padded = (values: readonly number[], width: number): string =>
  values.map(value => String(value).padStart(width)).join(' ')

export function slabinfoLine(out: TextBuffer, row: SlabinfoRow): void {
  const objects = padded([row.activeObjects, row.objects, row.size], 6)
  const perSlab = padded([row.objectsPerSlab, row.pagesPerSlab], 4)
  const slabs = padded([row.activeSlabs, row.slabs, row.sharedAvailable], 6)
  out.text(`${row.name.padEnd(17)} ${objects} ${perSlab} : tunables ${padded(row.tunables, 4)} : slabdata ${slabs}\n`)
}
