/** What stat(2) says, in the form of Node's `Stats`. */
import type { Attributes } from '../../src/kernfs/door.ts'

const BLOCK_SIZE = 4096

/** Times of a file: kernfs knows no time of birth, which Node then shows as 1970. */
function times({ atimeSec, atimeNsec, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec }: Attributes) {
  return {
    atime: [atimeSec, atimeNsec],
    mtime: [mtimeSec, mtimeNsec],
    ctime: [ctimeSec, ctimeNsec],
    birthtime: [0, 0],
  } as const
}

/** Fills in a `Stats`, whose class has the methods. */
export function fillStats<T>(stats: T, attributes: Attributes, bigint: boolean): T {
  const { ino, mode, nlink, uid, gid } = attributes
  const number = (value: number): number | bigint => (bigint ? BigInt(value) : value)
  const fields: Record<string, unknown> = {
    dev: number(0),
    mode: number(mode),
    nlink: number(nlink),
    uid: number(uid),
    gid: number(gid),
    rdev: number(0),
    blksize: number(BLOCK_SIZE),
    ino: number(ino),
    size: number(0),
    blocks: number(0),
  }
  for (const [name, [sec, nsec]] of Object.entries(times(attributes))) {
    const milliseconds = sec * 1e3 + nsec / 1e6
    fields[name] = new Date(Math.round(milliseconds))
    fields[`${name}Ms`] = bigint ? BigInt(sec) * 1000n + BigInt(nsec) / 1_000_000n : milliseconds
    if (bigint) fields[`${name}Ns`] = BigInt(sec) * 1_000_000_000n + BigInt(nsec)
  }
  return Object.assign(stats as object, fields) as T
}
