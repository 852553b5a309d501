/** `memcgfs diff`: one script on two simulated kernels, and what comes out differently. */
import { readFileSync } from 'node:fs'
import { type KernelOptions, OptionError, resolveOptions } from '../api/options.ts'
import { compareRecordings } from '../diff/compare.ts'
import { play } from '../diff/play.ts'
import { reportText } from '../diff/report.ts'
import { parseScript, ScriptError, type Step } from '../diff/script.ts'
import { type Command, readArguments, settingsOf, UsageError } from './command.ts'

const HELP = `memcgfs diff --kernel "ID [KEY=VALUE]..." --kernel "ID [KEY=VALUE]..." [OPTIONS] SCRIPT

Plays a script on two simulated kernels, in process, and prints what differs: what operations answered, what files say,
which files told watchers of a change, which removed cgroups are still there. SCRIPT is a file, or - for standard input.
The exit status is 0 when nothing differs, 1 when something does, 2 when the script or an option is wrong.

  --kernel "ID ..."   given twice: the first is the side with -, the second that with +. KEY=VALUE words behind the id
                      are settings of that side alone, as of mount --with
  --with KEY=VALUE    a setting of both sides; may be given again
  --hierarchy, --cpus, --memory, --swap, --seed
                      of both sides, as of mount
  --json              the differences for programs

A script has one operation per line; # begins a comment:

  mkdir /a                     make and remove cgroups
  rmdir /a
  write /a/memory.max 64M      one write of the rest of the line; "..." may hold \\n
  read /a/memory.stat          shows the file, so that it is compared here
  at /a anon t1 heap 32M       a line of the workload language in a cgroup (docs/workload.md)
  tick 2s                      the same in the root
  compare [NAME]               compares every file of every cgroup now; the end of the script does, too

Paths start at the root of the mount. Refusals end nothing: they are compared like everything else. Time moves by tick,
wait and settle alone. Example: which kernel keeps a removed cgroup whose dentries are cached?

  memcgfs diff --kernel 5.2 --kernel 5.3 - <<'END'
  write /cgroup.subtree_control +memory
  mkdir /a
  at /a task t1
  at /a lookup t1 ext4 100
  exit t1
  rmdir /a
  settle
  read /cgroup.stat
  END

docs/diff.md tells more.`

export const diffCommand: Command = {
  name: 'diff',
  summary: 'run one script on two kernels and print what differs',
  help: HELP,
  async run(args) {
    const { values, positionals } = readArguments('diff', args, {
      kernel: { type: 'string', multiple: true, default: [] },
      with: { type: 'string', multiple: true, default: [] },
      hierarchy: { type: 'string' },
      cpus: { type: 'string' },
      memory: { type: 'string' },
      swap: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
    })
    const { kernel, with: both, json, ...rest } = values
    const [a, b, more] = kernel
    if (a === undefined || b === undefined || more !== undefined)
      throw new UsageError(
        `diff: two kernels are wanted, as --kernel 5.2 --kernel "5.3 slab_flush_at_offline=none", not ${kernel.length}`,
      )
    const [file, another] = positionals
    if (file === undefined || another !== undefined)
      throw new UsageError(`diff: one script is wanted, not ${positionals.length}; see memcgfs diff --help`)
    const sides = [a, b].map(side => sideOf(side, both, rest))
    const steps = stepsOf(file)
    const [first, second] = sides.map(options => play(options, steps))
    const found = compareRecordings(first!, second!)
    const played = { steps: first!.steps.length, comparisons: first!.snapshots.length }
    console.log(
      json ? JSON.stringify({ a, b, ...played, differences: found }, null, 2) : reportText(found, { a, b }, played),
    )
    return found.length > 0 ? 1 : 0
  },
}

/** One side: a kernel and its own settings, with those of both. */
function sideOf(side: string, both: readonly string[], rest: Omit<KernelOptions, 'kernel' | 'with'>) {
  const [kernel, ...own] = side.split(/\s+/).filter(word => word !== '')
  if (kernel === undefined) throw new UsageError('diff: --kernel is empty; it is a kernel and perhaps KEY=VALUE words')
  return resolveOptions({ ...rest, kernel, with: settingsOf('diff', [...both, ...own]) }, 'manual')
}

function stepsOf(file: string): Step[] {
  try {
    // One character per byte, as everywhere in the model.
    return parseScript(readFileSync(file === '-' ? 0 : file, 'latin1'))
  } catch (error) {
    if (error instanceof ScriptError)
      throw new UsageError(`diff: ${file === '-' ? 'standard input' : file}: ${error.message}`)
    if (error instanceof OptionError || !(error instanceof Error && 'code' in error)) throw error
    throw new UsageError(`diff: the script ${file} cannot be read: ${error.message}`)
  }
}
