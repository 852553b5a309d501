/**
 * The cgroup core of one kernel: hierarchies, states, tasks. Kernel: kernel/cgroup/.
 *
 * All of it is plain data but `controllers`, `tables` and `host`, which every copy of a kernel is given anew.
 */
import type { Clock } from '../clock.ts'
import type { Engine } from '../engine/engine.ts'
import type { KernelObjects, KernelPages } from '../engine/kmem.ts'
import type { ListenerId } from '../engine/memcg-v1.ts'
import { createPool, type Pool } from '../pool.ts'
import type { ByteString, Nanoseconds, Pid } from '../units.ts'
import type { Cgroup, ControllerSet, Hierarchy } from './cgroup.ts'
import { type Controller, type FileRow, type FileTable, tableOf } from './controller.ts'
import type { Css } from './css.ts'
import type { FileBlock } from './files.ts'
import type { Host } from './host.ts'
import type { HostSignal, Listener } from './listeners.ts'
import type { Refusals } from './refused.ts'
import type { Task } from './task.ts'

/** Kernel objects that belong to a name instead of a task, so that they survive it. */
export interface TagHoldings {
  readonly objects: KernelObjects[]
  readonly pages: KernelPages[]
}

/** A file has changed without being written: who polls or watches it is told. */
export interface FileChange {
  readonly block: FileBlock
  /** Index of the row. */
  readonly row: number
}

/** Version 1: a cgroup fell empty and its release agent would be run. */
export interface Release {
  readonly agent: ByteString
  /** Its argument: the cgroup from the root of its hierarchy. */
  readonly path: ByteString
}

/** Parts of a row of state counts. */
export const STATE_COUNTS = { live: 0, dying: 1 } as const

export interface Tree {
  readonly engine: Engine
  readonly clock: Clock
  readonly hierarchies: Hierarchy[]
  /** By slot. */
  readonly css: (Css | null)[]
  readonly freeCss: number[]
  /** State of the memory controller by the slot of its memcg. */
  readonly cssOfMemcg: (Css | null)[]
  /** Per cgroup: live and dying states of each controller, here and below. */
  readonly stateCounts: Pool

  /** Living and unreaped tasks by thread id. */
  readonly tasks: Map<Pid, Task>
  /** Simulated tasks by the name a script gave them. */
  readonly tasksByName: Map<string, Task>
  nextPid: Pid
  /** Where the next simulated task is placed: they go round the CPUs. */
  nextCpu: number
  /** Tasks that are processes of the host. */
  realTasks: number
  readonly tags: Map<string, TagHoldings>

  /** Files by the serial number of their block. */
  readonly blocks: Map<number, FileBlock>
  nextBlock: number
  /** Counts changes of names anywhere. */
  namesVersion: number
  /** Told to the file system at the end of an operation, in order. */
  readonly changes: FileChange[]
  /** Files that have vanished in this operation. */
  readonly deadBlocks: FileBlock[]
  /** Files that have appeared in this operation. */
  readonly newBlocks: FileBlock[]
  /** Cgroups whose pressure files were hidden or shown in this operation. */
  readonly pressureChanged: Cgroup[]
  /** Triggers on pressure that have fired in this operation. */
  readonly firedTriggers: number[]
  /** Release agents that were called for in this operation. */
  readonly releases: Release[]
  /** Version 1: who is told of memory events. */
  readonly listeners: Map<ListenerId, Listener>
  nextListener: ListenerId
  /** Time that the operation slept in the kernel: it passes at its end. */
  slept: Nanoseconds
  /** Eventfds of the door that were signalled in this operation. */
  readonly signals: HostSignal[]
  /** What was refused last, for those who ask why. */
  readonly refusals: Refusals

  readonly controllers: readonly Controller[]
  /** Rows that exist: per controller, core first, on either version below the root and on it; control files last. */
  readonly tables: readonly FileTable[]
  readonly host: Host
}

/** Bit of a controller. */
export const bit = (controller: number): ControllerSet => 1 << controller

