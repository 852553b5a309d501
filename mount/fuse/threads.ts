/** Starting the threads of a mount. */
import { extname } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { MessageChannel, MessagePort, Worker } from 'node:worker_threads'
import type { AttendantSetup } from './attendant-thread.ts'
import { MountError } from './errors.ts'
import type { LoopSetup } from './loop-thread.ts'
import type { LoopToMain } from './messages.ts'
import { SharedState } from './shared.ts'

export interface Threads {
  readonly loop: Worker
  readonly attendant: Worker
  /** What the loop answers to calls. */
  readonly answers: MessagePort
  readonly shared: SharedState
}

/**
 * TypeScript that runs unbuilt is stripped by WebAssembly in every thread, and V8 shares the wrappers of its imports
 * between threads: exchanging one for a faster one has crashed the process now and then (Node 24.21, "Check failed:
 * jit_page_->allocations_.erase", one start in some hundreds). So none is exchanged.
 */
if (extname(import.meta.filename) === '.ts') setFlagsFromString('--wasm-wrapper-tiering-budget=2000000000')

export function startThreads(options: Omit<LoopSetup, 'attendant' | 'shared'>): Threads {
  const shared = new SharedState()
  const between = new MessageChannel()
  const toMain = new MessageChannel()
  const attendant = start('attendant-thread', {
    dir: options.dir,
    loop: between.port1,
    answers: toMain.port2,
    shared: shared.words,
  } satisfies AttendantSetup)
  const loop = start('loop-thread', { ...options, attendant: between.port2, shared: shared.words } satisfies LoopSetup)
  return { loop, attendant, answers: toMain.port1, shared }
}

/** `node --input-type=module -e TEXT`: threads inherit flags, and refuse this one. */
const forText = process.execArgv.some(flag => flag.startsWith('--input-type'))

function start(file: string, workerData: AttendantSetup | LoopSetup): Worker {
  const url = new URL(`./${file}${extname(import.meta.filename)}`, import.meta.url)
  const transferList = Object.values(workerData).filter(value => value instanceof MessagePort)
  const options = { workerData, transferList, name: `memcgfs ${file}` }
  return new Worker(url, forText ? { ...options, execArgv: [] } : options)
}

/** Resolves with the loop's directory in /proc, as soon as the mount can be used. */
export function untilMounted({ loop, attendant }: Threads): Promise<string> {
  return new Promise((resolve, reject) => {
    loop.once('message', (message: LoopToMain) => {
      if (message.kind === 'mounted') resolve(message.thread)
      else reject(new MountError(message.code, message.message))
    })
    loop.once('error', reject)
    attendant.once('error', reject)
    loop.once('exit', () => reject(new Error('the thread ended before it had mounted anything')))
  })
}

/** Rejects with what the thread crashed of. */
export function untilEnded(thread: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.once('error', reject)
    thread.once('exit', () => resolve())
  })
}
