/**
 * Running what is written to `.memcgfs/do`: lines in order, lines that must wait, and what came of them (workload.md §3).
 *
 * A line for a task that is stopped, frozen or busy is accepted and done later; its outcome goes to the log. A write
 * that waits on a real clock is answered later, under a ticket.
 */
import { schedule } from '../clock.ts'
import { maxOf } from '../engine/counter.ts'
import type { ScenarioName } from '../engine/locks/scenarios.ts'
import {
  E2BIG,
  EINTR,
  EINVAL,
  EOPNOTSUPP,
  type Errno,
  ESRCH,
  ETIMEDOUT,
  errnoName,
  isErrno,
  OK,
  type Ok,
} from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { type Cgroup, pathOf } from '../tree/cgroup.ts'
import { type Credentials, type OpenMemory, PENDING, type Pending } from '../tree/controller.ts'
import { isToBeFrozen } from '../tree/freezer.ts'
import { processOf } from '../tree/kill.ts'
import { cgroupOf, type Task } from '../tree/task.ts'
import type { ByteString, Bytes, Nanoseconds, Pid } from '../units.ts'
import { checkWords, Refusal, type Surroundings } from './args.ts'
import { MAX_LINE, nearest, parseLine, Wrong } from './grammar.ts'
import type { Outcome } from './verb.ts'
import { verbs } from './verbs.ts'
import { DEADLINE, isOver, outcomeOfWait } from './wait.ts'

/** A line that was accepted and is done later, when its task can. */
export interface Job {
  readonly pid: Pid
  readonly text: ByteString
  readonly here: Cgroup
  readonly opener: Credentials
}

/** Somebody the OOM killer chose while a line was running. */
export interface Kill {
  readonly task: string
  /** Path of the cgroup that ran out. */
  readonly at: ByteString
  /** Its limit, for people. */
  readonly limit: string
}

/** What a line waits for: tasks to have nothing left to do (all, or one), or everything deferred. */
export type WaitFor = { readonly kind: 'wait'; readonly pid: Pid | undefined } | { readonly kind: 'settle' }

/** One write in progress. */
interface Run {
  readonly lines: readonly ByteString[]
  next: number
  readonly here: Cgroup
  readonly opener: Credentials
  /** Of the description it was written to. */
  readonly memory: OpenMemory
  readonly results: string[]
  done: number
  failed: number
  waiting: number
  /** The errno that ended it. */
  errno: Errno | Ok
}

/** A write that waits on a real clock. */
interface PendingRun {
  readonly ticket: number
  readonly run: Run
  readonly size: Bytes
  readonly what: WaitFor
  readonly deadline: Nanoseconds
  cancelled: boolean
}

/** A job that has been done, until somebody waits for it. */
interface FinishedJob {
  readonly pid: Pid
  readonly errno: Errno | Ok
  readonly text: string
}

const LOG_LINES = 1000

/** What is there between two operations, as plain data. */
export interface WorkloadState {
  readonly jobs: Job[]
  readonly finished: FinishedJob[]
  readonly log: string[]
  /** Answers of pending writes, for the door. */
  readonly answers: { readonly ticket: number; readonly result: number }[]
  readonly pending: PendingRun[]
  nextTicket: number
  /** The scenario of `.memcgfs/locks` that was run last. */
  lockScenario: ScenarioName | null
}

const createState = (): WorkloadState => ({
  jobs: [],
  finished: [],
  log: [],
  answers: [],
  pending: [],
  nextTicket: 1,
  lockScenario: null,
})

export class Workload {
  readonly #kernel: Kernel
  readonly state: WorkloadState
  /** Kills during the present line. */
  readonly kills: Kill[] = []
  /** Set while a line runs: nothing else may run then. */
  #busy = false
  #postponed: { what: WaitFor; deadline: Nanoseconds } | undefined

  constructor(kernel: Kernel, state = createState()) {
    this.#kernel = kernel
    this.state = state
    kernel.handle(DEADLINE, () => {})
    kernel.observe(message => {
      if (message.kind === 'kill') this.#noteKill(message.mm, message.oomAt)
    })
    kernel.afterSettle(() => {
      this.runReady()
      this.#resume()
    })
  }

  /** Waiting on a real clock takes the host's time; on a manual one it moves the clock. */
  get isReal(): boolean {
    return this.#kernel.setup.clock === 'real'
  }

  get jobs(): Job[] {
    return this.state.jobs
  }

  get finished(): FinishedJob[] {
    return this.state.finished
  }

  get log(): string[] {
    return this.state.log
  }

  get answers(): WorkloadState['answers'] {
    return this.state.answers
  }

  get lastTicket(): number {
    return this.state.nextTicket - 1
  }

