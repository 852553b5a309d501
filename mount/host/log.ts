/**
 * Logging for threads whose event loop does not run: `debug` writes to stderr at once instead of by way of the main
 * thread (TOOLCHAIN.md §5).
 */
import { writeSync } from 'node:fs'
import { format } from 'node:util'
import createDebug from 'debug'

export type Log = (format: string, ...args: unknown[]) => void

createDebug.log = (...args: unknown[]) => writeSync(2, `${format(...args)}\n`)

/** The logger `memcgfs:NAMESPACE`; `enabled` if the environment asks for it (DEBUG). */
export const logger = (namespace: string): createDebug.Debugger => createDebug(`memcgfs:${namespace}`)
