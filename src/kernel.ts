/**
 * One simulated kernel: everything that is booted, and the order in which things happen in it.
 *
 * An operation runs to its end, then `settle` lets what it caused happen: what the engine reported (kills, events,
 * releases), and whatever deferred work is due at the present time. Time only moves through `advanceTo`.
 */
import { createClock, moveTo, nextDue, takeDue, type WorkItem } from './clock.ts'
import { controllers, core } from './controllers/index.ts'
import { createEngine, type Engine, type EngineMessage } from './engine/engine.ts'
import { HIGH_WORK, reclaimOverHigh } from './engine/high.ts'
import type { Machine, ModelOptions } from './engine/machine.ts'
import { createQueuedCopy, destroyKilled, shrinkDeactivated } from './engine/memcgcache.ts'
import { freeDyingNames, NAMES_FREE } from './engine/names.ts'
import { victimExits as endVictim, OOM_EXIT } from './engine/oom.ts'
import { disposeLater, RECHARGE } from './engine/orphans.ts'
import { holdEnds, STALL_ENDS } from './engine/psi/hold.ts'
import { PSI_POLL, PSI_STEP, pollDue, stepDue } from './engine/psi/trigger.ts'
import { TRIM } from './engine/slab/arrays.ts'
import { trimIdle } from './engine/slab/slub.ts'
import { UNCHARGED_PAGES } from './engine/slabpages.ts'
import { periodicFlush } from './engine/vmstat.ts'
import { endWriteback, FLUSHER, runFlusher, WRITTEN } from './engine/writeback.ts'
import { sampleZombies } from './engine/zombiemetrics.ts'
import type { Profile } from './profiles/profiles.ts'
import { cssFree, cssKilled, cssRelease, releaseIfUnused } from './tree/css.ts'
import type { Owner } from './tree/files.ts'
import { taskStops } from './tree/freezer.ts'
import { createHierarchies, type Layout } from './tree/hierarchy.ts'
import type { Host } from './tree/host.ts'
import { signalVictim, victimExits } from './tree/kill.ts'
import { tellListener } from './tree/listeners.ts'
import { TASK_WAKES, timeComes, wakeSleepers } from './tree/sleep.ts'
import { createTree, fileChanged, type Tree, type TreeState, treeState } from './tree/tree.ts'
import type { Nanoseconds, Pages } from './units.ts'
import { controlFiles } from './workload/control.ts'
import { Workload, type WorkloadState } from './workload/workload.ts'

export interface KernelSetup {
  readonly profile: Profile
  readonly machine: Machine
  readonly options: ModelOptions
  readonly hierarchy: Layout
  readonly swapTotal: Pages
  /** Feeds experiments, fault plans and generators. Nothing in the model itself is left to chance. */
  readonly seed: number
  /** Unix time of the simulated boot, in seconds: what file times are counted from. */
  readonly bootTime: number
  /** Who owns the root directory, and acts as the administrator besides root. */
  readonly owner: Owner
  /** `real`: time goes on with the host's. `manual`: only when it is told to. */
  readonly clock: 'real' | 'manual'
  readonly host: Host
}

/** A kernel between two operations, as plain data: a copy of it is a second kernel that goes on independently. */
export interface KernelState {
  readonly engine: Engine
  readonly tree: TreeState
  readonly workload: WorkloadState
}

/** What deferred work does, by the kind of its item. */
export type WorkHandler = (kernel: Kernel, a: number, b: number) => void

/** Work items run here (workload.md §8.1). */
const WORK_CPU = 0

const HANDLERS: Readonly<Record<string, WorkHandler>> = {
  'rstat-flush': kernel => periodicFlush(kernel.engine),
  'cache-create': (kernel, memcg, cache) => createQueuedCopy(kernel.engine, memcg, cache),
  'cache-shrink': (kernel, cache) => shrinkDeactivated(kernel.engine, cache),
  'cache-destroy': (kernel, cache) => destroyKilled(kernel.engine, cache),
  [HIGH_WORK]: (kernel, slot) => reclaimOverHigh(kernel.engine, slot, WORK_CPU),
  [NAMES_FREE]: (kernel, batch) => freeDyingNames(kernel.engine, batch),
  [FLUSHER]: kernel => runFlusher(kernel.engine),
  [WRITTEN]: (kernel, round) => endWriteback(kernel.engine, round),
  [TRIM]: (kernel, round) => trimIdle(kernel.engine, round, UNCHARGED_PAGES),
  [RECHARGE]: (kernel, slot) => disposeLater(kernel.engine, slot),
  'css-killed': (kernel, slot) => cssKilled(kernel.tree, slot),
  'css-release': (kernel, slot) => cssRelease(kernel.tree, slot),
  'css-free': (kernel, slot) => cssFree(kernel.tree, slot),
  [OOM_EXIT]: (kernel, mm) => endVictim(kernel.engine, mm),
  [PSI_STEP]: (kernel, group) => stepDue(kernel.engine, group),
  [PSI_POLL]: (kernel, group) => pollDue(kernel.engine, group),
  [STALL_ENDS]: (kernel, group, hold) => holdEnds(kernel.engine, group, hold),
  [TASK_WAKES]: (kernel, pid) => {
    timeComes(kernel.tree, kernel.tree.tasks.get(pid))
    kernel.workload.runReady()
  },
  'task-stops': (kernel, pid) => taskStops(kernel.tree, kernel.tree.tasks.get(pid)),
}