  /** Runs a text that was written through a description. Its last, unfinished line is kept for the next write. */
  write(text: ByteString, size: Bytes, here: Cgroup, opener: Credentials, memory: OpenMemory): Errno | Ok | Pending {
    const all = (memory.kept ?? '') + text
    const end = all.lastIndexOf('\n')
    delete memory.kept
    if (end !== -1 && end < all.length - 1) memory.kept = all.slice(end + 1)
    const lines = end === -1 ? [all] : all.slice(0, end).split('\n')
    const run: Run = {
      lines,
      next: 0,
      here,
      opener,
      memory,
      results: [],
      done: 0,
      failed: 0,
      waiting: 0,
      errno: OK,
    }
    this.#goOn(run)
    if (this.#postponed === undefined) return run.errno
    const { what, deadline } = this.#postponed
    this.#postponed = undefined
    const { state } = this
    state.pending.push({ ticket: state.nextTicket++, run, size, what, deadline, cancelled: false })
    if (Number.isFinite(deadline)) schedule(this.#kernel.engine.clock, deadline - this.#kernel.now, DEADLINE)
    return PENDING
  }

  /** The description is closed: what it still kept runs now; nobody gets its errno. */
  close(here: Cgroup, opener: Credentials, memory: OpenMemory): void {
    if (memory.kept !== undefined && here.alive) this.write('\n', 1, here, opener, memory)
  }

  cancel(ticket: number): void {
    const pending = this.state.pending.find(each => each.ticket === ticket)
    if (pending !== undefined) pending.cancelled = true
    this.#resume()
  }

  /** The line that runs now goes on when this has come; its write is answered then. */
  postpone(what: WaitFor, deadline: Nanoseconds): void {
    this.#postponed = { what, deadline }
  }

  #goOn(run: Run): void {
    while (run.next < run.lines.length && run.errno === OK) {
      this.#runLine(run, run.lines[run.next]!)
      if (this.#postponed !== undefined) return
      run.next++
    }
    this.#publish(run)
  }

  #publish(run: Run): void {
    const { done, failed, waiting } = run
    run.results.push(`done=${done} failed=${failed} waiting=${waiting} clock=${this.#kernel.now}`)
    const text = `${run.results.join('\n')}\n`
    run.memory.result = text
    const { files } = run.here.self
    if (files !== null) files.lastResult = text
    for (const line of run.results) this.#addToLog(`${pathOf(run.here)} ${line}`)
  }

  /** A line of the log that is no outcome of the language. */
  note(line: string): void {
    this.#addToLog(line)
  }

  #addToLog(line: string): void {
    this.log.push(`${this.#kernel.now} ${line}`)
    if (this.log.length > LOG_LINES) this.log.shift()
  }

