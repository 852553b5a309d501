/**
 * A simulated machine as programs meet it: a kernel with its file system, the processes that use it, and who watches
 * what. It runs where it is made; its state can be moved to another thread and go on there.
 *
 * @example
 * const owner = { uid: 0, gid: 0 }
 * const system = System.boot(resolveOptions({}, 'manual'), { bootTime: MANUAL_BOOT_TIME, owner })
 * const shell = system.process(system.spawn({ pid: 100 }))
 * shell.mkdir('/a', 0o755)
 * const copy = System.resume(unpack(structuredClone(pack(system.state))) as SystemState)
 * shell.rmdir('/a')
 * console.log(shell.mkdir('/a', 0o755), copy.process(1).mkdir('/a', 0o755)) // 0 -17
 */
import type { Errno } from '../errno.ts'
import { type Answer, explain } from '../explain/explain.ts'
import type { Kernel } from '../kernel.ts'
import type { Handle, NodeId } from '../kernfs/door.ts'
import { Kernfs } from '../kernfs/kernfs.ts'
import { type Host, NO_HOST } from '../tree/host.ts'
import type { ByteString, Nanoseconds, Pid } from '../units.ts'
import { boot, type Surroundings } from './boot.ts'
import { Inotify, type InotifyState } from './inotify.ts'
import type { ResolvedOptions } from './options.ts'
import { Process, type ProcessOptions, type ProcessState } from './process.ts'
import { exportState, importState, keepOnly, type MachineState } from './state.ts'
import { type HostTime, ProcessTable, type ProcessTableState, Vfs } from './vfs.ts'

/** Everything there is between two operations, as plain data. */
export interface SystemState {
  readonly machine: MachineState
  readonly inotify: InotifyState
  readonly table: ProcessTableState
  readonly processes: ReadonlyMap<number, ProcessState>
  readonly nextProcess: number
}

/** What a system is given anew wherever it runs. */
export interface SystemPlace {
  /** Real processes; nobody when absent. */
  readonly host?: Host
  /** Absent on a manual clock. */
  readonly time?: HostTime
  /** The file system, when it is more than `Kernfs`. */
  readonly create?: Parameters<typeof importState>[2]
}

export class System {
  readonly vfs: Vfs
  readonly table: ProcessTable
  readonly #processes: Map<number, Process>
  #nextProcess: number

  private constructor(vfs: Vfs, table: ProcessTable, processes = new Map<number, Process>(), nextProcess = 1) {
    this.vfs = vfs
    this.table = table
    this.#processes = processes
    this.#nextProcess = nextProcess
  }

  static boot(options: ResolvedOptions, surroundings: Omit<Surroundings, 'host'>, place: SystemPlace = {}): System {
    const table = new ProcessTable(place.host)
    const { kernel, opens } = boot(options, { ...surroundings, host: table })
    const door = place.create?.(kernel, opens) ?? new Kernfs(kernel, opens)
    return new System(new Vfs(door, place.time), table)
  }

  /** Goes on from a state, which is its own from then on. */
  static resume(state: SystemState, { host = NO_HOST, time, create }: SystemPlace = {}): System {
    const table = new ProcessTable(host, state.table)
    const door = importState(state.machine, table, create)
    const vfs = new Vfs(door, time, new Inotify(state.inotify))
    const processes = [...state.processes].map(([id, each]): [number, Process] => [
      id,
      new Process(vfs, each.options, each),
    ])
    return new System(vfs, table, new Map(processes), state.nextProcess)
  }

  /** Not a copy: that of the running system. */
  get state(): SystemState {
    this.vfs.poke()
    return {
      machine: exportState(this.vfs.door),
      inotify: this.vfs.inotify.state,
      table: this.table.state,
      processes: new Map([...this.#processes].map(([id, process]) => [id, process.state])),
      nextProcess: this.#nextProcess,
    }
  }

  get kernel(): Kernel {
    return this.vfs.door.kernel
  }

  now(): Nanoseconds {
    return this.kernel.now
  }

  /**
   * Why the file of this path has its value, and why the last operation on it was refused, as data. ENOENT where there
   * is nothing to tell.
   *
   * @example
   * const owner = { uid: 0, gid: 0 }
   * const system = System.boot(resolveOptions({}, 'manual'), { bootTime: MANUAL_BOOT_TIME, owner })
   * const shell = system.process(system.spawn({ pid: 100 }))
   * shell.writeFile('/cgroup.subtree_control', '+io -memory +none')
   * const answer = system.explain('/cgroup.subtree_control')
   * if (typeof answer !== 'number') console.log(answer.refused?.errno) // EINVAL
   */
  explain(path: ByteString): Answer | Errno {
    return explain(this.kernel.tree, this.kernel.setup.profile, path)
  }

  /** Lets time pass. */
  advance(time: Nanoseconds): void {
    this.vfs.request(() => this.kernel.advanceTo(this.kernel.now + time))
  }

  /** A program starts to use the system; the number of its process here, which is not its pid. */
  spawn(options: ProcessOptions): number {
    const id = this.#nextProcess++
    this.#processes.set(id, new Process(this.vfs, options))
    return id
  }

  process(id: number): Process {
    const process = this.#processes.get(id)
    if (process === undefined) throw new RangeError(`there is no process ${id} here`)
    return process
  }

  /** A process of this pid exists on the simulated host from now on, if none does. */
  addPid(pid: Pid): void {
    if (!this.table.state.processes.has(pid)) this.table.add(pid)
  }

  exitPid(pid: Pid): void {
    this.table.exit(pid)
  }

  /** The mount this system served is gone: so is everything that was open or known through it. */
  forgetMount(): void {
    const handles = new Set<Handle>()
    const nodes: NodeId[] = []
    for (const { state } of this.#processes.values()) {
      for (const { node, handle } of state.fds.values()) {
        if (handle === undefined) nodes.push(node)
        else handles.add(handle)
      }
    }
    for (const instance of this.vfs.inotify.state.instances.values()) nodes.push(...instance.nodes.keys())
    keepOnly(this.vfs.door, { handles, nodes })
    this.vfs.poke()
  }
}
