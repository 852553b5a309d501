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
  readonly nodes: Map<NodeId, number>
  readonly queue: InotifyEvent[]
}

export class Inotify {
  readonly #instances = new Set<InotifyWatch>()

  /** Somebody watches something. */
  get isWatching(): boolean {
    return this.#instances.size > 0
  }

  open(): InotifyWatch {
    const instance: InotifyWatch = { nodes: new Map(), queue: [] }
    this.#instances.add(instance)
    return instance
  }

  close(instance: InotifyWatch): void {
    this.#instances.delete(instance)
  }

  /** Watches a node; the number of the watch. */
  add(instance: InotifyWatch, node: NodeId): number {
    const wd = instance.nodes.get(node) ?? instance.nodes.size + 1
    instance.nodes.set(node, wd)
    return wd
  }

  /** Queues an event for whoever watches the node. Of equal events in a row one is kept. */
  raise(node: NodeId, mask: string, name: ByteString = ''): void {
    for (const { nodes, queue } of this.#instances) {
      const wd = nodes.get(node)
      if (wd === undefined) continue
      const last = queue.at(-1)
      if (last?.wd === wd && last.mask === mask && last.name === name) continue
      queue.push({ wd, mask, name })
    }
  }

  /** Takes what is queued. */
  read(instance: InotifyWatch): InotifyEvent[] {
    return instance.queue.splice(0)
  }
}