/** The controllers of a set, in the kernel's order. */
export function* inSet(tree: Tree, set: ControllerSet): Generator<number> {
  for (let c = 0; c < tree.controllers.length; c++) if ((set & bit(c)) !== 0) yield c
}

/** The set of those controllers that answer yes. */
export function setOf(controllers: readonly Controller[], belongs: (controller: Controller) => boolean): ControllerSet {
  return controllers.reduce((set, controller, c) => (belongs(controller) ? set | bit(c) : set), 0)
}

/** Number of the table with the files of a controller (SELF for the core) in the directory of a cgroup. */
export function tableNumber(controller: number, { parent, hierarchy }: Pick<Cgroup, 'parent' | 'hierarchy'>): number {
  return 4 * (controller + 1) + (hierarchy.version === 1 ? 2 : 0) + (parent === null ? 1 : 0)
}

/** Numbers of the tables that are no controller's. */
export interface OwnTables {
  /** Files of the `.memcgfs` of a cgroup, and of that of the whole machine. */
  readonly control: number
  readonly machineControl: number
  /** The directory of the mount where it holds hierarchies and is no cgroup: it has no files. */
  readonly top: number
}

export function ownTables({ controllers }: Pick<Tree, 'controllers'>): OwnTables {
  const control = 4 * (controllers.length + 1)
  return { control, machineControl: control + 1, top: control + 2 }
}

/** What a kernel is started with. */
export interface TreeSetup {
  readonly engine: Engine
  readonly controllers: readonly Controller[]
  /** Files of the cgroup core. */
  readonly core: Controller
  /** Files of the control directory `.memcgfs`. */
  readonly control: readonly FileRow[]
  readonly host: Host
}

export function buildTables({ engine, controllers, core, control }: Omit<TreeSetup, 'host'>): FileTable[] {
  const { features, machine } = engine
  const table = (files: readonly FileRow[], isRoot: boolean): FileTable => tableOf(files, isRoot, features, machine)
  const both = (files: readonly FileRow[]): FileTable[] => [table(files, false), table(files, true)]
  return [
    ...[core, ...controllers].flatMap(({ files, legacyFiles }) => [...both(files), ...both(legacyFiles ?? [])]),
    ...both(control),
    table([], true),
  ]
}

/** Pids of simulated tasks start above any a kernel gives to a process (workload.md §5). */
export const FIRST_SIMULATED_PID: Pid = 5_000_001

/** A tree without what is static or belongs to the host: plain data. */
export type TreeState = Omit<Tree, 'controllers' | 'tables' | 'host'>

/** A tree of its own, or one that goes on from a state. */
export function createTree(setup: TreeSetup, state: TreeState = emptyTree(setup)): Tree {
  const { controllers, host } = setup
  return {
    ...state,
    controllers,
    tables: buildTables(setup),
    host,
  }
}

/** What can be copied, and given to `createTree` elsewhere. */
export function treeState(tree: Tree): TreeState {
  const { controllers: _, tables: __, host: ___, ...state } = tree
  return state
}

function emptyTree({ engine, controllers }: TreeSetup): TreeState {
  return {
    engine,
    clock: engine.clock,
    hierarchies: [],
    css: [],
    freeCss: [],
    cssOfMemcg: [],
    stateCounts: createPool(2 * controllers.length, 64),
    tasks: new Map(),
    tasksByName: new Map(),
    nextPid: FIRST_SIMULATED_PID,
    nextCpu: 0,
    realTasks: 0,
    tags: new Map(),
    blocks: new Map(),
    nextBlock: 0,
    namesVersion: 0,
    changes: [],
    deadBlocks: [],
    newBlocks: [],
    pressureChanged: [],
    firedTriggers: [],
    releases: [],
    listeners: new Map(),
    nextListener: 1,
    slept: 0,
    signals: [],
    refusals: new Map(),
  }
}

/** Notes that a file of a state has changed, if that state shows it. */
export function fileChanged(tree: Tree, css: Css | null, name: string): void {
  if (css?.files == null) return
  const row = tree.tables[css.files.table]!.index.get(name)
  if (row !== undefined) tree.changes.push({ block: css.files, row })
}
