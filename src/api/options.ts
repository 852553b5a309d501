/**
 * What a simulated kernel is started with, as people give it: options with defaults, checked, with errors that name the
 * option, the value and what would be accepted. The command line and the API share them.
 */
import type { Machine, ModelOptions } from '../engine/machine.ts'
import { type AnyFeature, FEATURES, type FeatureKey, type Features, FLAG, KERNEL_IDS } from '../profiles/features.ts'
import { DEFAULT_KERNEL, findProfile, MOUNTABLE_IDS, type Profile } from '../profiles/profiles.ts'
import type { Bytes, Pages } from '../units.ts'
import { OPTION_KEYS, snakeCase } from '../workload/config.ts'
import { nearest, parseWorkloadSize } from '../workload/grammar.ts'

/** Options of a simulated kernel. Sizes are bytes, or text such as `8G`. */
export interface KernelOptions {
  /** Kernel generation: an id such as `6.12`, or the release it stands for. */
  readonly kernel?: string
  readonly hierarchy?: string
  readonly cpus?: number | string
  readonly memory?: number | string
  readonly swap?: number | string
  readonly seed?: number | string
  /** `real` time goes on with the host's, `manual` time only when it is told to. */
  readonly clock?: string
  /** Single features, machine and model settings: `{ rcu_ms: 5 }`. */
  readonly with?: Readonly<Record<string, string | number | boolean>>
}

/** An option that cannot be used, in words for people. */
export class OptionError extends Error {
  readonly option: string
  constructor(option: string, message: string) {
    super(message)
    this.name = 'OptionError'
    this.option = option
  }
}

/** Everything that is decided before a kernel boots, but where it runs. */
export interface ResolvedOptions {
  readonly profile: Profile
  readonly machine: Machine
  readonly options: ModelOptions
  readonly swapTotal: Pages
  readonly seed: number
  readonly clock: 'real' | 'manual'
}

const PAGE_SIZE: Bytes = 4096
const MAX_CPUS = 512

const wrong = (option: string, value: unknown, accepted: string): OptionError =>
  new OptionError(option, `${option}: "${value}" cannot be used; ${accepted}`)

function wholeNumber(option: string, value: number | string, min: number, max: number): number {
  const n = typeof value === 'number' ? value : /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (Number.isInteger(n) && n >= min && n <= max) return n
  throw wrong(option, value, `a whole number from ${min} to ${max} is wanted`)
}

function size(option: string, value: number | string): Bytes {
  const bytes = typeof value === 'number' ? value : parseWorkloadSize(value, PAGE_SIZE)
  if (bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= 0) return bytes
  throw wrong(option, value, 'a size is wanted: bytes, or a number with K, M, G or T, such as 8G')
}

function oneOf<T extends string>(option: string, value: string, choices: readonly T[]): T {
  if ((choices as readonly string[]).includes(value)) return value as T
  throw wrong(option, value, `it is one of ${choices.join(', ')}`)
}

function profileOf(name: string): Profile {
  const profile = findProfile(name)
  if (profile !== undefined) return profile
  const known = (KERNEL_IDS as readonly string[]).includes(name)
  const why = known ? 'that kernel is not modelled yet' : 'there is no profile of that kernel'
  throw new OptionError('kernel', `kernel: "${name}": ${why}; available: ${MOUNTABLE_IDS.join(', ')}`)
}

const MACHINE_FLAGS = ['zswap', 'psi', 'thp', 'numaBalancing', 'swapAccounting'] as const
const MACHINE_NUMBERS = { nodes: [1, 64], hz: [100, 1000] } as const

/** Checks options and fills in the defaults: 6.12, 4 CPUs, 8 GiB of memory, 2 GiB of swap. Throws OptionError. */
export function resolveOptions(given: KernelOptions, defaultClock: 'real' | 'manual'): ResolvedOptions {
  const profile = profileOf(given.kernel ?? DEFAULT_KERNEL)
  oneOf('hierarchy', given.hierarchy ?? 'v2', ['v2'])
  const machine: { -readonly [K in keyof Machine]: Machine[K] } = {
    cpus: wholeNumber('cpus', given.cpus ?? 4, 1, MAX_CPUS),
    nodes: 1,
    memory: size('memory', given.memory ?? '8G'),
    pageSize: PAGE_SIZE,
    hz: 250,
    allocator: 'slub',
    zswap: false,
    psi: true,
    thp: true,
    numaBalancing: true,
    swapAccounting: true,
  }
  const options: ModelOptions = {
    reclaim: 'ideal',
    taskOverhead: true,
    cacheCreateBypass: 1,
    cacheObjects: 'measured',
    rcuMs: 20,
    workMs: 1,
    rstatMs: 2000,
  }
  const features: Record<string, unknown> = { ...profile.features }
  for (const [key, value] of Object.entries(given.with ?? {}))
    applyWith(key, String(value), { machine, options, features })
  return {
    profile: { ...profile, features: Object.freeze(features) as unknown as Features },
    machine,
    options,
    swapTotal: Math.floor(size('swap', given.swap ?? '2G') / PAGE_SIZE),
    seed: wholeNumber('seed', given.seed ?? 1, 0, Number.MAX_SAFE_INTEGER),
    clock: oneOf('clock', given.clock ?? defaultClock, ['real', 'manual']),
  }
}

interface Targets {
  readonly machine: { -readonly [K in keyof Machine]: Machine[K] }
  readonly options: ModelOptions
  readonly features: Record<string, unknown>
}

/** One `--with KEY=VALUE`. */
function applyWith(key: string, value: string, { machine, options, features }: Targets): void {
  const option = `with ${key}`
  const flag = MACHINE_FLAGS.find(each => snakeCase(each) === key)
  if (flag !== undefined) {
    machine[flag] = yesNo(option, value)
    return
  }
  if (key === 'nodes' || key === 'hz') {
    const [min, max] = MACHINE_NUMBERS[key]
    machine[key] = wholeNumber(option, value, min, max)
    return
  }
  const choice = OPTION_KEYS.find(each => snakeCase(each.name) === key)
  if (choice !== undefined) {
    const parsed = choice.parse(value)
    if (parsed === undefined) throw wrong(option, value, `it takes ${choice.accepts}`)
    Object.assign(options, { [choice.name]: parsed })
    return
  }
  const feature = (Object.keys(FEATURES) as FeatureKey[]).find(each => snakeCase(each) === key)
  if (feature === undefined) {
    const known = [...Object.keys(FEATURES), ...MACHINE_FLAGS, 'nodes', 'hz', ...OPTION_KEYS.map(({ name }) => name)]
    throw new OptionError(
      option,
      `with: there is no key "${key}"; close are ${nearest(key, known.map(snakeCase), 3).join(', ')}`,
    )
  }
  features[feature] = featureValue(option, feature, value)
}

function yesNo(option: string, value: string): boolean {
  const flag = FLAG.parse(value)
  if (flag === undefined) throw wrong(option, value, `it is ${FLAG.accepts}`)
  return flag
}

function featureValue(option: string, key: FeatureKey, value: string): unknown {
  const feature: AnyFeature = FEATURES[key]
  const parsed = feature.parse(value)
  if (parsed === undefined) throw wrong(option, value, `it is ${feature.accepts}`)
  return parsed
}
