/**
 * A verb's usage line is its definition: which words it takes, which are optional, what each must be.
 *
 *     anon T REGION SIZE [order=0|9] [untouched] charge
 *
 * Capital words are positions, by the kind of thing that stands there; `[key=…]` and `[word]` may follow in any order;
 * `charge` stands for the keys that every charging verb knows.
 */
import { assert } from '../assert.ts'

/** What may stand at a position. */
export const KINDS = [
  'T',
  'ID',
  'CGROUP',
  'REGION',
  'FILE',
  'WHAT',
  'FS',
  'SIZE',
  'BYTES',
  'OFF',
  'LEN',
  'COUNT',
  'ORDER',
  'N',
  'TIME',
  'ZOMBIE',
  'WHO',
  'WHERE',
  'SETTING',
  'TEXT',
] as const
export type Kind = (typeof KINDS)[number]

/** Keys that verbs know, with the kind of value each takes: words to choose from, or a kind. */
export interface KeyUsage {
  readonly name: string
  readonly value: string
}

export interface Usage {
  readonly text: string
  readonly verb: string
  readonly required: readonly Kind[]
  readonly optional: readonly Kind[]
  /** The last position takes all words that are left. */
  readonly rest: boolean
  readonly flags: readonly string[]
  readonly keys: readonly KeyUsage[]
}

const CHARGE_KEYS: readonly KeyUsage[] = [
  { name: 'gfp', value: 'GFP' },
  { name: 'cpu', value: 'CPUS' },
  { name: 'node', value: 'N' },
]

const isKind = (word: string): word is Kind => (KINDS as readonly string[]).includes(word)

export function parseUsage(text: string): Usage {
  const [verb, ...words] = text.match(/\[[^\]]*\]|\S+/g)!
  const required: Kind[] = []
  const optional: Kind[] = []
  const flags: string[] = []
  const keys: KeyUsage[] = []
  let rest = false
  for (const word of words) {
    const inner = word.startsWith('[') ? word.slice(1, -1) : word
    const key = /^([a-z_]+)=(.+)$/.exec(inner)
    if (inner === 'charge') keys.push(...CHARGE_KEYS)
    else if (key !== null) keys.push({ name: key[1]!, value: key[2]! })
    else if (inner.endsWith('…')) {
      rest = true
      required.push('TEXT')
    } else if (isKind(inner)) (word === inner ? required : optional).push(inner)
    else {
      assert(word !== inner || /^[a-z|-]+$/.test(inner), `usage of ${verb}: what is ${word}?`)
      flags.push(...inner.split('|'))
    }
  }
  return { text, verb: verb!, required, optional, rest, flags, keys }
}
