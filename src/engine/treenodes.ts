/**
 * The tree that finds the pages of a file: one node for every started 64 of them. Kernel: lib/radix-tree.c, lib/xarray.c.
 *
 * A node is charged to whoever brings in the first page of it, and freed, a grace period later, with the last. Nodes of
 * higher levels, and those that only remember evictions, are left out, and so are all nodes of `bare` tasks.
 */
import type { Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import type { PageCacheFile } from './file.ts'
import type { KernelObjects } from './kmem.ts'
import { freeLater } from './names.ts'
import { firstStretch } from './pagemap.ts'

/** Pages that one node finds. Kernel: XA_CHUNK_SIZE. */
export const NODE_PAGES: Pages = 64

export interface TreeNode {
  /** Its pages begin at this times 64. */
  readonly block: number
  readonly object: KernelObjects
}

/** Index of the node of a block, or of the first one after it. */
export function nodeIndex({ nodes }: PageCacheFile, block: number): number {
  let low = 0
  let high = nodes.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (nodes[middle]!.block < block) low = middle + 1
    else high = middle
  }
  return low
}

/** Frees the nodes among pages `start … end` that find nothing any more. */
export function freeSpareNodes(e: Engine, file: PageCacheFile, start: Pages, end: Pages): void {
  const last = Math.floor((end - 1) / NODE_PAGES)
  const first = nodeIndex(file, Math.floor(start / NODE_PAGES))
  let index = first
  while (index < file.nodes.length && file.nodes[index]!.block <= last) {
    const { block, object } = file.nodes[index]!
    if (findsAnything(file, block)) index++
    else {
      freeLater(e, [object])
      file.nodes.splice(index, 1)
    }
  }
}

/** A page in memory, or on the swap device. */
function findsAnything({ cache, evicted }: PageCacheFile, block: number): boolean {
  const start = block * NODE_PAGES
  const end = start + NODE_PAGES
  if (firstStretch(cache, start, start + 1).extent !== null) return true
  if (firstStretch(cache, start, end).pages < NODE_PAGES) return true
  for (let page = start; page < end; ) {
    const { extent, pages } = firstStretch(evicted, page, end)
    if (extent?.swap) return true
    page += pages
  }
  return false
}
