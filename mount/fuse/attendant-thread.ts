/** Entry of the attendant's thread (messages.ts): everything that may wait, so that the loop never does. */
import { statfsSync } from 'node:fs'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { logger } from '../host/log.ts'
import { invalidate } from './invalidation.ts'
import type { AttendantToLoop, LoopToAttendant } from './messages.ts'
import { ModifiedFiles } from './modified.ts'
import { Place } from './place.ts'
import { SharedState } from './shared.ts'

export interface AttendantSetup {
  readonly dir: string
  readonly loop: MessagePort
  /** To the main thread. */
  readonly answers: MessagePort
  readonly shared: Int32Array
}

const { dir, loop, answers, shared: words } = workerData as AttendantSetup
const shared = new SharedState(words)
let modified: ModifiedFiles | undefined
let timer: NodeJS.Timeout | undefined

loop.on('message', (message: LoopToAttendant) => {
  switch (message.kind) {
    case 'mounted':
      modified = new ModifiedFiles(new Place(dir), logger('fuse'))
      break
    case 'dueIn':
      clearTimeout(timer)
      timer = setTimeout(due, timeoutFor(message.milliseconds))
      break
    case 'modified':
      modified?.add(message.path)
      break
    case 'invalidate':
      invalidate(message.fd, message.invalidation, shared)
      break
    case 'answer':
      answers.postMessage(message.answer)
      shared.countAnswer()
      break
  }
})
parentPort!.on('message', poke)
tellLoop({ kind: 'ready' })

// The loop's thread has ended: nothing can come any more, and whoever waits for an answer shall see that.
loop.on('close', () => {
  clearTimeout(timer)
  shared.end()
  shared.countAnswer()
  parentPort!.close()
})

function due(): void {
  tellLoop({ kind: 'due' })
  poke()
}

function tellLoop(message: AttendantToLoop): void {
  loop.postMessage(message)
}

/**
 * By the path, and not by a descriptor held open: that would keep the mount busy, and an `umount DIR` from somebody's
 * shell would fail. A poke fails only when the mount is going away, and then is not needed.
 */
function poke(): void {
  try {
    statfsSync(dir)
  } catch {}
}

/** Timers run on a clock that may lag by a millisecond, and cannot be longer than 31 bits: the loop then asks again. */
function timeoutFor(milliseconds: number): number {
  return Math.min(Math.ceil(milliseconds) + 1, 2 ** 31 - 1)
}
