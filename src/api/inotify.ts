/**
 * inotify in process: watches on nodes, and the queue of what happened. Kernel: fs/notify/inotify/.
 */
import type { NodeId } from '../kernfs/door.ts'
import type { ByteString } from '../units.ts'

export interface InotifyEvent {
  /** Number of the watch, from 1 in the order they were added. */
  readonly wd: number
  /** Names of the bits, joined by `|`. */
  readonly mask: string
  /** Name of the entry in a watched directory; empty for the watched node itself. */
  readonly name: ByteString
}

/** One inotify descriptor. */
export interface InotifyWatch {
  readonly id: number
}

interface Watch {
  readonly wd: number
  /** Events that are wanted, without the bits that only explain them; undefined for all. */
  readonly events: readonly string[] | undefined
}

interface Instance {
  readonly nodes: Map<NodeId, Watch>
  readonly queue: InotifyEvent[]
}

/** Plain data. */
export interface InotifyState {
  readonly instances: Map<number, Instance>
  nextId: number
}

export class Inotify {
  readonly state: InotifyState
  #hasNews = false

  constructor(state: InotifyState = { instances: new Map(), nextId: 1 }) {
    this.state = state
  }

  /** Somebody watches something. */
  get isWatching(): boolean {
    return this.state.instances.size > 0
  }

  open(): InotifyWatch {
    const id = this.state.nextId++
    this.state.instances.set(id, { nodes: new Map(), queue: [] })
    return { id }
  }

  close({ id }: InotifyWatch): void {
    this.state.instances.delete(id)
  }

  /** Watches a node; the number of the watch. `events` such as `IN_MODIFY` are all when absent. */
  add({ id }: InotifyWatch, node: NodeId, events?: readonly string[]): number {
    const { nodes } = this.state.instances.get(id)!
    const wd = nodes.get(node)?.wd ?? nodes.size + 1
    nodes.set(node, { wd, events })
    return wd
  }

  /** Queues an event for whoever watches the node. Of equal events in a row one is kept. */
  raise(node: NodeId, mask: string, name: ByteString = ''): void {
    for (const { nodes, queue } of this.state.instances.values()) {
      const watch = nodes.get(node)
      if (watch === undefined) continue
      const { wd, events } = watch
      if (events !== undefined && !events.includes(mask.split('|', 1)[0]!)) continue
      const last = queue.at(-1)
      if (last?.wd === wd && last.mask === mask && last.name === name) continue
      queue.push({ wd, mask, name })
      this.#hasNews = true
    }
  }

  /** Whether anything was queued since the last time somebody asked. */
  takeNews(): boolean {
    const had = this.#hasNews
    this.#hasNews = false
    return had
  }

  /** Takes what is queued. */
  read({ id }: InotifyWatch): InotifyEvent[] {
    return this.state.instances.get(id)?.queue.splice(0) ?? []
  }
}
