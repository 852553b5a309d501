/** The table of kernels as data for programs: `memcgfs kernels --json`, and what its other forms print from. */
import {
  type AnyFeature,
  FEATURES,
  type FeatureKey,
  KERNEL_IDS,
  type KernelId,
  SECTIONS,
} from '../profiles/features.ts'
import { FEATURE_KEYS, featureNamed, snakeCase } from '../profiles/names.ts'
import { PRESETS } from '../profiles/presets.ts'
import { type Change, historyOf, printOwn } from '../profiles/print.ts'
import { DEFAULT_KERNEL, findProfile, GENERATIONS, type Profile } from '../profiles/profiles.ts'
import { nearest } from '../workload/grammar.ts'

export interface KernelRow {
  readonly id: KernelId
  /** The release it stands for. */
  readonly release: string
  /** What one mounts it for. */
  readonly about: string
  readonly default: boolean
}

export interface FeatureRow {
  readonly key: string
  readonly section: string
  /** What differs. */
  readonly about: string
  /** Where that was read. */
  readonly source: string
  /** The test that shows it, where it has its behaviour. */
  readonly test: string | null
  readonly modelled: boolean
  /** The step of the project that brings its behaviour, where it has none yet. */
  readonly step: number | null
  /** Why it makes no difference to this model. */
  readonly unseen: string | null
  /** What `--with KEY=VALUE` takes. */
  readonly accepts: string
  /** The values with the kernel each begins on, oldest first. */
  readonly history: readonly Change[]
  /** By kernel; null where it means nothing. */
  readonly values: Readonly<Record<string, string | null>>
  /** Kernels whose value was not read in their tree, but bracketed or recollected. */
  readonly recollected: readonly KernelId[]
}

export interface PresetRow {
  readonly setting: string
  readonly about: string
  readonly on: readonly KernelId[]
  readonly sets: Readonly<Record<string, string>>
}

export const kernelRows = (): KernelRow[] =>
  KERNEL_IDS.map(id => {
    const { releases, about } = GENERATIONS[id]
    return { id, release: releases[0]!, about, default: id === DEFAULT_KERNEL }
  })

const sectionOf = (key: FeatureKey): string => Object.entries(SECTIONS).find(([, rows]) => Object.hasOwn(rows, key))![0]

function featureRow(key: FeatureKey): FeatureRow {
  const { about, source, test, step, unseen, accepts, absent, recollected }: AnyFeature = FEATURES[key]
  return {
    key: snakeCase(key),
    section: sectionOf(key),
    about,
    source,
    test: test ?? null,
    modelled: test !== undefined,
    step: step ?? null,
    unseen: unseen ?? null,
    accepts,
    history: historyOf(key),
    values: Object.fromEntries(KERNEL_IDS.map(id => [id, absent.includes(id) ? null : printOwn(id, key)])),
    recollected,
  }
}

export const featureRows = (): FeatureRow[] => FEATURE_KEYS.map(featureRow)

export const presetRows = (): PresetRow[] =>
  PRESETS.map(({ key, value, about, on, sets }) => ({
    setting: `${key}=${value}`,
    about,
    on,
    sets: Object.fromEntries(
      Object.entries(sets).map(([name, set]) => {
        const feature: AnyFeature = FEATURES[name as FeatureKey]
        return [snakeCase(name), feature.print(set)]
      }),
    ),
  }))

/** The kernel of that id or release. */
export function findKernel(name: string): KernelRow | undefined {
  const id = findProfile(name)?.id
  return kernelRows().find(each => each.id === id)
}

/** The feature people call so. */
export function findFeature(name: string): FeatureRow | undefined {
  const key = featureNamed(name)
  return key === undefined ? undefined : featureRow(key)
}

/** The names of features nearest to one that is none. */
export const closeFeatures = (name: string): string[] => nearest(name, FEATURE_KEYS.map(snakeCase), 3)

/** Why nothing acts on a feature. */
export const whyIdle = ({ step, unseen }: FeatureRow): string =>
  step === null ? `makes no difference: ${unseen}` : `not modelled yet: step ${step} brings it`

/** What somebody should know who has switched these features: some are not modelled yet. */
export function notesOn({ switched }: Profile): string[] {
  const idle = switched.map(featureRow).filter(({ modelled }) => !modelled)
  return idle.map(row => `${row.key} is set, but ${whyIdle(row)}`)
}

/** The features in which two kernels differ. */
export const differences = (a: KernelId, b: KernelId): FeatureRow[] =>
  featureRows().filter(({ values }) => values[a] !== values[b])
