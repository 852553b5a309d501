/**
 * Where a simulated machine lives: in this thread, or while it is mounted in the thread of its mount. Whoever uses it
 * from here does so through a Home and does not see it move: what is open stays open, and a call goes to where the
 * machine is.
 *
 * The state moves as a whole. Into the mount goes a copy; what is called until the mount can be used is done here and
 * repeated there, so that both are equal when the mount takes over. The model is deterministic, which makes that right.
 */
import type { Surroundings } from '../../src/api/boot.ts'
import type { ResolvedOptions } from '../../src/api/options.ts'
import { Process, type ProcessOptions } from '../../src/api/process.ts'
import { System, type SystemPlace, type SystemState } from '../../src/api/system.ts'
import type { Kernel } from '../../src/kernel.ts'
import { MountError } from '../fuse/errors.ts'
import type { Session } from '../fuse/session.ts'
import { hostProcesses } from '../host/processes.ts'
import { hostTime } from './host-time.ts'
import type { Calls, MachineCalls } from './messages.ts'
import { type MountChoices, MountedMachine, type Target } from './mounted-machine.ts'

/** A process that uses the machine from here. `calls` is another object after each move. */
export interface Seat {
  readonly id: number
  calls: Calls
}

const CALLS = Object.getOwnPropertyNames(Process.prototype).filter(name => name !== 'constructor')
const MACHINE_CALLS: readonly (keyof MachineCalls)[] = ['now', 'advance', 'spawn', 'addPid', 'exitPid']

/** Makes a call somewhere else than the machine itself would. */
type Pass = (target: Target) => unknown

export class Home {
  /** The machine, wherever it is. */
  machine: MachineCalls
  readonly #seats: Seat[] = []
  readonly #followers = new Set<() => void>()
  #system: System | undefined
  #session: Session | undefined
  /** Undefined while the machine is here and at rest. */
  #pass: Pass | undefined

  constructor(options: ResolvedOptions, surroundings: Omit<Surroundings, 'host'>) {
    this.#system = System.boot(options, surroundings, this.#place(options.clock))
    this.machine = this.#system
    this.#listen(this.#system)
  }

  /** Throws while the machine is mounted: it is in another thread then. */
  get kernel(): Kernel {
    return this.#here().kernel
  }

  /** The mount it lives in, if any. */
  get session(): Session | undefined {
    return this.#session
  }

  /** It was lost with a mount: every call throws. */
  get ended(): boolean {
    return this.#system === undefined && this.#session === undefined
  }

  /** A new process. */
  sit(options: ProcessOptions): Seat {
    const id = this.machine.spawn(options)
    const seat = { id, calls: this.#callsOf(id) }
    this.#seats.push(seat)
    return seat
  }

  /** Follows the machine: calls `follower` when watchers may have something to read. Returns what ends that. */
  onNews(follower: () => void): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  /** Mounts the machine on a directory. It lives there until that is unmounted, by whomever. */
  async mount(dir: string, choices: MountChoices): Promise<Session> {
    if (this.#session !== undefined)
      throw new MountError('EBUSY', `${dir}: this kernel is mounted already, on ${this.#session.dir}`)
    const system = this.#here()
    if (this.#pass !== undefined) throw new MountError('EBUSY', `${dir}: this kernel is being mounted already`)
    const journal: Target[] = []
    this.#move(target => {
      journal.push(structuredClone(target))
      return call(system, target)
    })
    try {
      const listener = { onNews: () => this.#tell(), onReturn: (state?: SystemState) => this.#comeBack(state) }
      const mounted = await MountedMachine.start(dir, system.state, choices, listener)
      this.#session = sessionOf(mounted)
      this.#leaveFor(mounted, journal)
      return this.#session
    } catch (error) {
      this.#move(undefined)
      throw error
    }
  }

  #leaveFor(mounted: MountedMachine, journal: readonly Target[]): void {
    this.#system = undefined
    const pass: Pass = target =>
      mounted.call(target, {
        again: () => call(this.#here(), target),
        wait: ticket => this.#here().vfs.await(ticket),
      })
    this.#move(pass)
    for (const target of journal) pass(target)
  }

  #comeBack(state: SystemState | undefined): void {
    this.#session = undefined
    if (state !== undefined) {
      this.#system = System.resume(state, { ...this.#place(state.machine.setup.clock), host: hostProcesses })
      this.#listen(this.#system)
    }
    this.#move(state === undefined ? () => this.#here() : undefined)
  }

  /** From now on calls go another way. */
  #move(pass: Pass | undefined): void {
    this.#pass = pass
    this.machine = pass === undefined ? this.#here() : passing(MACHINE_CALLS, (name, args) => pass({ name, args }))
    for (const seat of this.#seats) seat.calls = this.#callsOf(seat.id)
  }

  #callsOf(process: number): Calls {
    const pass = this.#pass
    if (pass === undefined) return this.#here().process(process)
    return passing(CALLS, (name, args) => pass({ process, name, args }))
  }

  #here(): System {
    if (this.#system !== undefined) return this.#system
    if (this.#session === undefined) throw new Error('the kernel has ended with its mount (keep: false, or a crash)')
    throw new Error(`the kernel is in another thread while it is mounted on ${this.#session.dir}`)
  }

  #place(clock: ResolvedOptions['clock']): SystemPlace {
    return clock === 'real' ? { time: hostTime(() => this.#system?.vfs.poke()) } : {}
  }

  #listen(system: System): void {
    system.vfs.onEvents(() => this.#tell())
  }

  #tell(): void {
    for (const follower of this.#followers) follower()
  }
}

/** The system calls of a seat as one object that is good for ever. */
export const callsOf = (seat: Seat): Calls => passing(CALLS, (name, args) => invoke(seat.calls, name, args))

const call = (system: System, { process, name, args }: Target): unknown =>
  invoke(process === undefined ? system : system.process(process), name, args)

const invoke = (on: object, name: string, args: readonly unknown[]): unknown =>
  (on as Record<string, (...args: readonly unknown[]) => unknown>)[name]!(...args)

/** An object with methods of these names, all of which do the same: pass the call on. */
const passing = <T>(names: readonly string[], pass: (name: string, args: readonly unknown[]) => unknown): T =>
  Object.fromEntries(names.map(name => [name, (...args: readonly unknown[]) => pass(name, args)])) as T

/** A session that ends when the machine is back. */
function sessionOf(mounted: MountedMachine): Session {
  const { session } = mounted
  const closed = mounted.untilReturned()
  closed.catch(() => undefined) // Nobody has to wait for it.
  return {
    dir: session.dir,
    closed,
    async unmount(options) {
      await session.unmount(options)
      await closed
    },
    call: message => session.call(message),
    callSync: message => session.callSync(message),
  }
}
