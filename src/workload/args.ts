/**
 * The words of a line, checked against the usage of its verb and turned into what they name, before anything changes.
 */
import { GFP_MODIFIERS, GFP_NAMES, type Gfp, parseGfp } from '../engine/gfp.ts'
import { EACCES, EINVAL, ENOENT, type Errno, ESRCH } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { type Cgroup, isDescendantOf, pathOf } from '../tree/cgroup.ts'
import type { Credentials } from '../tree/controller.ts'
import { cgroupOf, type Task } from '../tree/task.ts'
import type { ByteString, Cpu, Nanoseconds } from '../units.ts'
import { isName, type Line, nearest, parseList, parsePercent, parseTime, parseWorkloadSize } from './grammar.ts'
import type { KeyUsage, Kind, Usage } from './usage.ts'

/** Why a line was not done. */
export class Refusal {
  readonly errno: Errno
  /** For people: what was found, and what would be accepted. */
  readonly why: string
  constructor(errno: Errno, why: string) {
    this.errno = errno
    this.why = why
  }
}

/** In what surroundings a line is run. */
export interface Surroundings {
  readonly kernel: Kernel
  /** The cgroup whose `do` it was written to. */
  readonly here: Cgroup
  readonly opener: Credentials
}

type Value = ByteString | number | Task | Cgroup | readonly number[] | 'global' | 'all'

/** The checked words of a line. A getter may only be asked for what the verb's usage has. */
export class Args {
  readonly #values = new Map<string, Value>()
  readonly #flags = new Set<string>()

  set(name: string, value: Value): void {
    this.#values.set(name, value)
  }

