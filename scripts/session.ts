/** The session of README.md, as data. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Command {
  readonly line: string
  /** What stands below it. */
  readonly output: string
}

/** Where the README mounts. */
export const README_DIR = '/tmp/cg'

/** Commands with what they printed, their mount point replaced by `dir`. */
export function readmeSession(dir: string): Command[] {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const block = /```console\n(.*?)```/s.exec(readme)?.[1]
  if (block === undefined) throw new Error('README.md has no session')
  return block
    .replaceAll(README_DIR, dir)
    .split(/^\$ /m)
    .slice(1)
    .map(text => {
      const [line = '', ...output] = text.split('\n')
      return { line, output: output.join('\n') }
    })
}

/** Commands that start or end the mount, not the session on it. */
export const isAboutMount = ({ line }: Command): boolean => /^(scripts\/memcgfs |mkdir -p )/.test(line)
