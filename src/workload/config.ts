/**
 * The keys of a kernel (profiles.md §2): what its generation is, what machine it runs on, what the model chooses.
 * Only the last can be changed while it runs.
 */
import type { ModelOptions } from '../engine/machine.ts'
import { EINVAL, EROFS } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { type AnyFeature, FEATURES, type FeatureKey, FLAG } from '../profiles/features.ts'
import type { ByteString } from '../units.ts'
import { Refusal } from './args.ts'
import { nearest } from './grammar.ts'

/** `batchPages` → `batch_pages`. */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`)

interface OptionKey {
  readonly name: keyof ModelOptions
  readonly accepts: string
  /** Fixed at mount. */
  readonly fixed?: boolean
  readonly parse: (text: string) => ModelOptions[keyof ModelOptions] | undefined
}

const whole = (text: string): number | undefined => (/^\d{1,9}$/.test(text) ? Number(text) : undefined)

export const OPTION_KEYS: readonly OptionKey[] = [
  { name: 'reclaim', accepts: 'ideal', fixed: true, parse: text => (text === 'ideal' ? text : undefined) },
  { name: 'taskOverhead', accepts: 'yes, no', parse: FLAG.parse },
  {
    name: 'cacheObjects',
    accepts: 'measured, reference',
    fixed: true,
    parse: text => (text === 'measured' || text === 'reference' ? text : undefined),
  },
  { name: 'rcuMs', accepts: 'milliseconds from 0 up', parse: whole },
  { name: 'workMs', accepts: 'milliseconds from 0 up', parse: whole },
  { name: 'rstatMs', accepts: 'milliseconds from 0 up', parse: whole },
]

const print = (value: unknown): string => (typeof value === 'boolean' ? FLAG.print(value) : String(value))

/** Every key with its value, features first. */
export function configOf(kernel: Kernel): [string, string][] {
  const { profile, machine, options, seed } = kernel.setup
  const features = (Object.keys(FEATURES) as FeatureKey[]).map((key): [string, string] => {
    const feature: AnyFeature = FEATURES[key]
    return [snakeCase(key), feature.print(profile.features[key])]
  })
  const rows = (values: object): [string, string][] =>
    Object.entries(values).map(([name, value]) => [snakeCase(name), print(value)])
  return [
    ...features,
    ...rows({ ...machine, swap: kernel.engine.swapTotal * machine.pageSize, seed }),
    ...rows(options),
  ]
}

/** Sets one `key=value`; what was set, or why not. */
export function setConfig(kernel: Kernel, text: ByteString): string | Refusal {
  const match = /^([a-z0-9_]+)=(.*)$/.exec(text)
  if (match === null) return new Refusal(EINVAL, `"${text}": a setting is key=value`)
  const [, key, value] = match as unknown as [string, string, string]
  const keys = configOf(kernel).map(([name]) => name)
  if (!keys.includes(key))
    return new Refusal(EINVAL, `there is no key ${key}; close are ${nearest(key, keys, 3).join(', ')}`)
  const option = OPTION_KEYS.find(each => snakeCase(each.name) === key)
  if (option === undefined || option.fixed)
    return new Refusal(EROFS, `${key} is fixed when the kernel is mounted: memcgfs mount --with ${key}=${value}`)
  const parsed = option.parse(value)
  if (parsed === undefined) return new Refusal(EINVAL, `${key}=${value}: it takes ${option.accepts}`)
  Object.assign(kernel.setup.options, { [option.name]: parsed })
  return `${key}=${print(parsed)}`
}
