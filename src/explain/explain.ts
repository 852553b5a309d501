/**
 * The answer to "why?": of a file why it has its value, of a file or directory why the last operation on it was refused.
 * `.memcgfs/explain` and `memcgfs explain` print it; programs get it as data.
 */
import { ENOENT, type Errno, errnoName, isErrno } from '../errno.ts'
import { type AnyFeature, FEATURES, type FeatureKey } from '../profiles/features.ts'
import { snakeCase } from '../profiles/names.ts'
import { printValue } from '../profiles/print.ts'
import type { Profile } from '../profiles/profiles.ts'
import { type Cgroup, pathInMount } from '../tree/cgroup.ts'
import type { FileBlock } from '../tree/files.ts'
import { DIRECTORY_ROW, type Fact, fileKey, nameKey, type Operation, type Refused, refusedAt } from '../tree/refused.ts'
import type { Tree } from '../tree/tree.ts'
import type { ByteString, Nanoseconds } from '../units.ts'
import { all, type Explanation, type Explanations, type Subject } from './explanation.ts'
import { coreFiles, coreFilesV1, pidsFiles } from './files-core.ts'
import { memoryFiles } from './files-memory.ts'
import { memoryFilesV1 } from './files-memory-v1.ts'
import { childrenFacts, controlFacts, taskFacts, typeFacts } from './tree-facts.ts'

/** By version of the hierarchy and name of the file. */
export const EXPLANATIONS: Readonly<Record<1 | 2, Explanations>> = {
  2: { ...coreFiles, ...memoryFiles, ...pidsFiles },
  1: { ...coreFilesV1, ...memoryFilesV1, ...pidsFiles },
}

const DIRECTORY: Explanation = {
  rule: 'A cgroup. It can be removed when it has no children and no living task in it or below; what it has charged stays, and keeps it as a removed one.',
  numbers: all(taskFacts, childrenFacts, controlFacts, typeFacts),
}

const NOTHING_THERE: Explanation = { rule: 'There is nothing of that name.' }

/** A feature that decides, with its value on this kernel. */
export interface Deciding {
  readonly key: string
  readonly value: string
  readonly about: string
}

export interface Told {
  readonly rule: string
  readonly numbers: readonly Fact[]
  readonly features: readonly Deciding[]
}

export interface Refusal extends Told {
  readonly op: Operation
  /** `EBUSY`. */
  readonly errno: string
  /** What was written. */
  readonly text: ByteString
  /** How long ago. */
  readonly ago: Nanoseconds
  readonly uid: number
}

export interface Answer extends Told {
  /** From the root of the mount. */
  readonly path: ByteString
  /** Id of the kernel. */
  readonly kernel: string
  /** What was refused last, if that operation did not succeed since. */
  readonly refused?: Refusal
}

/** What a path names: a file, a directory, or a name that is free in a directory. */
interface Place {
  readonly cg: Cgroup
  readonly block: FileBlock
  /** Row of the file; DIRECTORY_ROW for the directory. */
  readonly row: number
  /** Name of the file, or of what is not there; empty for the directory. */
  readonly name: ByteString
  readonly isFree: boolean
}

/** Explains what a path from the root of the mount names. ENOENT: not even its directory is there. */
export function explain(tree: Tree, profile: Profile, path: ByteString): Answer | Errno {
  const place = findPlace(tree, path)
  if (isErrno(place)) return place
  const { cg, block, name, isFree } = place
  const refused = refusedAt(tree, isFree ? nameKey(block, name) : fileKey(block, place.row))
  if (isFree && refused === undefined) return ENOENT
  const subject: Subject = { tree, cg, css: block.css, name }
  const { rule, numbers, features = [] } = explanationOf(place)
  return {
    path: name !== '' ? `${pathInMount(cg).replace(/\/$/, '')}/${name}` : pathInMount(cg),
    kernel: profile.id,
    rule,
    numbers: numbers?.(subject) ?? [],
    features: features.map(key => deciding(profile, key)),
    ...(refused && { refused: refusalOf(tree, profile, refused) }),
  }
}

function explanationOf({ cg, name, isFree }: Place): Explanation {
  if (isFree) return NOTHING_THERE
  if (name === '') return DIRECTORY
  return EXPLANATIONS[cg.hierarchy.version][name] ?? { rule: 'There are no words for this file yet.' }
}

const deciding = (profile: Profile, key: FeatureKey): Deciding => {
  const { about }: AnyFeature = FEATURES[key]
  return { key: snakeCase(key), value: printValue(profile, key), about }
}

function refusalOf(tree: Tree, profile: Profile, { op, errno, text, at, uid, reason }: Refused): Refusal {
  return {
    op,
    errno: errnoName(errno),
    text,
    ago: tree.clock.now - at,
    uid,
    rule: reason.rule,
    numbers: reason.numbers,
    features: reason.features.map(key => deciding(profile, key)),
  }
}

/** With version 1 the first word is the directory of a hierarchy. */
function findPlace(tree: Tree, path: ByteString): Place | Errno {
  if (!path.startsWith('/')) return ENOENT
  const names = path.split('/').filter(name => name !== '')
  const [first] = tree.hierarchies
  const named = tree.hierarchies.find(({ name }) => name !== '' && name === names[0])
  const hierarchy = named ?? first
  if (hierarchy === undefined || (named === undefined && hierarchy.name !== '')) return ENOENT
  if (named !== undefined) names.shift()
  let cg = hierarchy.root
  for (const [i, name] of names.entries()) {
    const child = cg.children?.get(name)
    if (child !== undefined) cg = child
    else return i === names.length - 1 ? fileIn(tree, cg, name) : ENOENT
  }
  return { cg, block: cg.self.files!, row: DIRECTORY_ROW, name: '', isFree: false }
}

function fileIn(tree: Tree, cg: Cgroup, name: ByteString): Place {
  for (const css of [cg.self, ...cg.css]) {
    const row = css?.files ? tree.tables[css.files.table]!.index.get(name) : undefined
    if (row !== undefined) return { cg, block: css!.files!, row, name, isFree: false }
  }
  return { cg, block: cg.self.files!, row: DIRECTORY_ROW, name, isFree: true }
}
