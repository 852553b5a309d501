/** `memcgfs experiment`: the founding threads, reproduced on simulated kernels. */
import { writeFileSync } from 'node:fs'
import { endProgress, showProgress } from '../../mount/host/progress.ts'
import type { Experiment, Parameter, ParameterValues } from '../experiments/experiment.ts'
import { renderFigure } from '../experiments/figure/render.ts'
import { EXPERIMENTS } from '../experiments/index.ts'
import { formatNumber } from '../experiments/numbers.ts'
import { LIMITS, type Report, reportText, runExperiment, wrap } from '../experiments/report.ts'
import { type Command, readArguments, UsageError } from './command.ts'

const COLUMNS = 100

const HELP = `memcgfs experiment list [--json]
memcgfs experiment NAME [--json] [--svg FILE] [--seed N] [OPTIONS]

Runs an experiment on simulated kernels and compares what comes out with what its thread reported. Nothing is mounted.
The exit status is 1 when a number is outside of its accepted band.

  list          what there is
  --json        the report as JSON on standard output; the list with parameters
  --svg FILE    also draw what was found
  --seed N      which workload is drawn; default 1. The same seed gives the same report

memcgfs experiment NAME --help explains one and lists the numbers of its workload, which are options, too.
docs/experiments.md tells what each shows and what no simulation can claim.`

/** The command for these experiments. */
export function experimentCommandFor(experiments: readonly Experiment[]): Command {
  const find = (wanted: string | undefined): Experiment | undefined => experiments.find(({ name }) => name === wanted)
  const there = `there are list, ${experiments.map(({ name }) => name).join(', ')}`
  return {
    name: 'experiment',
    summary: 'reproduce what a thread about the memory controller reported',
    help: ([name]) => {
      const experiment = find(name)
      return experiment === undefined ? HELP : helpOf(experiment)
    },
    async run([name, ...rest]) {
      if (name === undefined) throw new UsageError(`experiment: a name is wanted; ${there}`)
      if (name === 'list') return list(experiments, rest)
      const experiment = find(name)
      if (experiment === undefined) throw new UsageError(`experiment: there is no experiment "${name}"; ${there}`)
      return run(experiment, rest)
    },
  }
}

export const experimentCommand: Command = experimentCommandFor(EXPERIMENTS)

function list(experiments: readonly Experiment[], args: readonly string[]): number {
  const { values } = readArguments('experiment list', args, { json: { type: 'boolean', default: false } })
  if (values.json) {
    const entries = experiments.map(({ name, summary, thread, parameters }) => ({ name, summary, thread, parameters }))
    console.log(JSON.stringify(entries, null, 2))
    return 0
  }
  for (const { name, summary } of experiments) console.log(`${name.padEnd(18)} ${summary}`)
  return 0
}

function helpOf({ name, summary, thread, about, parameters }: Experiment): string {
  const options = [
    ...parameters.map(({ name: option, about: text, value }) => [`--${option} N`, `${text}; default ${value}`]),
    ['--seed N', 'which workload is drawn; default 1'],
    ['--svg FILE', 'also draw what was found'],
    ['--json', 'the report as JSON'],
  ]
  return [
    `memcgfs experiment ${name} [OPTIONS]: ${summary}`,
    ...wrap(`Thread: ${thread}`, COLUMNS),
    '',
    ...about.flatMap(paragraph => [...wrap(paragraph, COLUMNS), '']),
    ...options.map(([option, text]) => `  ${option!.padEnd(20)} ${text}`),
    '',
    'The accepted bands hold for the default numbers; rows that say how the answer follows from the numbers are always judged.',
    ...LIMITS.flatMap(limit => wrap(limit, COLUMNS)),
  ].join('\n')
}

function run(experiment: Experiment, args: readonly string[]): number {
  const command = `experiment ${experiment.name}`
  const { values, positionals } = readArguments(command, args, {
    json: { type: 'boolean', default: false },
    svg: { type: 'string' },
    seed: { type: 'string', default: '1' },
    ...Object.fromEntries(experiment.parameters.map(({ name }) => [name, { type: 'string' as const }])),
  })
  if (positionals.length > 0) throw new UsageError(`${command}: "${positionals[0]}" is not known here`)
  const given = values as Readonly<Record<string, string | boolean | undefined>>
  const parameters = parametersOf(command, experiment.parameters, given)
  const seed = numberOf(command, { name: 'seed', least: 0, most: Number.MAX_SAFE_INTEGER }, String(given.seed))
  const report = runExperiment(experiment, {
    seed,
    parameters,
    progress: line => showProgress(`${experiment.name}: ${line}`),
  })
  endProgress()
  print(report, given.json === true, given.svg as string | undefined)
  return report.missed > 0 ? 1 : 0
}

function print(report: Report, json: boolean, svg: string | undefined): void {
  if (svg !== undefined) writeFileSync(svg, renderFigure(report.figure))
  console.log(json ? JSON.stringify(report, null, 2) : reportText(report, COLUMNS))
}

function parametersOf(
  command: string,
  parameters: readonly Parameter[],
  given: Readonly<Record<string, string | boolean | undefined>>,
): ParameterValues {
  const entries: [string, number][] = []
  for (const parameter of parameters) {
    const text = given[parameter.name]
    if (typeof text === 'string') entries.push([parameter.name, numberOf(command, parameter, text)])
  }
  return Object.fromEntries(entries)
}

function numberOf(command: string, wanted: Omit<Parameter, 'about' | 'value'>, text: string): number {
  const { name, least, most, fraction = false } = wanted
  const value = (fraction ? /^\d+(\.\d+)?$/ : /^\d+$/).test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  const kind = fraction ? 'a number' : 'a whole number'
  throw new UsageError(
    `${command}: --${name} "${text}": ${kind} from ${formatNumber(least)} to ${formatNumber(most)} is wanted`,
  )
}
