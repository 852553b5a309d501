/**
 * What a simulated kernel is started with, as people give it: options with defaults, checked, with errors that name the
 * option, the value and what would be accepted. The command line and the API share them.
 */
import type { Machine, ModelOptions } from '../engine/machine.ts'
import { KERNEL_IDS } from '../profiles/features.ts'
import { DEFAULT_KERNEL, findProfile, GENERATIONS, nearestKernels, type Profile } from '../profiles/profiles.ts'
import type { Layout } from '../tree/hierarchy.ts'
import type { Pages } from '../units.ts'
import { OptionError, wrongValue } from './optionerror.ts'
import { readSettings, type Settings } from './settings.ts'

export { OptionError } from './optionerror.ts'

/** Options of a simulated kernel. Sizes are bytes, or text such as `8G`. */
export interface KernelOptions {
  /** Kernel generation: an id such as `6.12`, or the release it stands for. */
  readonly kernel?: string
  /** `v2`: one tree, the mount is its root. `v1`: a directory per controller. */
  readonly hierarchy?: string
  readonly cpus?: number | string
  readonly memory?: number | string
  readonly swap?: number | string
  readonly seed?: number | string
  /** `real` time goes on with the host's, `manual` time only when it is told to. */
  readonly clock?: string
  /** Single features, presets, machine and model settings: `{ slab_flush_at_offline: 'none', page_size: '64K' }`. */
  readonly with?: Settings
}

/** Everything that is decided before a kernel boots, but where it runs. */
export interface ResolvedOptions {
  readonly profile: Profile
  readonly machine: Machine
  readonly options: ModelOptions
  readonly hierarchy: Layout
  readonly swapTotal: Pages
  readonly seed: number
  readonly clock: 'real' | 'manual'
}

function wholeNumber(option: string, value: number | string, min: number, max: number): number {
  const n = typeof value === 'number' ? value : /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (Number.isInteger(n) && n >= min && n <= max) return n
  throw wrongValue(option, value, `it is a whole number from ${min} to ${max}`)
}

function oneOf<T extends string>(option: string, value: string, choices: readonly T[]): T {
  if ((choices as readonly string[]).includes(value)) return value as T
  throw wrongValue(option, value, `it is one of ${choices.join(', ')}`)
}

function profileOf(name: string): Profile {
  const profile = findProfile(name)
  if (profile !== undefined) return profile
  const nearest = nearestKernels(name).map(id => `${id} (${GENERATIONS[id].releases[0]}: ${GENERATIONS[id].about})`)
  const there = nearest.length === 0 ? `there are ${KERNEL_IDS.join(', ')}` : `nearest: ${nearest.join(', ')}`
  throw new OptionError('kernel', `kernel: no profile for ${name}; ${there}`)
}

function layoutOf(hierarchy: string, { id, features }: Profile): Layout {
  const layout = oneOf('hierarchy', hierarchy, ['v2', 'v1'])
  if (layout === 'v2' || features.v1MemoryCpusetBuilt) return layout
  throw new OptionError(
    'hierarchy',
    `hierarchy: "v1" cannot be used: this Linux ${id} is built without the memory controller of version 1; --with v1_memory_cpuset_built=yes builds it in`,
  )
}

/** Checks options and fills in the defaults: 6.12, 4 CPUs, 8 GiB of memory, 2 GiB of swap. Throws OptionError. */
export function resolveOptions(given: KernelOptions, defaultClock: 'real' | 'manual'): ResolvedOptions {
  const { profile, machine, swap, options } = readSettings(
    profileOf(given.kernel ?? DEFAULT_KERNEL),
    withMachine(given.with ?? {}, given),
  )
  return {
    profile,
    machine,
    options,
    hierarchy: layoutOf(given.hierarchy ?? 'v2', profile),
    swapTotal: Math.floor(swap / machine.pageSize),
    seed: wholeNumber('seed', given.seed ?? 1, 0, Number.MAX_SAFE_INTEGER),
    clock: oneOf('clock', given.clock ?? defaultClock, ['real', 'manual']),
  }
}

/** The keys of the machine that are options of their own are settings like the others. */
function withMachine(settings: Settings, { cpus, memory, swap }: KernelOptions): Settings {
  const all: Record<string, Settings[string]> = { ...settings }
  for (const [key, value] of Object.entries({ cpus, memory, swap })) {
    if (value === undefined) continue
    if (key in all) throw new OptionError(key, `${key}: it is given twice, as "${value}" and with ${key}=${all[key]}`)
    all[key] = value
  }
  return all
}