  setFlag(name: string): void {
    this.#flags.add(name)
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  flag(name: string): boolean {
    return this.#flags.has(name)
  }

  text(name: string): ByteString {
    return this.#values.get(name) as ByteString
  }

  number(name: string): number {
    return this.#values.get(name) as number
  }

  task(name = 'T'): Task {
    return this.#values.get(name) as Task
  }

  cgroup(name = 'CGROUP'): Cgroup {
    return this.#values.get(name) as Cgroup
  }

  /** The CPUs of `cpu=`, if given. */
  cpus(): readonly Cpu[] | undefined {
    return this.#values.get('cpu') as readonly Cpu[] | undefined
  }
}

/** Checks the words of a line against a usage. */
export function checkWords(line: Line, usage: Usage, around: Surroundings): Args | Refusal {
  const args = new Args()
  const expected = [...usage.required, ...usage.optional]
  const seen = new Set<string>()
  const given: ByteString[] = []
  for (const word of line.words) {
    if (word.key !== undefined && !expected.includes('SETTING')) {
      const key = usage.keys.find(each => each.name === word.key)
      if (key === undefined) return unknownKey(word.key, usage)
      if (seen.has(word.key)) return new Refusal(EINVAL, `${word.key}= is given twice`)
      seen.add(word.key)
      const value = checkKey(key, word.value, around)
      if (value instanceof Refusal) return value
      args.set(key.name, value)
    } else if (usage.flags.includes(word.value)) args.setFlag(word.value)
    else given.push(word.key === undefined ? word.value : `${word.key}=${word.value}`)
  }
  if (usage.rest) {
    args.set('TEXT', given.join(' '))
    return args
  }
  if (given.length < usage.required.length)
    return new Refusal(EINVAL, `${usage.required[given.length]} is missing; usage: ${usage.text}`)
  if (given.length > expected.length)
    return new Refusal(EINVAL, `"${given[expected.length]}" is one word too many; usage: ${usage.text}`)
  for (const [i, word] of given.entries()) {
    const kind = expected[i]!
    const value = checkWord(kind, word, around)
    if (value instanceof Refusal) return value
    args.set(kind, value)
  }
  return args
}

function unknownKey(key: string, usage: Usage): Refusal {
  const known = usage.keys.map(each => `${each.name}=`)
  if (known.length === 0)
    return new Refusal(EINVAL, `${usage.verb} knows no keys; a word with "=" in it must be quoted`)
  return new Refusal(EINVAL, `key "${key}=" is not known; ${usage.verb} knows ${known.join(' ')}`)
}

const wrong = (found: ByteString, wanted: string): Refusal => new Refusal(EINVAL, `"${found}": ${wanted}`)

function checkWord(kind: Kind, word: ByteString, around: Surroundings): Value | Refusal {
  const { pageSize } = around.kernel.setup.machine
  switch (kind) {
    case 'T':
      return livingTask(word, around)
    case 'ZOMBIE':
      return findTask(word, around)
    case 'WHO':
      return word === 'all' ? 'all' : livingTask(word, around)
    case 'ID':
    case 'REGION':
      return isName(word) ? word : wrong(word, 'a name is a letter or _ and up to 63 letters, digits, _ . or -')
    case 'CGROUP':
      return findCgroup(word, around)
    case 'WHERE':
      return word === 'global' ? 'global' : findCgroup(word, around)
    case 'FILE':
    case 'WHAT':
      return word.length > 0 && word.length <= 255 && !word.includes('/')
        ? word
        : wrong(word, 'a file name has 1 to 255 bytes and no "/"')
    case 'SIZE':
    case 'OFF':
    case 'LEN':
      return parseWorkloadSize(word, pageSize) ?? wrong(word, 'a size is N, NK, NM, NG, NT (bytes) or Np (pages)')
    case 'BYTES':
      return word === '-'
        ? 0
        : (parseWorkloadSize(word, pageSize) ?? wrong(word, 'an object size is bytes, or - with cache='))
    case 'COUNT':
      return /^[1-9]\d{0,9}$/.test(word) ? Number(word) : wrong(word, 'a count is a whole number from 1 up')
    case 'ORDER':
      return /^([0-9]|10)$/.test(word) ? Number(word) : wrong(word, 'an order is 0 to 10')
    case 'N':
      return /^-?\d{1,9}$/.test(word) ? Number(word) : wrong(word, 'a whole number is wanted')
    case 'TIME':
      return timeOf(word)
    case 'FS':
    case 'SETTING':
    case 'TEXT':
      return word
  }
}

/** A bare number is milliseconds. */
function timeOf(word: ByteString): Nanoseconds | Refusal {
  const time = parseTime(/^\d+$/.test(word) ? `${word}ms` : word)
  return time ?? wrong(word, 'a time is a number with ns, us, ms, s, m or h')
}

function checkKey(key: KeyUsage, value: ByteString, around: Surroundings): Value | Refusal {
  const { machine } = around.kernel.setup
  switch (key.value) {
    case 'GFP':
      return (
        (parseGfp(value) as Gfp | undefined) ??
        wrong(value, `gfp= is one of ${GFP_NAMES.join(', ')} with any of ${GFP_MODIFIERS.join(' ')}`)
      )
    case 'CPUS': {
      const cpus = parseList(value)
      const isHere = cpus?.every(cpu => cpu < machine.cpus)
      return isHere ? cpus! : wrong(value, `cpu= is a list of CPUs 0 to ${machine.cpus - 1}, such as 0-1`)
    }
    case 'N':
      return /^-?\d{1,9}$/.test(value) ? Number(value) : wrong(value, `${key.name}= is a whole number`)
    case 'BYTES':
      return parseWorkloadSize(value, machine.pageSize) ?? wrong(value, `${key.name}= is a size`)
    case 'TIME': {
      const time = parseTime(value)
      return time ?? wrong(value, `${key.name}= is a time with its unit, such as 2s`)
    }
    case 'PERCENT':
      return parsePercent(value) ?? wrong(value, `${key.name}= is a share from 0% to 100%, such as 12.5%`)
    case 'TEXT':
      return value
    case 'T':
      return livingTask(value, around)
    default: {
      const choices = key.value.split('|')
      return choices.includes(value) ? value : wrong(value, `${key.name}= is one of ${choices.join(', ')}`)
    }
  }
}

function findTask(word: ByteString, around: Surroundings): Task | Refusal {
  const { tree } = around.kernel
  const task = /^\d+$/.test(word) ? tree.tasks.get(Number(word)) : tree.tasksByName.get(word)
  if (task === undefined) {
    const [close] = nearest(word, [...tree.tasksByName.keys()])
    return new Refusal(ESRCH, `there is no task ${word}${close ? `; did you mean ${close}?` : ''}`)
  }
  const at = cgroupOf(task)
  return isReachable(at, around) ? task : new Refusal(EACCES, `${word} is in ${pathOf(at)}, outside of this directory`)
}

function livingTask(word: ByteString, around: Surroundings): Task | Refusal {
  const task = findTask(word, around)
  if (task instanceof Refusal || task.state === 'alive') return task
  return new Refusal(ESRCH, `${word} has exited`)
}

/** Who is not the administrator reaches only what is at or below the directory of this `do`. */
const isReachable = (cg: Cgroup, { here, opener }: Surroundings): boolean =>
  opener.privileged || isDescendantOf(cg, here)

/** `memory:/x/y` names a hierarchy of version 1; without one the path is in the hierarchy of this `do`. */
function findCgroup(word: ByteString, around: Surroundings): Cgroup | Refusal {
  const { here, kernel } = around
  const named = kernel.tree.hierarchies.find(({ name }) => name !== '' && word.startsWith(`${name}:/`))
  const path = named === undefined ? word : word.slice(named.name.length + 1)
  if (!/^(\/|\.(\/|$))/.test(path))
    return wrong(path, 'a cgroup is /x/y from the root of the mount, or . or ./x from this directory')
  let cg: Cgroup | undefined = path.startsWith('/') ? (named ?? here.hierarchy).root : here
  for (const name of path.split('/').slice(path.startsWith('/') ? 0 : 1)) if (name !== '') cg = cg?.children?.get(name)
  if (cg === undefined) return new Refusal(ENOENT, `there is no cgroup ${path}`)
  return isReachable(cg, around) ? cg : new Refusal(EACCES, `${path} is outside of this directory`)
}
