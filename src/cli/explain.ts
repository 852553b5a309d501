/** `memcgfs explain`: asks a running mount why a file has its value, or why the last operation on it was refused. */
import { closeSync, existsSync, openSync, readSync, realpathSync, writeSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Command, readArguments, UsageError } from './command.ts'

const HELP = `memcgfs explain PATH...

Says of a file of a running mount why it has its value: the rule in words, the numbers that fed it (page counters, what
CPUs hold in stock, statistics that are late, limits of cgroups above), and the features of this kernel that decide. When
the last operation on the file was refused, why: the check that refused, with the numbers of that moment.

  memcgfs explain /tmp/cg/a/memory.current
  echo 50 > /tmp/cg/a/cgroup.procs || memcgfs explain /tmp/cg/a/cgroup.procs
  rmdir /tmp/cg/a || memcgfs explain /tmp/cg/a

The same without a program: echo /a/memory.current > DIR/.memcgfs/explain; cat DIR/.memcgfs/explain. Asking changes
nothing in the model. What the operating system refuses before it asks the mount (an open for want of rights) is not
known there. docs/explain.md tells more.`

/** More than any answer. */
const ANSWER_BYTES = 1 << 16

export const explainCommand: Command = {
  name: 'explain',
  summary: 'why a file of a mount has its value, or why an operation on it was refused',
  help: HELP,
  async run(args) {
    const { positionals } = readArguments('explain', args, {})
    if (positionals.length === 0) throw new UsageError('explain: a path is wanted; see memcgfs explain --help')
    for (const [i, path] of positionals.entries()) {
      if (i > 0) console.log()
      console.log(answerTo(path).trimEnd())
    }
    return 0
  },
}

function answerTo(given: string): string {
  const path = real(resolve(given))
  const mount = mountOf(path)
  if (mount === undefined) throw new UsageError(`explain: ${given} is not on a mount of memcgfs`)
  const fd = openSync(join(mount, '.memcgfs', 'explain'), 'r+')
  try {
    writeSync(fd, path.slice(mount.length) || '/')
    const answer = Buffer.alloc(ANSWER_BYTES)
    return answer.toString('utf8', 0, readSync(fd, answer, 0, ANSWER_BYTES, 0))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new UsageError(`explain: there is no ${given}, and nobody was refused to make it`)
  } finally {
    closeSync(fd)
  }
}

/** The path without symbolic links; the last name need not exist. */
function real(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const above = dirname(path)
  return existsSync(above) ? join(realpathSync(above), path.slice(above.length)) : path
}

/** The root of the mount the path is on: the one directory above it that can be asked. */
function mountOf(path: string): string | undefined {
  for (let directory = path; ; directory = dirname(directory)) {
    if (existsSync(join(directory, '.memcgfs', 'explain'))) return directory
    if (directory === '/') return undefined
  }
}
