/**
 * `fs` as people get it: the functions of node:fs that are promised here, with the types of node:fs. Paths may be
 * strings, Buffers or file URLs.
 */
import type * as nodeFs from 'node:fs'
import type { Home, Seat } from '../home/home.ts'
import { carryPath } from './names.ts'
import { FsView } from './view.ts'
import { memfsOver } from './volume.ts'

/** Functions that exist as they are, with Sync behind their name, and as promises. By how many paths they begin with. */
const PATHS = {
  access: 1,
  appendFile: 1,
  chmod: 1,
  chown: 1,
  copyFile: 2,
  cp: 2,
  lchown: 1,
  link: 2,
  lstat: 1,
  lutimes: 1,
  mkdir: 1,
  mkdtemp: 1,
  open: 1,
  opendir: 1,
  readFile: 1,
  readdir: 1,
  readlink: 1,
  realpath: 1,
  rename: 2,
  rm: 1,
  rmdir: 1,
  stat: 1,
  statfs: 1,
  symlink: 2,
  truncate: 1,
  unlink: 1,
  utimes: 1,
  writeFile: 1,
} as const
/** The same, not as promises. */
const MORE_PATHS = { exists: 1 } as const
/** With a path, in one form only. */
const ONE_FORM = { createReadStream: 1, createWriteStream: 1, unwatchFile: 1, watch: 1, watchFile: 1 } as const
/** On descriptors: as they are, and with Sync. */
const DESCRIPTORS = [
  'close',
  'fchmod',
  'fchown',
  'fdatasync',
  'fstat',
  'fsync',
  'ftruncate',
  'futimes',
  'read',
  'readv',
  'write',
  'writev',
] as const
const CLASSES = ['Dir', 'Dirent', 'Stats'] as const

type Both = keyof typeof PATHS | keyof typeof MORE_PATHS | (typeof DESCRIPTORS)[number] | 'glob'
type Name = Both | `${Both}Sync` | keyof typeof ONE_FORM | (typeof CLASSES)[number] | 'constants'
type PromiseName = keyof typeof PATHS | 'constants' | 'glob' | 'watch'

/** What of node:fs works on the simulated files. */
export type CgroupNodeFs = Pick<typeof nodeFs, Name> & { readonly promises: Pick<typeof nodeFs.promises, PromiseName> }

type AnyFunction = (...args: unknown[]) => unknown
type Functions = Record<string, AnyFunction>

/** A view as `fs`, and what ends it. */
export interface OpenedFs {
  readonly fs: CgroupNodeFs
  close(): void
}

export function openFs(home: Home, seat: Seat, firstFd: number): OpenedFs {
  const view = new FsView(seat, firstFd)
  const watchers = new Set<{ close(): void }>()
  const memfs = memfsOver(view, { home, seat, watchers }) as unknown as Functions & { promises: Functions }
  const promises: Record<string, unknown> = { constants: memfs.constants, glob: memfs.promises.glob }
  const fs: Record<string, unknown> = { constants: memfs.constants, promises }
  for (const name of [...DESCRIPTORS, 'glob']) for (const form of [name, `${name}Sync`]) fs[form] = memfs[form]
  for (const name of CLASSES) fs[name] = memfs[name]
  for (const [name, paths] of Object.entries({ ...PATHS, ...MORE_PATHS }))
    for (const form of [name, `${name}Sync`]) fs[form] = carrying(memfs[form]!, paths)
  for (const [name, paths] of Object.entries(PATHS)) promises[name] = carrying(memfs.promises[name]!, paths)
  for (const name of Object.keys(ONE_FORM)) fs[name] = carrying(memfs[name]!, 1)
  promises.watch = carrying(memfs.promises.watch!, 1)
  const polled = new Set<unknown>()
  fs.watchFile = carrying((path, ...rest) => {
    polled.add(path)
    return memfs.watchFile!(path, ...rest)
  }, 1)
  return {
    // memfs declares the same functions with types of its own; this is the one place where they meet node's.
    fs: fs as unknown as CgroupNodeFs,
    close() {
      for (const watcher of watchers) watcher.close()
      for (const path of polled) memfs.unwatchFile!(path)
      if (!home.ended) view.closeAll()
    },
  }
}

/** The function, which gets its first arguments as paths that memfs can carry. Keeps what hangs at it (`native`). */
function carrying(of: AnyFunction, paths: number): AnyFunction {
  const carry: AnyFunction =
    paths === 1
      ? (path, ...rest) => of(carryPath(path), ...rest)
      : (from, to, ...rest) => of(carryPath(from), carryPath(to), ...rest)
  const { native } = of as { native?: AnyFunction }
  return native === undefined ? carry : Object.assign(carry, { native: carrying(native, paths) })
}
