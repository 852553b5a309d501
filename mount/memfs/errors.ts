/** Refusals as Node throws them: an Error with `errno`, `code`, `syscall`, `path` and `dest`, in libuv's words. */
import { getSystemErrorMap } from 'node:util'
import { EOPNOTSUPP, type Errno, errnoName } from '../../src/errno.ts'
import { showPath } from './names.ts'

export interface SystemCallError extends Error {
  errno: number
  code: string
  syscall: string
  path?: string
  dest?: string
}

/** Where it happened: as Node says it, which is not always the name of the system call. */
export interface Where {
  readonly syscall: string
  readonly path?: string
  readonly dest?: string
}

/** By name, because numbers differ between hosts: the simulated kernel is a Linux wherever it runs. */
const MESSAGES = new Map([...getSystemErrorMap().values()])

/** 95 has two names; libuv knows the other one. */
const codeOf = (errno: Errno): string => (errno === EOPNOTSUPP ? 'ENOTSUP' : errnoName(errno))

export function failure(errno: Errno, { syscall, path, dest }: Where): SystemCallError {
  const code = codeOf(errno)
  const reason = MESSAGES.get(code)
  const places = [path, dest].filter(place => place !== undefined).map(place => `'${showPath(place)}'`)
  // Of errors that libuv does not know Node has the number only.
  const words =
    reason === undefined ? `Unknown system error ${errno}: Unknown system error ${errno}` : `${code}: ${reason}`
  const error = new Error([`${words}, ${syscall}`, places.join(' -> ')].filter(Boolean).join(' ')) as SystemCallError
  error.errno = errno
  error.code = reason === undefined ? `Unknown system error ${errno}` : code
  error.syscall = syscall
  if (path !== undefined) error.path = showPath(path)
  if (dest !== undefined) error.dest = showPath(dest)
  return error
}
