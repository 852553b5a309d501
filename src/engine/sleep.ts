/**
 * Sleeping in the kernel. The engine knows no threads: it notes with the address space what the acting thread has to
 * do, and whoever runs the thread takes the note at the next point where it can be cut.
 */
import type { Nanoseconds } from '../units.ts'
import type { Engine } from './engine.ts'
import type { Mm } from './mm.ts'

/**
 * Why a thread sleeps: it stays over memory.high, a victim is dying, there is nobody to kill, or the killer is off
 * (version 1).
 */
export type SleepReason = 'high' | 'victim' | 'room' | 'oom'

export interface Sleep {
  readonly reason: SleepReason
  /** Infinity: until somebody wakes it. */
  readonly time: Nanoseconds
}

/** The acting thread of `mm` sleeps before it goes on; of two sleeps the longer one holds. */
export function mustSleep(mm: Mm, sleep: Sleep): void {
  if (mm.sleep === null || mm.sleep.time < sleep.time) mm.sleep = sleep
}

/** The acting thread goes to sleep: what it was to do is taken from `mm`. */
export function takeSleep(mm: Mm): Sleep | null {
  const { sleep } = mm
  mm.sleep = null
  return sleep
}

/** Wakes the threads of `mm` that sleep until they are woken. */
export function wake(e: Engine, mm: Mm): void {
  e.outbox.push({ kind: 'wake', mm: mm.id })
}
