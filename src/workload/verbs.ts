/**
 * The vocabulary: every verb of the language (workload.md §4). Those that are not modelled yet say which step brings
 * them.
 */
import { cacheVerbs } from './caches.ts'
import { descriptorVerbs } from './descriptors.ts'
import { holdingVerbs } from './holding.ts'
import { kernelMemoryVerbs } from './kmem.ts'
import { machineVerbs } from './machine.ts'
import { memoryVerbs } from './memory.ts'
import { nameVerbs } from './names.ts'
import { stallVerbs } from './stall.ts'
import { taskVerbs } from './tasks.ts'
import { later, type Verb } from './verb.ts'
import { waitVerbs } from './wait.ts'

const laterVerbs: readonly Verb[] = [later(4, 'burn T [load=TEXT] [for=TIME]'), later(4, 'idle T')]

export const verbs: ReadonlyMap<string, Verb> = new Map(
  [
    ...taskVerbs,
    ...memoryVerbs,
    ...holdingVerbs,
    ...nameVerbs,
    ...kernelMemoryVerbs,
    ...descriptorVerbs,
    ...cacheVerbs,
    ...machineVerbs,
    ...stallVerbs,
    ...waitVerbs,
    ...laterVerbs,
  ].map(verb => [verb.usage.verb, verb]),
)