  #runLine(run: Run, text: ByteString): void {
    const number = run.next + 1
    const around = { kernel: this.#kernel, here: run.here, opener: run.opener }
    if (text.length > MAX_LINE) {
      this.#record(run, number, '?', {
        errno: E2BIG,
        words: `bytes=${text.length}`,
        note: `a line has at most ${MAX_LINE} bytes`,
      })
      return
    }
    const line = parseLine(text)
    if (line === undefined) return
    if (line instanceof Wrong) {
      this.#record(run, number, '?', { errno: EINVAL, words: '', note: line.why })
      return
    }
    const outcome = this.#execute(text, around, true)
    if (outcome === 'waits') {
      run.waiting++
      run.results.push(`${number} waits ${line.verb} reason=${this.#reasonToWait(around, text)}`)
    } else if (this.#postponed === undefined) this.#record(run, number, line.verb, outcome, line.tolerant)
  }

  #record(run: Run, number: number, verb: ByteString, outcome: Outcome | Refusal, tolerant = false): void {
    const { errno } = outcome
    run.results.push(`${number} ${describe(verb, outcome)}`)
    if (errno === OK) run.done++
    else {
      run.failed++
      if (!tolerant) run.errno = errno
    }
  }

  /** Runs one line; `waits` if it was queued because its task cannot do it now (and `mayQueue`). */
  #execute(text: ByteString, around: Surroundings, mayQueue: boolean): Outcome | Refusal | 'waits' {
    const line = parseLine(text)
    if (line === undefined || line instanceof Wrong) return new Refusal(EINVAL, 'no line')
    const verb = verbs.get(line.verb)
    if (verb === undefined) {
      const [close] = nearest(line.verb, [...verbs.keys()])
      return new Refusal(EINVAL, `verb "${line.verb}" is not known; did you mean "${close}"?`)
    }
    if (verb.run === undefined)
      return new Refusal(EOPNOTSUPP, `${line.verb} is not modelled yet: step ${verb.arrives} brings it`)
    const args = checkWords(line, verb.usage, around)
    if (args instanceof Refusal) return args
    if (verb.acts && mayQueue && !this.#canAct(args.task())) {
      this.jobs.push({ pid: args.task().pid, text, here: around.here, opener: around.opener })
      return 'waits'
    }
    this.kills.length = 0
    this.#busy = true
    try {
      const outcome = verb.run({ ...around, workload: this }, args)
      this.#kernel.settle()
      return outcome
    } finally {
      this.#busy = false
    }
  }

  /** A task acts when it is alive, not stopped in any way, and has nothing queued. */
  #canAct(task: Task): boolean {
    return this.#isFree(task) && !this.jobs.some(job => job.pid === task.pid)
  }

  #isFree(task: Task): boolean {
    return task.state === 'alive' && !task.stopped && !task.frozen && (task.kthread || !isToBeFrozen(cgroupOf(task)))
  }

  #reasonToWait(around: Surroundings, text: ByteString): string {
    const job = this.jobs.at(-1)!
    const task = around.kernel.tree.tasks.get(job.pid)!
    if (task.stopped) return 'stopped'
    return this.#isFree(task) || job.text !== text ? 'busy' : 'frozen'
  }

  /** Does the queued lines whose tasks can act now. */
  runReady(): void {
    if (this.#busy) return
    for (let i = 0; i < this.jobs.length; ) {
      const job = this.jobs[i]!
      const task = this.#kernel.tree.tasks.get(job.pid)
      const isFirst = this.jobs.findIndex(each => each.pid === job.pid) === i
      if (task !== undefined && task.state === 'alive' && !(isFirst && this.#isFree(task))) {
        i++
        continue
      }
      this.jobs.splice(i, 1)
      this.#finishJob(job, task)
    }
  }

  #finishJob(job: Job, task: Task | undefined): void {
    const around = { kernel: this.#kernel, here: job.here, opener: job.opener }
    const outcome =
      task?.state === 'alive' ? this.#execute(job.text, around, false) : new Refusal(ESRCH, 'its task has exited')
    if (outcome === 'waits') return
    const verb = parseLine(job.text)
    const text = describe(verb === undefined || verb instanceof Wrong ? '?' : verb.verb, outcome)
    this.finished.push({ pid: job.pid, errno: outcome.errno, text })
    if (this.finished.length > LOG_LINES) this.finished.shift()
    this.#addToLog(`${pathOf(job.here)} later ${text}`)
  }

  /** Goes on with writes whose wait is over. */
  #resume(): void {
    const { pending: waiting } = this.state
    if (this.#busy || waiting.length === 0) return
    const kernel = this.#kernel
    for (const pending of [...waiting]) {
      const { run, what } = pending
      const over = isOver({ kernel, workload: this }, what)
      const late = kernel.now >= pending.deadline
      if (!over && !late && !pending.cancelled) continue
      waiting.splice(waiting.indexOf(pending), 1)
      const errno = over ? OK : pending.cancelled ? EINTR : ETIMEDOUT
      this.#record(run, run.next + 1, what.kind, outcomeOfWait(this, what, errno))
      run.next++
      this.#goOn(run)
      const again = this.#postponed as { what: WaitFor; deadline: Nanoseconds } | undefined
      if (again !== undefined) {
        this.#postponed = undefined
        waiting.push({ ...pending, ...again, cancelled: false })
        if (Number.isFinite(again.deadline)) schedule(kernel.engine.clock, again.deadline - kernel.now, DEADLINE)
      } else this.answers.push({ ticket: pending.ticket, result: isErrno(run.errno) ? run.errno : pending.size })
    }
  }

  #noteKill(mm: number, oomAt: number): void {
    const { tree, engine, setup } = this.#kernel
    const victim = processOf(tree, mm)
    const css = tree.cssOfMemcg[oomAt]
    if (victim === undefined || !css) return
    const at = pathOf(css.cgroup)
    const limit = maxOf(engine.counters, css.memcg!.memory) * setup.machine.pageSize
    const file = engine.hierarchy === 'v1' ? 'memory.limit_in_bytes' : 'memory.max'
    const kill = { task: victim.name, at, limit: `${file} of ${at} (${shortSize(limit)})` }
    this.kills.push(kill)
    this.#addToLog(`${at} oom-kill task=${victim.name} pid=${victim.pid}`)
  }
}

/** `67108864` → `64M`. */
function shortSize(bytes: Bytes): string {
  for (const [unit, suffix] of [
    [2 ** 30, 'G'],
    [2 ** 20, 'M'],
    [2 ** 10, 'K'],
  ] as const)
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${suffix}`
  return String(bytes)
}

/** `ok task t1 pid=…`, `EINVAL anon # why`: the first words for programs, the text behind # for people. */
function describe(verb: ByteString, outcome: Outcome | Refusal): string {
  const status = isErrno(outcome.errno) ? errnoName(outcome.errno) : 'ok'
  const words = outcome instanceof Refusal ? '' : outcome.words
  const note = outcome instanceof Refusal ? outcome.why : outcome.note
  return [status, verb, words, note && `# ${note}`].filter(Boolean).join(' ')
}
