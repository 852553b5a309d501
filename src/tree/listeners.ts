/**
 * Who is told of memory events on version 1: eventfds that were named in cgroup.event_control, and open
 * `.memcgfs/notify` files. Kernel: struct mem_cgroup_event, fs/eventfd.c.
 *
 * The engine knows listeners by number. An eventfd of a real process belongs to the door: it is one of its descriptors,
 * which it holds until it was signalled for the last time.
 */
import { removeListener } from '../engine/listeners.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import type { ListenerId } from '../engine/memcg-v1.ts'
import type { FileChange, Tree } from './tree.ts'

/** Counts signals until somebody reads it. */
export interface EventCounter {
  count: number
}

export type EventTarget =
  /** An eventfd of a simulated process. */
  | { readonly kind: 'counter'; readonly counter: EventCounter }
  /** A line of an open `notify` file, which changes with it. */
  | { readonly kind: 'file'; readonly counter: EventCounter; readonly file: FileChange }
  /** An eventfd of a real process: the descriptor that the door holds of it. */
  | { readonly kind: 'host'; readonly fd: number }

export interface Listener {
  readonly target: EventTarget
  /** Slot of the memcg it listens to. */
  readonly memcg: number
}

/** Told to the door at the end of an operation. */
export interface HostSignal {
  readonly fd: number
  /** How often the eventfd was signalled. */
  times: number
  /** The door need not hold it any more. */
  isLast: boolean
}

export function addListener(tree: Tree, m: MemCgroup, target: EventTarget): ListenerId {
  tree.listeners.set(tree.nextListener, { target, memcg: m.slot })
  return tree.nextListener++
}

/** It is not listening any more, and is not told so. */
export function dropListener(tree: Tree, listener: ListenerId): void {
  const found = tree.listeners.get(listener)
  if (found === undefined) return
  removeListener(tree.engine, tree.engine.memcgs[found.memcg]!, listener)
  tree.listeners.delete(listener)
  if (found.target.kind === 'host') signalHost(tree, found.target.fd, 0, true)
}

/** An eventfd of a simulated process is closed. */
export function dropCounter(tree: Tree, counter: EventCounter): void {
  for (const [listener, { target }] of [...tree.listeners])
    if (target.kind !== 'host' && target.counter === counter) dropListener(tree, listener)
}

export function tellListener(tree: Tree, listener: ListenerId, isLast: boolean): void {
  const target = tree.listeners.get(listener)?.target
  if (target === undefined) return
  if (isLast) tree.listeners.delete(listener)
  if (target.kind === 'host') signalHost(tree, target.fd, 1, isLast)
  else {
    target.counter.count++
    if (target.kind === 'file') tree.changes.push(target.file)
  }
}

function signalHost({ signals }: Tree, fd: number, times: number, isLast: boolean): void {
  const same = signals.find(each => each.fd === fd)
  if (same === undefined) signals.push({ fd, times, isLast })
  else {
    same.times += times
    same.isLast ||= isLast
  }
}

/** The door that held descriptors is gone, and they with it. */
export function forgetHostListeners(tree: Tree): void {
  for (const [listener, { target }] of [...tree.listeners]) if (target.kind === 'host') dropListener(tree, listener)
  tree.signals.length = 0
}
