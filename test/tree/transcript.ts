/**
 * Tests that read like a terminal:
 *
 *     $ mkdir a                        as root; prints nothing, or the name of the error
 *     $ write a/pids.max "5"           one write(2) of exactly that text: its length, or the name of the error
 *     $ echo 5 > a/pids.max            the same with a newline; prints nothing, or the name of the error
 *     $ cat a/pids.max                 the contents, or the name of the error
 *     $ grep KEY FILE                  the lines that begin with the word KEY
 *     $ ls a/pids.max                  the name if it is there, else ENOENT
 *     $ mv a b                         rename(2)
 *     $ tick 2s                        lets time pass
 *     user$ rmdir a                    the same commands as uid 1000
 *     a/$ task t1 bare                 a line for a/.memcgfs/do
 *
 * `rmdir` takes names as `mkdir` does. In texts `\n` and `\t` are meant as in C, and `$t1` is the number of the
 * simulated task t1; in what is printed its number appears as `$t1`. What follows ` #` is for the reader.
 */
import t from 'tap'
import type { KernelOptions } from '../../src/api/options.ts'
import { errnoName, isErrno } from '../../src/errno.ts'
import type { KernelId } from '../../src/profiles/features.ts'
import { parseTime } from '../../src/workload/grammar.ts'
import { machine, type TestMachine } from './machine.ts'

const COMMAND = /^(?<place>\S*)\$ (?<command>.*)$/

/** Runs a transcript on each kernel and compares all of it with what was expected. */
export function transcript(
  title: string,
  kernels: readonly KernelId[],
  text: string,
  options: KernelOptions = {},
): void {
  const lines = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  for (const kernel of kernels)
    t.test(`${title} (${kernel})`, async t => {
      const shell = new Shell(machine({ kernel, ...options }))
      const happened = lines.filter(line => COMMAND.test(line)).flatMap(line => [line, ...shell.run(line)])
      t.equal(happened.join('\n'), lines.join('\n'))
    })
}

class Shell {
  readonly #machine: TestMachine
  readonly #user: TestMachine['root']

  constructor(machine: TestMachine) {
    this.#machine = machine
    this.#user = machine.spawn(1000, 1000)
  }

  /** What a line prints. */
  run(line: string): string[] {
    const { place = '', command = '' } = COMMAND.exec(line)!.groups!
    const text = command.replace(/ +#.*$/, '')
    if (place.endsWith('/')) return this.#printed(this.#do(`/${place}`, text))
    return this.#printed(this.#command(place === 'user' ? this.#user : this.#machine.root, text))
  }

  /** Numbers of simulated tasks as their names; nothing for a success that says nothing. */
  #printed(result: string | number): string[] {
    if (result === 0) return []
    if (isErrno(result)) return [errnoName(result)]
    const lines = String(result).split('\n')
    return lines
      .filter(line => line !== '')
      .map(line => line.replace(/^\d{7,}$/, pid => `$${this.#nameOf(Number(pid))}`))
  }

  #nameOf(pid: number): string {
    return this.#machine.vfs.door.kernel.tree.tasks.get(pid)?.name ?? `? ${pid}`
  }

  #do(directory: string, line: string): number {
    const written = this.#machine.root.writeFile(`${directory}.memcgfs/do`, line)
    return written < 0 ? written : 0
  }

  /** A text in quotes or not, with its escapes and the numbers of tasks. */
  #text(word: string): string {
    return word
      .replace(/^"(.*)"$/s, '$1')
      .replaceAll('\\n', '\n')
      .replaceAll('\\t', '\t')
      .replaceAll(/\$(\w+)/g, (_, name) => String(this.#machine.vfs.door.kernel.tree.tasksByName.get(name)?.pid))
  }

  #command(who: TestMachine['root'], text: string): string | number {
    const [command = '', ...words] = text.split(/ +/)
    const rest = text.slice(command.length + 1)
    switch (command) {
      case 'mkdir':
        return first(words, name => who.mkdir(`/${name}`, 0o755))
      case 'rmdir':
        return first(words, name => who.rmdir(`/${name}`))
      case 'mv':
        return who.rename(`/${words[0]}`, `/${this.#text(words[1]!)}`)
      case 'cat':
        return who.readFile(`/${words[0]}`)
      case 'ls':
        return isErrno(who.stat(`/${words[0]}`)) ? 'ENOENT' : words[0]!
      case 'grep': {
        const lines = who.readFile(`/${words[1]}`)
        return typeof lines === 'number'
          ? lines
          : lines
              .split('\n')
              .filter(line => line.startsWith(`${words[0]} `))
              .join('\n')
      }
      case 'write': {
        const [, file = '', data = ''] = /^(\S+) (.*)$/s.exec(rest)!
        const written = who.writeFile(`/${file}`, this.#text(data))
        return written < 0 ? written : `${written}`
      }
      case 'echo': {
        const [, data = '', file = ''] = /^(.*) > (\S+)$/s.exec(rest)!
        const written = who.writeFile(`/${file}`, `${this.#text(data)}\n`)
        return written < 0 ? written : 0
      }
      case 'tick':
        this.#machine.pass(parseTime(words[0]!)!)
        return 0
      default:
        throw new Error(`a transcript knows no "${command}"`)
    }
  }
}

/** Does something with each name until one is refused. */
function first(names: readonly string[], act: (name: string) => number): number {
  for (const name of names) {
    const result = act(name)
    if (result < 0) return result
  }
  return 0
}