export class Kernel {
  readonly setup: KernelSetup
  readonly engine: Engine
  readonly tree: Tree
  readonly workload: Workload
  readonly #handlers = new Map<string, WorkHandler>(Object.entries(HANDLERS))
  /** Told of every message of the engine, before it takes effect. */
  readonly #observers: ((message: EngineMessage) => void)[] = []
  readonly #followers: (() => void)[] = []

  /** Boots, or goes on from the state of a kernel with the same setup. */
  constructor(setup: KernelSetup, state?: KernelState) {
    this.setup = setup
    const { profile, machine, options, swapTotal, hierarchy, host } = setup
    this.engine =
      state?.engine ??
      createEngine({ features: profile.features, machine, options, hierarchy, clock: createClock(), swapTotal })
    const control = controlFiles(
      () => this,
      () => this.workload,
    )
    this.tree = createTree({ engine: this.engine, controllers, core, control, host }, state?.tree)
    this.workload = new Workload(this, state?.workload)
    if (state !== undefined) return
    createHierarchies(this.tree, setup.hierarchy, setup.owner)
  }

  /** Not a copy: good until the next operation. */
  get state(): KernelState {
    return { engine: this.engine, tree: treeState(this.tree), workload: this.workload.state }
  }

  get now(): Nanoseconds {
    return this.engine.clock.now
  }

  /** When deferred work is next due; Infinity if none is. */
  get nextDue(): Nanoseconds {
    return nextDue(this.engine.clock)
  }

  /** A part above this one that defers work of its own. */
  handle(kind: string, handler: WorkHandler): void {
    this.#handlers.set(kind, handler)
  }

  /** A part above this one that wants to know what the engine reports. */
  observe(observer: (message: EngineMessage) => void): void {
    this.#observers.push(observer)
  }

  /** A part above this one that goes on with something once an operation has settled. */
  afterSettle(follower: () => void): void {
    this.#followers.push(follower)
  }

  /** Ends an operation: lets happen what it caused, at the present time. */
  settle(): void {
    this.#drain()
    this.#passSleep()
    this.#runDue(this.now)
    for (const { agent, path } of this.tree.releases.splice(0)) this.workload.note(`release agent ${agent} ${path}`)
    for (const follower of this.#followers) follower()
  }

  /** What the operation slept is over. It slept alone: nobody else is kept waiting for it. */
  #passSleep(): void {
    const { slept } = this.tree
    if (slept === 0) return
    this.tree.slept = 0
    this.advanceTo(this.now + slept)
  }

  /** Moves time forward to `time`; deferred work due on the way runs at its own time. */
  advanceTo(time: Nanoseconds): void {
    if (time < this.now) return
    this.#runDue(time)
    sampleZombies(this.engine, time)
    moveTo(this.engine.clock, time)
  }

  /** Runs the next item of deferred work, moving time to it; undefined if none is due by `limit`. */
  step(limit: Nanoseconds): WorkItem | undefined {
    if (this.nextDue <= limit) sampleZombies(this.engine, this.nextDue)
    const item = takeDue(this.engine.clock, limit)
    if (item === undefined) return undefined
    const handler = this.#handlers.get(item.kind)
    if (handler === undefined) throw new Error(`nobody handles deferred work of the kind ${item.kind}`)
    handler(this, item.a, item.b)
    this.#drain()
    return item
  }

  #runDue(limit: Nanoseconds): void {
    while (this.step(limit) !== undefined);
  }

  #drain(): void {
    const { outbox } = this.engine
    // Handling one message may add others.
    for (let i = 0; i < outbox.length; i++) {
      const message = outbox[i]!
      for (const observer of this.#observers) observer(message)
      this.#dispatch(message)
    }
    outbox.length = 0
  }

  #dispatch(message: EngineMessage): void {
    const { tree } = this
    switch (message.kind) {
      case 'event':
        fileChanged(tree, tree.cssOfMemcg[message.memcg] ?? null, message.file)
        break
      case 'kill':
        signalVictim(tree, message.mm)
        break
      case 'exit':
        victimExits(tree, message.mm)
        break
      case 'pressure':
        tree.firedTriggers.push(message.trigger)
        break
      case 'wake':
        wakeSleepers(tree, message.mm)
        break
      case 'signal':
        tellListener(tree, message.listener, message.isLast)
        break
      case 'unpinned': {
        const css = tree.cssOfMemcg[message.memcg]
        if (css) releaseIfUnused(tree, css)
        break
      }
    }
  }
}
