/** The sessions of README.md, as data. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Command {
  readonly line: string
  /** What stands below it. */
  readonly output: string
}

/** Where the README mounts. */
export const README_DIR = '/tmp/cg'

/** The commands of each session with what they printed, their mount point replaced by `dir`. */
export function readmeSessions(dir: string): Command[][] {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const blocks = [...readme.matchAll(/```console\n(.*?)```/gs)]
  if (blocks.length === 0) throw new Error('README.md has no session')
  return blocks.map(([, block]) => commandsOf(block!.replaceAll(README_DIR, dir)))
}

function commandsOf(block: string): Command[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map(text => {
      const [line = '', ...output] = text.split('\n')
      return { line, output: output.join('\n') }
    })
}

/** Commands that start or end the mount, not the session on it. */
export const isAboutMount = ({ line }: Command): boolean => /^(scripts\/memcgfs |mkdir -p )/.test(line)
