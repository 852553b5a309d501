/**
 * When quantities of the `memory` rows count as the recorded ones: within a tenth, or within what the stocks of four CPUs
 * may hold. Identities between lines of memory.stat hold here where they held there. A recorded program also faults in a
 * few pages of its own, which a simulated task does not: that is within the band.
 */
import type { ByteString } from '../../src/units.ts'
import type { Recording } from './recording.ts'

const SHARE = 0.1
const PAGES = 64 * 4
const PAGE = 4096

/** Lines of memory.stat that count events or pages; all others are bytes. */
const COUNTS = /^(pg|workingset_|thp_|numa_|zsw|swp|oom)/

/** The recorded 6.12 ran MGLRU, which is not modelled: how much it looked at, and which list a page is on, by shape. */
const OF_MGLRU = /^(workingset_|pgscan|pgsteal|pgrefill|pgactivate|pgdeactivate|(in)?active_)/

const isNear = (recorded: number, got: number, slack: number): boolean =>
  Math.abs(got - recorded) <= Math.max(slack, recorded * SHARE)

type Keyed = ReadonlyMap<string, number>

/** Numbers by their line, and in memory.numa_stat by line and node: `anon 4096`, `anon N0=4096`. */
const keyed = (text: ByteString): Keyed =>
  new Map(
    text.split('\n').flatMap(line => {
      const [name = '', ...values] = line.split(/[ =]/)
      if (values.length === 1) return [[name, Number(values[0])] as const]
      return values.flatMap((node, i) => (i % 2 === 0 ? [[`${name} ${node}`, Number(values[i + 1])] as const] : []))
    }),
  )

/** Sums that are equal wherever statistics are up to date: a name in front of `-` is subtracted. */
const IDENTITIES: readonly (readonly [whole: readonly string[], parts: readonly string[]])[] = [
  [['slab'], ['slab_reclaimable', 'slab_unreclaimable']],
  [['pgscan'], ['pgscan_kswapd', 'pgscan_direct', 'pgscan_khugepaged']],
  [['pgsteal'], ['pgsteal_kswapd', 'pgsteal_direct', 'pgsteal_khugepaged']],
  [
    ['anon', 'file'],
    ['inactive_anon', 'active_anon', 'inactive_file', 'active_file', 'unevictable'],
  ],
]

/** Where the lines have other names, as on version 1, nothing is said. */
function holds(stat: Keyed, [whole, parts]: (typeof IDENTITIES)[number]): boolean {
  if (!whole.every(name => stat.has(name))) return false
  const sum = (names: readonly string[]): number => names.reduce((total, name) => total + (stat.get(name) ?? 0), 0)
  return sum(whole) === sum(parts)
}

/** Lines that differ by more than the band allows, or identities that hold there and not here; nothing if all agrees. */
function outside(recording: Recording['rows'], recorded: ByteString, got: ByteString): string[] {
  const theirs = keyed(recorded)
  const ours = keyed(got)
  if ([...theirs.keys()].join() !== [...ours.keys()].join()) return ['other lines']
  const far = [...theirs].filter(([key, value]) => {
    if (recording === '6.12-v2' && OF_MGLRU.test(key)) return false
    return !isNear(value, ours.get(key)!, COUNTS.test(key) ? PAGES : PAGES * PAGE)
  })
  const broken = IDENTITIES.filter(identity => holds(theirs, identity) && !holds(ours, identity))
  return [
    ...far.map(([key, value]) => `${key} ${value}, here ${ours.get(key)}`),
    ...broken.map(([whole, parts]) => `${whole.join(' + ')} is not ${parts.join(' + ')}`),
  ]
}

const NUMBER = /^\d+\n$/
const NUMBERS = /^memory\.((swap\.)?(current|peak)|((memsw|kmem|kmem\.tcp)\.)?(max_)?usage_in_bytes)$/
const STATISTICS = /^memory\.(numa_)?stat$/

/** What does not agree in the text of a file; undefined where quantities are no matter of it. */
export function quantitiesOutside(
  file: string,
  recording: Recording['rows'],
  recorded: ByteString,
  got: ByteString,
): string[] | undefined {
  if (STATISTICS.test(file)) return outside(recording, recorded, got)
  if (!NUMBERS.test(file)) return undefined
  const agrees = NUMBER.test(recorded) && NUMBER.test(got) && isNear(Number(recorded), Number(got), PAGES * PAGE)
  return agrees ? [] : [`${recorded.trim()}, here ${got.trim()}`]
}
