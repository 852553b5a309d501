/** What the main thread and the thread of a mount say to each other about the machine that runs there. */
import type { Packed } from '../../src/api/pack.ts'
import type { Process } from '../../src/api/process.ts'
import type { System } from '../../src/api/system.ts'

/** The system calls of a process, wherever it runs. */
export type Calls = Omit<Process, 'state'>
/** The machine itself, wherever it runs. */
export type MachineCalls = Pick<System, 'now' | 'advance' | 'spawn' | 'addPid' | 'exitPid'>

/** Plain data for `createDoor` (service.ts). */
export interface ServiceSetup {
  readonly state: Packed
  /** Name of the BroadcastChannel on which the service speaks by itself. */
  readonly channel: string
  /** One word of shared memory: what became of the state (LEAVING, SENT). */
  readonly fate: Int32Array
  /** Whether the state is sent back when the mount is gone. */
  readonly keep: boolean
}

/** The service has ended and is about to send the state. */
export const LEAVING = 1
/** It has been sent, or is lost. */
export const SENT = 2

export interface CallMessage {
  readonly kind: 'call'
  /** Counted up by the main thread, so that it can tell whether its last call was still answered. */
  readonly number: number
  /** Of this process; of the machine when absent. */
  readonly process?: number
  readonly name: string
  readonly args: readonly unknown[]
}

/** Asks for the result of a write that was answered with a ticket. */
export interface AskMessage {
  readonly kind: 'ask'
  readonly ticket: number
}

export type ToService = CallMessage | AskMessage

/** The result, or the ticket of a write that waits. */
export type CallAnswer = { readonly result: unknown } | { readonly ticket: number } | { readonly error: Error }

export type FromService =
  /** There is something to read for a watcher. */
  | { readonly kind: 'news' }
  /** The mount is gone. Undefined if the state is not kept, or after a crash. */
  | { readonly kind: 'state'; readonly state: Packed | undefined; readonly last: LastCall | undefined }

export interface LastCall {
  readonly number: number
  readonly answer: CallAnswer
}
