/**
 * What memory.events, memory.events.local and memory.swap.events count. Kernel: memcg_memory_event,
 * include/linux/memcontrol.h. Each count also tells the tree which file has changed, for poll and inotify.
 */
import { allocRow } from '../pool.ts'
import type { Engine } from './engine.ts'
import type { MemCgroup } from './memcg.ts'

/** In the order in which the file prints those that the kernel has. */
const MEMORY_EVENTS = ['low', 'high', 'max', 'oom', 'oom_kill', 'oom_group_kill', 'sock_throttled'] as const
export type MemoryEvent = (typeof MEMORY_EVENTS)[number]

const SWAP_EVENTS = ['high', 'max', 'fail'] as const
export type SwapEvent = (typeof SWAP_EVENTS)[number]

const LOCAL = MEMORY_EVENTS.length
const SWAP = 2 * MEMORY_EVENTS.length
export const EVENT_COLUMNS = SWAP + SWAP_EVENTS.length

function add(e: Engine, m: MemCgroup, column: number, times: number): void {
  if (m.events === -1) m.events = allocRow(e.eventCounts)
  e.eventCounts.data[m.events * EVENT_COLUMNS + column]! += times
}

function read(e: Engine, m: MemCgroup, column: number): number {
  return m.events === -1 ? 0 : e.eventCounts.data[m.events * EVENT_COLUMNS + column]!
}

/** The lines of memory.events. */
export const memoryEvents = ({ features }: Engine): readonly MemoryEvent[] =>
  features.eventsKeys.split(',') as MemoryEvent[]

/** The lines of memory.swap.events. */
export const swapEvents = ({ features }: Engine): readonly SwapEvent[] =>
  features.swapEventsKeys.split(',') as SwapEvent[]

/** Whether what happens below a memcg is counted there, too. */
const countsTree = ({ features, hierarchy, options }: Engine): boolean =>
  features.eventsTree && hierarchy === 'v2' && !options.memoryLocalevents

/** An event at `m`: counted locally there, and in memory.events of `m` and perhaps of its ancestors below the root. */
export function memoryEvent(e: Engine, m: MemCgroup, event: MemoryEvent, times = 1): void {
  const column = MEMORY_EVENTS.indexOf(event)
  add(e, m, LOCAL + column, times)
  e.outbox.push({ kind: 'event', memcg: m.slot, file: 'memory.events.local' })
  for (let level: MemCgroup | null = m; level?.parent; level = level.parent) {
    add(e, level, column, times)
    e.outbox.push({ kind: 'event', memcg: level.slot, file: 'memory.events' })
    if (!countsTree(e)) break
  }
}

export const eventCount = (e: Engine, m: MemCgroup, event: MemoryEvent): number =>
  read(e, m, MEMORY_EVENTS.indexOf(event))

export const localEventCount = (e: Engine, m: MemCgroup, event: MemoryEvent): number =>
  read(e, m, LOCAL + MEMORY_EVENTS.indexOf(event))

/** An event of memory.swap.events, counted at `m` and its ancestors as those of memory.events are. */
export function swapEvent(e: Engine, m: MemCgroup, event: SwapEvent, times = 1): void {
  const column = SWAP + SWAP_EVENTS.indexOf(event)
  for (let level: MemCgroup | null = m; level?.parent; level = level.parent) {
    add(e, level, column, times)
    e.outbox.push({ kind: 'event', memcg: level.slot, file: 'memory.swap.events' })
    if (!countsTree(e)) break
  }
}

export const swapEventCount = (e: Engine, m: MemCgroup, event: SwapEvent): number =>
  read(e, m, SWAP + SWAP_EVENTS.indexOf(event))
