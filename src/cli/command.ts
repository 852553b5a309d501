/** What a command is, and how its words are read. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { Settings } from '../api/settings.ts'

export interface Command {
  readonly name: string
  /** One line for the overview. */
  readonly summary: string
  /** Everything about it; a command that has parts answers for the one that is asked about. */
  readonly help: string | ((args: readonly string[]) => string)
  /** The exit status. */
  run(args: readonly string[]): Promise<number>
}

/** The command was called wrongly. The message says what was found and what would be accepted. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Reads options and words; what is not known becomes a UsageError. */
export function readArguments<T extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    // Node's own messages name the option and the value; the hint about `--` is of no use here.
    const [message] = (error as Error).message.split('. ')
    throw new UsageError(`${command}: ${message}; see memcgfs ${command} --help`)
  }
}

/** The one directory a command works on. */
export function oneDirectory(command: string, words: readonly string[]): string {
  const [dir, more] = words
  if (dir === undefined) throw new UsageError(`${command}: a directory is wanted; see memcgfs ${command} --help`)
  if (more !== undefined) throw new UsageError(`${command}: one directory is wanted, not also "${more}"`)
  return dir
}

/** The KEY=VALUE words of `--with`; the last one per key holds. */
export function settingsOf(command: string, words: readonly string[]): Settings {
  const pairs = words.map(word => {
    const at = word.indexOf('=')
    if (at < 1) throw new UsageError(`${command}: --with "${word}": it is KEY=VALUE`)
    return [word.slice(0, at), word.slice(at + 1)]
  })
  return Object.fromEntries(pairs)
}
