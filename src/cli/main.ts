#!/usr/bin/env node
/**
 * The command line: a table of commands, each with its own help. Errors for people go to stderr in one line; the exit
 * status is 0 for success, 1 for what failed, 2 for what was asked wrongly.
 */
import { OptionError } from '../api/options.ts'
import { type Command, UsageError } from './command.ts'
import { diffCommand } from './diff.ts'
import { experimentCommand } from './experiment.ts'
import { explainCommand } from './explain.ts'
import { kernelsCommand } from './kernels.ts'
import { mountCommand } from './mount.ts'
import { unmountCommand } from './unmount.ts'
import { version } from './version.ts'

// Programs started from here must not fill our compile cache with theirs.
delete process.env.NODE_COMPILE_CACHE

const COMMANDS: readonly Command[] = [
  mountCommand,
  unmountCommand,
  kernelsCommand,
  explainCommand,
  diffCommand,
  experimentCommand,
]

function overview(): string {
  const rows = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`)
  return [
    'memcgfs: a cgroup filesystem that behaves like the Linux kernel of your choice, without being it',
    '',
    'Usage: memcgfs COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...rows,
    '',
    'memcgfs COMMAND --help explains a command. memcgfs --version prints the version.',
    '',
    'Try it:',
    '  mkdir /tmp/cg && memcgfs mount /tmp/cg --background',
    '  echo +memory > /tmp/cg/cgroup.subtree_control; mkdir /tmp/cg/a; cat /tmp/cg/a/memory.max',
    "  echo 'task t1' > /tmp/cg/a/.memcgfs/do; echo 'anon t1 heap 32M' > /tmp/cg/a/.memcgfs/do",
    '  memcgfs unmount /tmp/cg',
  ].join('\n')
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(overview())
    return name === undefined ? 2 : 0
  }
  if (name === '--version') {
    console.log(version())
    return 0
  }
  const command = COMMANDS.find(each => each.name === name)
  if (command === undefined)
    throw new UsageError(`there is no command "${name}"; commands are ${COMMANDS.map(each => each.name).join(', ')}`)
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(typeof command.help === 'string' ? command.help : command.help(rest))
    return 0
  }
  return command.run(rest)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const isAsked = error instanceof UsageError || error instanceof OptionError
  const isExpected = isAsked || (error instanceof Error && 'code' in error)
  console.error(`memcgfs: ${isExpected ? (error as Error).message : ((error as Error).stack ?? String(error))}`)
  process.exitCode = isAsked ? 2 : 1
}
