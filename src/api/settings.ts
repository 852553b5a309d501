/**
 * Settings as people give them, KEY=VALUE: features of a kernel, presets of several, the machine, the model. Presets are
 * read first, so that single keys hold whatever the order (profiles.md §4.3).
 */
import type { Machine, ModelOptions } from '../engine/machine.ts'
import { type AnyFeature, FEATURES, type FeatureKey, type Features } from '../profiles/features.ts'
import { FEATURE_KEYS, featureNamed, snakeCase } from '../profiles/names.ts'
import { PRESETS } from '../profiles/presets.ts'
import type { Profile } from '../profiles/profiles.ts'
import { refusal } from '../profiles/refusals.ts'
import type { Bytes } from '../units.ts'
import { nearest } from '../workload/grammar.ts'
import { type AnyKey, LATER_OPTIONS, MACHINE_KEYS, OPTION_KEYS, usual } from '../workload/keys.ts'
import { OptionError, wrongValue } from './optionerror.ts'

export type Settings = Readonly<Record<string, string | number | boolean>>

/** What is decided once all settings are read. */
export interface Chosen {
  readonly profile: Profile
  readonly machine: Machine
  readonly swap: Bytes
  readonly options: ModelOptions
}

/** Reads the settings for a kernel. Throws OptionError. */
export function readSettings(profile: Profile, settings: Settings): Chosen {
  const features: Record<string, unknown> = { ...profile.features }
  const machine = usual(MACHINE_KEYS) as Record<string, unknown> & { swap: Bytes }
  const options = usual<ModelOptions>(OPTION_KEYS)
  const singly = new Set<FeatureKey>()
  const switched = new Set<FeatureKey>()
  for (const [key, value] of Object.entries(settings)) {
    const sets = presetFor(profile, key, String(value))
    for (const name of Object.keys(sets) as FeatureKey[]) switched.add(name)
    Object.assign(features, sets)
  }
  for (const [key, value] of Object.entries(settings)) {
    const text = String(value)
    if (isPreset(key, text)) continue
    const feature = featureNamed(key)
    if (feature !== undefined) {
      features[feature] = readFeature(key, feature, text)
      singly.add(feature)
      switched.add(feature)
      continue
    }
    const place = keyNamed(MACHINE_KEYS, key) === undefined ? options : machine
    const found = keyNamed(MACHINE_KEYS, key) ?? keyNamed(OPTION_KEYS, key)
    if (found === undefined) throw unknownKey(key)
    Object.assign(place, { [found[0]]: readKey(key, found[1], text) })
  }
  if (machine.allocator === 'slab' && (machine.nodes as number) > 1 && !singly.has('slabFirstTry'))
    // SLAB tries the wanted node without waiting. Kernel: mm/slab.c gfp_exact_node; 4.1 and later.
    features.slabFirstTry = 'no-wait'
  const { swap, ...rest } = { ...machine, psi: features.psi }
  const chosen = {
    profile: {
      ...profile,
      features: Object.freeze(features) as unknown as Features,
      switched: FEATURE_KEYS.filter(key => switched.has(key)),
    },
    machine: rest as unknown as Machine,
    swap,
    options,
  }
  const why = refusal({
    id: profile.id,
    features: chosen.profile.features,
    singly,
    allocator: chosen.machine.allocator,
  })
  if (why !== undefined) throw new OptionError('with', `with: ${why}`)
  return chosen
}

const isPreset = (key: string, value: string): boolean =>
  PRESETS.some(preset => preset.key === key && preset.value === value)

/** What a preset sets; nothing if the setting is none. */
function presetFor(profile: Profile, key: string, value: string): Partial<Features> {
  const preset = PRESETS.find(each => each.key === key && each.value === value)
  if (preset === undefined) {
    const values = PRESETS.filter(each => each.key === key).map(each => each.value)
    if (values.length === 0 || featureNamed(key) !== undefined) return {}
    throw wrongValue(key, value, `it is one of ${values.join(', ')}`)
  }
  if (preset.on.includes(profile.id)) return preset.sets
  const where = `${preset.on[0]} to ${preset.on.at(-1)}`
  throw new OptionError(
    key,
    `with: ${key}=${value} is a setting of ${where}, not of ${profile.id}: ${preset.otherwise}`,
  )
}

function keyNamed(keys: Readonly<Record<string, AnyKey>>, name: string): [string, AnyKey] | undefined {
  return Object.entries(keys).find(([each]) => snakeCase(each) === name)
}

function readFeature(name: string, key: FeatureKey, text: string): unknown {
  const feature: AnyFeature = FEATURES[key]
  const value = feature.parse(text)
  if (value !== undefined) return value
  const presets = PRESETS.filter(each => each.key === name).map(each => `, ${each.value}`)
  throw wrongValue(name, text, `it is ${feature.accepts}${presets.join('')}`)
}

/** The value of a key of the machine or the model. */
function readKey(option: string, { kind }: AnyKey, text: string): unknown {
  const value = kind.parse(text)
  if (value === undefined) throw wrongValue(option, text, `it is ${kind.accepts}`)
  return value
}

function unknownKey(key: string): OptionError {
  const later = Object.keys(LATER_OPTIONS).find(name => snakeCase(name) === key)
  if (later !== undefined)
    return new OptionError(key, `with: ${key} is not modelled yet: step ${LATER_OPTIONS[later]} brings it`)
  const known = new Set([
    ...[...FEATURE_KEYS, ...Object.keys(MACHINE_KEYS), ...Object.keys(OPTION_KEYS)].map(snakeCase),
    ...PRESETS.map(preset => preset.key),
  ])
  return new OptionError(key, `with: there is no key "${key}"; close are ${nearest(key, [...known], 3).join(', ')}`)
}
