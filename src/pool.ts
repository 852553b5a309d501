/**
 * Pools: rows of numbers in one typed array, addressed by slot. What the model holds in great numbers (counters,
 * per-CPU blocks, counts of cgroups) lives here; the objects of the model hold slots. A pool is plain data, so a
 * whole simulation can be copied with `structuredClone`.
 */

export interface Pool {
  /** Numbers per row. */
  readonly stride: number
  data: Float64Array
  /** Rows handed out at least once; rows from here to the end of `data` are fresh zeroes. */
  used: number
  /** Slots given back, reused last in first out. */
  free: number[]
}

export function createPool(stride: number, rows = 16): Pool {
  return { stride, data: new Float64Array(stride * rows), used: 0, free: [] }
}

/** Takes a row, all zeroes, and returns its slot. `pool.data` may be a new array afterwards. */
export function allocRow(pool: Pool): number {
  const reused = pool.free.pop()
  if (reused !== undefined) {
    pool.data.fill(0, reused * pool.stride, (reused + 1) * pool.stride)
    return reused
  }
  const slot = pool.used++
  if ((slot + 1) * pool.stride > pool.data.length) {
    const bigger = new Float64Array(pool.data.length * 2)
    bigger.set(pool.data)
    pool.data = bigger
  }
  return slot
}

export function freeRow(pool: Pool, slot: number): void {
  pool.free.push(slot)
}
