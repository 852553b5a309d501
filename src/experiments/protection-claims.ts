/**
 * What the kernel's own test expects of the tree of `protection`, by generation, with its tolerances (charge-reclaim.md
 * §8.6, WE-24).
 */
import type { KernelId } from '../profiles/features.ts'
import type { Band, Claim } from './experiment.ts'

/** What is done afterwards, in words. */
export const THEN = 'then 170, which is too much: memory.min has it killed, memory.low is given up'

const BEFORE = { c: 33, d: 17 }
const SINCE = { c: 29, d: 21 }

/** MiB that C and D keep: another split since scanning goes in proportion (profiles.md D7). */
export const NOW = {
  '4.19': BEFORE,
  '5.3': BEFORE,
  '5.5': SINCE,
  '5.8': SINCE,
  '5.15': SINCE,
  '6.1': SINCE,
  '6.12': SINCE,
  '7.1': SINCE,
} as const satisfies Partial<Record<KernelId, { c: number; d: number }>>

const within = (value: number, percent: number): Band => ({
  least: value * (1 - percent / 100),
  most: value * (1 + percent / 100),
})
const exactly = (value: number): Band => ({ least: value, most: value })
const SOME: Band = { least: 1, most: Number.POSITIVE_INFINITY }

/** 2 MiB of the 200 are neither the sibling's nor protected. */
const LEFT_OVER: Band = { least: 0, most: 2 }

const claim = (id: string, what: string, unit: string, thread: string, band: Band | null): Claim => ({
  id,
  what,
  unit,
  thread,
  band,
})

const claimsOf = (kernel: KernelId, setting: 'min' | 'low', tree: { c: number; d: number }): Claim[] => {
  const of = (what: string): string => `memory.${setting} on ${kernel}: ${what}`
  const id = (name: string): string => `${name}-${setting}-${kernel}`
  const isLow = setting === 'low'
  return [
    claim(id('c'), of('C keeps'), 'MiB', String(tree.c), within(tree.c, 10)),
    claim(id('d'), of('D keeps'), 'MiB', String(tree.d), within(tree.d, 10)),
    claim(id('e'), of('E keeps'), 'MiB', '0', LEFT_OVER),
    claim(id('b'), of('all of them'), 'MiB', '50', { least: 50, most: 52 }),
    claim(id('then-b'), of('all, after 170 MiB'), 'MiB', isLow ? '30' : '50', within(isLow ? 30 : 50, 3)),
    claim(id('then-oom'), of('killed'), '', isLow ? '0' : '1', exactly(isLow ? 0 : 1)),
    ...(isLow ? (['c', 'd', 'e', 'f'] as const) : []).map(child =>
      claim(
        id(`then-events-${child}`),
        of(`events \`low\` of ${child.toUpperCase()}`),
        '',
        child < 'e' ? '> 0' : '0',
        child < 'e' ? SOME : exactly(0),
      ),
    ),
  ]
}

export const PROTECTION_CLAIMS: readonly Claim[] = Object.entries(NOW).flatMap(([kernel, kept]) =>
  (['min', 'low'] as const).flatMap(setting => claimsOf(kernel as KernelId, setting, kept)),
)
