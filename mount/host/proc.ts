/** Reading of /proc, which may lose its subject at any moment. */
import { readFileSync, readlinkSync } from 'node:fs'

/** The text, or undefined when the process is gone or its file may not be read. */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1')
  } catch {
    return undefined
  }
}

/** What the link names, such as `pid:[4026531836]`; undefined as above. */
export function readProcLink(path: string): string | undefined {
  try {
    return readlinkSync(`/proc/${path}`, 'latin1')
  } catch {
    return undefined
  }
}

/** The numbers of a line of /proc/PID/status: `numbersOf(text, 'Groups')`. */
export function numbersOf(status: string, field: string): number[] {
  const line = new RegExp(`^${field}:(.*)$`, 'm').exec(status)?.[1] ?? ''
  return line.split(/\s+/).filter(Boolean).map(Number)
}
