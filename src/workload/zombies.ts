/** `.memcgfs/zombies`: removed cgroups that are still there, and why (docs/zombies.md). */
import { LISTS, listPages } from '../engine/foliolist.ts'
import { isPinned, type MemCgroup, NO_MEMCG, type Pins } from '../engine/memcg.ts'
import { keepingBytes } from '../engine/zombies.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Kernel } from '../kernel.ts'
import { pathOf } from '../tree/cgroup.ts'

/** Names of what pins a memcg, as the file prints them. */
const NAMES: Readonly<Record<keyof Pins, string>> = {
  folios: 'folios',
  slabPages: 'slab_pages',
  kernelPages: 'kernel_pages',
  caches: 'caches',
  cacheCreations: 'cache_creations',
  stock: 'stock',
  swap: 'swap',
  sockets: 'sockets',
}

/**
 * One line per removed memcg that is not freed: its last path; since when, in nanoseconds of the clock; how far it
 * got; the bytes of its own structures, about; who pays now for what is charged to it; what keeps it, as KIND:COUNT, and
 * :BYTES where it is memory.
 */
export function showZombies(out: TextBuffer, kernel: Kernel): undefined {
  const { engine, tree } = kernel
  for (const css of tree.css) {
    if (!css?.memcg || css.stage === 'online') continue
    let payer = css.parent!
    while (payer.stage !== 'online') payer = payer.parent!
    const cost = keepingBytes(engine, css.memcg)
    out.text(`${pathOf(css.cgroup)} since=${css.killedAt} stage=${css.stage} cost=${cost} `)
    out.text(`pays=${pathOf(payer.cgroup)} pins=${pinsOf(kernel, css.memcg)}`).newline()
  }
  return undefined
}

function pinsOf({ engine }: Kernel, m: MemCgroup): string {
  const bytes: Partial<Record<keyof Pins, number>> = {
    folios: pagesOnLists(engine, m) * engine.machine.pageSize,
    slabPages: m.pins.slabPages * engine.machine.pageSize,
    swap: m.pins.swap * engine.machine.pageSize,
  }
  const pins: string[] = []
  for (const [kind, name] of Object.entries(NAMES) as [keyof Pins, string][]) {
    if (m.pins[kind] === 0) continue
    pins.push(bytes[kind] === undefined ? `${name}:${m.pins[kind]}` : `${name}:${m.pins[kind]}:${bytes[kind]}`)
  }
  const children = childrenOf(engine, m)
  if (children > 0) pins.push(`children:${children}`)
  // Its references are gone; the last stages of its life take some time.
  if (!isPinned(m) && children === 0) pins.push('none')
  return pins.join(',')
}

function childrenOf(e: Kernel['engine'], m: MemCgroup): number {
  let children = 0
  for (let slot = m.firstChild; slot !== NO_MEMCG; slot = e.memcgs[slot]!.nextSibling) children++
  return children
}

function pagesOnLists(e: Kernel['engine'], m: MemCgroup): number {
  let pages = 0
  for (const list of LISTS) for (let node = 0; node < e.machine.nodes; node++) pages += listPages(e, m, node, list)
  return pages
}
