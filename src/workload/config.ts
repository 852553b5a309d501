/**
 * The keys of a running kernel (profiles.md §2): what its generation is, what machine it runs on, what the model
 * chooses. Only the last can be changed while it runs, and not all of that.
 */
import { EINVAL, EOPNOTSUPP, EROFS } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { FEATURE_KEYS, snakeCase } from '../profiles/names.ts'
import { printValue } from '../profiles/print.ts'
import type { ByteString } from '../units.ts'
import { Refusal } from './args.ts'
import { nearest } from './grammar.ts'
import { type AnyKey, LATER_OPTIONS, MACHINE_KEYS, OPTION_KEYS } from './keys.ts'

type Rows = [string, string][]

/** Every key with its value, features first. */
export function configOf(kernel: Kernel): Rows {
  const { profile, machine, options, seed } = kernel.setup
  const swap = kernel.engine.swapTotal * machine.pageSize
  const features = FEATURE_KEYS.map((key): [string, string] => [snakeCase(key), printValue(profile, key)])
  return [
    ...features,
    ...rows(MACHINE_KEYS, { ...machine, swap }),
    ['seed', String(seed)],
    ...rows(OPTION_KEYS, options),
  ]
}

const rows = (keys: Readonly<Record<string, AnyKey>>, values: object): Rows =>
  Object.entries(keys).map(([name, { kind }]) => [
    snakeCase(name),
    kind.print((values as Readonly<Record<string, unknown>>)[name]),
  ])

/** Sets one `key=value`; what was set, or why not. */
export function setConfig(kernel: Kernel, text: ByteString): string | Refusal {
  const match = /^([a-z0-9_]+)=(.*)$/.exec(text)
  if (match === null) return new Refusal(EINVAL, `"${text}": a setting is key=value`)
  const [, key, value] = match as unknown as [string, string, string]
  const later = Object.keys(LATER_OPTIONS).find(name => snakeCase(name) === key)
  if (later !== undefined)
    return new Refusal(EOPNOTSUPP, `${key} is not modelled yet: step ${LATER_OPTIONS[later]} brings it`)
  const keys = configOf(kernel).map(([name]) => name)
  if (!keys.includes(key))
    return new Refusal(EINVAL, `there is no key ${key}; close are ${nearest(key, keys, 3).join(', ')}`)
  const option = Object.entries<AnyKey>(OPTION_KEYS).find(([name]) => snakeCase(name) === key)
  if (option === undefined || option[1].fixed)
    return new Refusal(EROFS, `${key} is fixed when the kernel is mounted: memcgfs mount --with ${key}=${value}`)
  const [name, { kind }] = option
  const parsed = kind.parse(value)
  if (parsed === undefined) return new Refusal(EINVAL, `${key}=${value}: it is ${kind.accepts}`)
  Object.assign(kernel.setup.options, { [name]: parsed })
  return `${key}=${kind.print(parsed)}`
}
