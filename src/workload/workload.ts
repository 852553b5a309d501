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
import { type Args, checkWords, Refusal } from './args.ts'
import { MAX_LINE, nearest, parseLine, Wrong } from './grammar.ts'
import { oomLines } from './oomlog.ts'
import { type Context, type Cursor, endOfCall, isAwake, newCursor, type Outcome, type Verb } from './verb.ts'
import { verbs } from './verbs.ts'
import { DEADLINE, isOver, outcomeOfWait } from './wait.ts'

/** A line that was accepted and is done later, when its task can. */
export interface Job {
  readonly pid: Pid
  readonly text: ByteString
  readonly here: Cgroup
  readonly opener: Credentials
  /** How far it is, once it was begun. */
  readonly cursor: Cursor
  /** What is to be said of it when its task wakes: all is done. */
  outcome: Outcome | Refusal | null
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

/** A line is queued: why, and until when where that is known. */
class Waiting {
  readonly words: ByteString
  constructor(words: ByteString) {
    this.words = words
  }
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
  /** The last answer of `.memcgfs/explain`. */
  explained: ByteString
}

const createState = (): WorkloadState => ({
  jobs: [],
  finished: [],
  log: [],
  answers: [],
  pending: [],
  nextTicket: 1,
  lockScenario: null,
  explained: '',
})

export class Workload {
  readonly #kernel: Kernel
  readonly state: WorkloadState
  /** Kills during the present line. */
  readonly kills: Kill[] = []
  /** Set while a line runs in which no time passes: no other may run then. */
  #busy = false
  /** Lines that run: one, and those that go on while it lets time pass. */
  #running = 0
  #postponed: { what: WaitFor; deadline: Nanoseconds } | undefined

  constructor(kernel: Kernel, state = createState()) {
    this.#kernel = kernel
    this.state = state
    kernel.handle(DEADLINE, () => {})
    kernel.observe(message => {
      if (message.kind === 'oom') this.note(...oomLines(kernel, message.report))
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

  /** Lines of the log that are no outcome of the language and stay together. */
  note(...lines: readonly string[]): void {
    this.#addToLog(lines.join(`\n${this.#kernel.now} `))
  }

  #addToLog(line: string): void {
    this.log.push(`${this.#kernel.now} ${line}`)
    if (this.log.length > LOG_LINES) this.log.shift()
  }

  #runLine(run: Run, text: ByteString): void {
    const number = run.next + 1
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
    const job = { pid: 0, text, here: run.here, opener: run.opener, cursor: newCursor(), outcome: null }
    const outcome = this.#execute(job, true)
    if (outcome instanceof Waiting) {
      run.waiting++
      run.results.push([`${number} waits ${line.verb}`, outcome.words].filter(Boolean).join(' '))
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

  /**
   * Runs a line, or goes on with one that was begun. What its task cannot do now is queued, if it comes from a write
   * (`isNew`); so is what puts its task to sleep.
   */
  #execute(job: Job, isNew: boolean): Outcome | Refusal | Waiting {
    const { text, here, opener } = job
    const line = parseLine(text)
    if (line === undefined || line instanceof Wrong) return new Refusal(EINVAL, 'no line')
    const verb = verbs.get(line.verb)
    if (verb === undefined) {
      const [close] = nearest(line.verb, [...verbs.keys()])
      return new Refusal(EINVAL, `verb "${line.verb}" is not known; did you mean "${close}"?`)
    }
    if (verb.run === undefined)
      return new Refusal(EOPNOTSUPP, `${line.verb} is not modelled yet: step ${verb.arrives} brings it`)
    const around = { kernel: this.#kernel, here, opener }
    const args = checkWords(line, verb.usage, around)
    if (args instanceof Refusal) return args
    const task = verb.acts ? args.task() : undefined
    if (task !== undefined && isNew) {
      const reason = this.#reasonToWait(task)
      if (reason !== undefined) {
        this.jobs.push({ ...job, pid: task.pid })
        return new Waiting(`reason=${reason}`)
      }
    }
    this.kills.length = 0
    const outcome = this.#run(verb, { ...around, workload: this, cursor: job.cursor }, args, task)
    return task?.sleep == null || task.state !== 'alive' ? outcome : this.#cut(job, isNew, task, outcome)
  }

  #run(verb: Verb, ctx: Context, args: Args, task: Task | undefined): Outcome | Refusal {
    const was = this.#busy
    this.#busy = !verb.waits
    this.#running++
    try {
      const outcome = verb.run!(ctx, args)
      if (task === undefined) this.#kernel.settle()
      else endOfCall(ctx, task)
      return outcome
    } finally {
      this.#busy = was
      this.#running--
    }
  }

  /** The task fell asleep: the line goes on later, or is done and said to be later. */
  #cut(job: Job, isNew: boolean, task: Task, outcome: Outcome | Refusal): Waiting {
    const { reason, until } = task.sleep!
    const isUnfinished = !(outcome instanceof Refusal) && outcome.unfinished === true
    job.outcome = isUnfinished ? null : outcome
    if (isNew) this.jobs.push({ ...job, pid: task.pid })
    const words = outcome instanceof Refusal ? '' : outcome.words
    const end = Number.isFinite(until) ? `until=${until}` : ''
    return new Waiting([words, end, `reason=${reason}`].filter(Boolean).join(' '))
  }

  /** Why a task does not do a new line at once: it can act when it is alive, not stopped in any way, and has nothing queued. */
  #reasonToWait(task: Task): string | undefined {
    if (task.stopped) return 'stopped'
    if (task.sleep !== null || this.jobs.some(job => job.pid === task.pid)) return 'busy'
    return this.#isFree(task) ? undefined : 'frozen'
  }

  #isFree(task: Task): boolean {
    return isAwake(task) && !task.stopped && !task.frozen && (task.kthread || !isToBeFrozen(cgroupOf(task)))
  }

  /** Goes on with the queued lines whose tasks can act now. */
  runReady(): void {
    if (this.#busy) return
    for (let job = this.#nextReady(); job !== undefined; job = this.#nextReady()) this.#goOnWith(job)
  }

  /** The first line of a task that can act, or of one that is gone. */
  #nextReady(): Job | undefined {
    const behind = new Set<Pid>()
    return this.jobs.find(job => {
      const task = this.#kernel.tree.tasks.get(job.pid)
      if (task?.state !== 'alive') return true
      const isFirst = !behind.has(job.pid)
      behind.add(job.pid)
      return isFirst && this.#isFree(task)
    })
  }

  #goOnWith(job: Job): void {
    const task = this.#kernel.tree.tasks.get(job.pid)
    const outcome =
      task?.state !== 'alive' ? new Refusal(ESRCH, 'its task has exited') : (job.outcome ?? this.#execute(job, false))
    if (outcome instanceof Waiting) return
    this.jobs.splice(this.jobs.indexOf(job), 1)
    const verb = parseLine(job.text)
    const text = describe(verb === undefined || verb instanceof Wrong ? '?' : verb.verb, outcome)
    this.finished.push({ pid: job.pid, errno: outcome.errno, text })
    if (this.finished.length > LOG_LINES) this.finished.shift()
    this.#addToLog(`${pathOf(job.here)} later ${text}`)
  }

  /** Goes on with writes whose wait is over. */
  #resume(): void {
    const { pending: waiting } = this.state
    if (this.#running > 0 || waiting.length === 0) return
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
