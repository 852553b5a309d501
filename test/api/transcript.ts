/**
 * Transcripts: a terminal's text whose commands run on any `fs`. A line `$ COMMAND` runs, and is followed by what the
 * command prints. Errors are shown by their names. There is no more of a shell than transcripts need.
 *
 *     $ mkdir a b
 *     $ echo 1 > a/cgroup.freeze
 *     $ cat a/cgroup.freeze
 *     1
 *     $ rmdir .
 *     rmdir: .: EINVAL
 */
import type { CgroupNodeFs } from '../../mount/index.ts'

/** Prints, or throws what fs throws. */
type Command = (fs: CgroupNodeFs, path: string) => string

const COMMANDS: Readonly<Record<string, Command>> = {
  cat: (fs, path) => fs.readFileSync(path, 'utf8'),
  // Interface files are the same everywhere, and too many to read: cgroups have no dot in their names here.
  ls: (fs, path) => lines(fs.readdirSync(path).filter(name => !name.includes('.'))),
  'ls -f': (fs, path) => lines(names(fs, path)),
  mkdir: silent((fs, path) => fs.mkdirSync(path)),
  'mkdir -p': silent((fs, path) => fs.mkdirSync(path, { recursive: true })),
  rmdir: silent((fs, path) => fs.rmdirSync(path)),
  rm: silent((fs, path) => fs.unlinkSync(path)),
  touch: silent((fs, path) => fs.closeSync(fs.openSync(path, 'a'))),
  'truncate -s 0': silent((fs, path) => fs.truncateSync(path, 0)),
  'ln -s x': silent((fs, path) => fs.symlinkSync('x', path)),
  'mv -T': silent((fs, path) => fs.renameSync(path, `${path}.moved`)),
  'chmod 700': silent((fs, path) => fs.chmodSync(path, 0o700)),
  'stat -c %a,%h,%s': (fs, path) => {
    const { mode, nlink, size } = fs.statSync(path)
    return lines([`${(mode & 0o7777).toString(8)},${nlink},${size}`])
  },
}

function silent(command: (fs: CgroupNodeFs, path: string) => unknown): Command {
  return (fs, path) => {
    command(fs, path)
    return ''
  }
}

const lines = (all: readonly string[]): string => all.map(line => `${line}\n`).join('')

/** In the order of the kernel. */
function names(fs: CgroupNodeFs, path: string): string[] {
  const dir = fs.opendirSync(path)
  const found: string[] = []
  for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) found.push(entry.name)
  dir.closeSync()
  return found
}

/** Runs the commands of a transcript in the directory `root` of `fs`; the transcript as it turned out. */
export function run(transcript: string, fs: CgroupNodeFs, root: string): string {
  const commands = transcript.split('\n').filter(line => line.startsWith('$ '))
  return commands.map(line => `${line}\n${perform(line.slice(2), fs, path => `${root}/${path}`)}`).join('')
}

function perform(line: string, fs: CgroupNodeFs, at: (path: string) => string): string {
  const redirected = /^echo (?:'([^']*)'|(\S*)) > (\S+)$/.exec(line)
  if (redirected !== null) {
    const [, quoted, plain, path] = redirected
    return attempt('echo', path!, () => {
      fs.writeFileSync(at(path!), `${quoted ?? plain!}\n`)
      return ''
    })
  }
  const name = Object.keys(COMMANDS)
    .filter(command => `${line} `.startsWith(`${command} `))
    .sort((a, b) => b.length - a.length)[0]
  if (name === undefined) throw new Error(`transcripts know no command "${line}"`)
  const paths = line.slice(name.length).trim().split(/\s+/)
  return paths.map(path => attempt(name.split(' ')[0]!, path, () => COMMANDS[name]!(fs, at(path)))).join('')
}

function attempt(name: string, path: string, command: () => string): string {
  try {
    return command()
  } catch (error) {
    return `${name}: ${path}: ${(error as NodeJS.ErrnoException).code}\n`
  }
}
