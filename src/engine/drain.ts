/** Emptying the per-CPU stocks. Kernel: mm/memcontrol.c, drain_all_stock. */
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'
import { drainObjStocksBelow } from './objstock.ts'
import { drainPageStocksBelow } from './stock.ts'

/**
 * Drains every CPU's byte and page stocks of `root` and its descendants. Bytes go first: their whole pages end up in
 * the page stock. The kernel asks the other CPUs to do it; here it happens at once (profiles.md D9).
 */
export function drainStocks(e: Engine, root: MemCgroup): void {
  drainObjStocksBelow(e, root)
  drainPageStocksBelow(e, root)
}
