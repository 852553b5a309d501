/**
 * Linux error numbers. As inside the kernel, a refusal is a negative number and anything from zero up is a result,
 * so one number carries both and nothing is allocated for either.
 */

declare const errno: unique symbol
/** A refusal: minus the error number. */
export type Errno = number & { readonly [errno]: true }
export type Ok = 0
export const OK: Ok = 0

/** Error numbers of Linux on every architecture we meet (asm-generic/errno.h). */
const NUMBERS = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  EMFILE: 24,
  ENOTTY: 25,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ENODATA: 61,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  ETIMEDOUT: 110,
  ESTALE: 116,
} as const

export type ErrnoName = keyof typeof NUMBERS

const refusal = (name: ErrnoName): Errno => -NUMBERS[name] as Errno

export const EPERM = refusal('EPERM')
export const ENOENT = refusal('ENOENT')
export const ESRCH = refusal('ESRCH')
export const EINTR = refusal('EINTR')
export const EIO = refusal('EIO')
export const ENXIO = refusal('ENXIO')
export const E2BIG = refusal('E2BIG')
export const EBADF = refusal('EBADF')
export const EAGAIN = refusal('EAGAIN')
export const ENOMEM = refusal('ENOMEM')
export const EACCES = refusal('EACCES')
export const EFAULT = refusal('EFAULT')
export const EBUSY = refusal('EBUSY')
export const EEXIST = refusal('EEXIST')
export const EXDEV = refusal('EXDEV')
export const ENODEV = refusal('ENODEV')
export const ENOTDIR = refusal('ENOTDIR')
export const EISDIR = refusal('EISDIR')
export const EINVAL = refusal('EINVAL')
export const EMFILE = refusal('EMFILE')
export const ENOTTY = refusal('ENOTTY')
export const EFBIG = refusal('EFBIG')
export const ENOSPC = refusal('ENOSPC')
export const ESPIPE = refusal('ESPIPE')
export const EROFS = refusal('EROFS')
export const ERANGE = refusal('ERANGE')
export const ENAMETOOLONG = refusal('ENAMETOOLONG')
export const ENOSYS = refusal('ENOSYS')
export const ENOTEMPTY = refusal('ENOTEMPTY')
export const ENODATA = refusal('ENODATA')
export const EOVERFLOW = refusal('EOVERFLOW')
export const EOPNOTSUPP = refusal('EOPNOTSUPP')
export const ETIMEDOUT = refusal('ETIMEDOUT')
export const ESTALE = refusal('ESTALE')

/** True for a refusal; what is left in the other branch is the result. */
export function isErrno<T>(value: T | Errno): value is Errno {
  return typeof value === 'number' && value < 0
}

const NAMES = new Map<number, ErrnoName>(Object.entries(NUMBERS).map(([name, n]) => [-n, name as ErrnoName]))

/** `-22` → `EINVAL`. */
export function errnoName(errno: Errno): ErrnoName {
  const name = NAMES.get(errno)
  if (name === undefined) throw new RangeError(`${errno} is not one of the error numbers this program uses`)
  return name
}

/** `EINVAL` → `-22`; undefined for a name this program never answers. */
export function errnoByName(name: string): Errno | undefined {
  return Object.hasOwn(NUMBERS, name) ? refusal(name as ErrnoName) : undefined
}
