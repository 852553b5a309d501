/**
 * Files: names, sizes and the pages of them that are in memory. A file belongs to no cgroup; its pages are charged to
 * whoever brings them in first and stay there. Bringing pages in is in pagecache.ts. Kernel: mm/filemap.c, mm/shmem.c.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { freeIfUnused, removeFromFile } from './folio.ts'
import { freeKernelObjects, type KernelObjects } from './kmem.ts'
import { createPageMap, type PageMap } from './pagemap.ts'
import { dropFileSlots } from './swap.ts'
import { freeSpareNodes, type TreeNode } from './treenodes.ts'

/** `ext4` has its data on disk; memory of `tmpfs` is swap-backed. */
export const FILE_SYSTEMS = ['ext4', 'tmpfs'] as const
export type FileSystem = (typeof FILE_SYSTEMS)[number]

export interface PageCacheFile {
  readonly name: string
  readonly fs: FileSystem
  pages: Pages
  readonly cache: PageMap
  /** What is not in memory any more: slots of tmpfs, what evicted pages of a disk left behind. */
  readonly evicted: PageMap
  /** Pages dropped when the memcg that paid for them was removed, until they are read again. */
  readonly dropped: PageMap
  /** Regions that map it. */
  mappings: number
  /** Still has a name. */
  linked: boolean
  /** Of its tree, in order. */
  readonly nodes: TreeNode[]
  /** Its dentry and inode, once a task that is not bare has used it; charged to that task's cgroup. */
  objects: KernelObjects[] | null
}

export interface Files {
  /** By file system and name. */
  readonly byName: Map<string, PageCacheFile>
}

export const createFiles = (): Files => ({ byName: new Map() })

const key = (fs: FileSystem, name: string): string => `${fs}/${name}`

/** A file without a page in memory. Not in `byName` when it has no name of its own (shared anonymous memory). */
export function createFile(e: Engine, fs: FileSystem, name: string, pages: Pages, linked: boolean): PageCacheFile {
  const file: PageCacheFile = {
    name,
    fs,
    pages,
    cache: createPageMap(),
    evicted: createPageMap(),
    dropped: createPageMap(),
    mappings: 0,
    linked,
    nodes: [],
    objects: null,
  }
  if (linked) e.files.byName.set(key(fs, name), file)
  return file
}

/** The file of that name; without a file system ext4 wins over tmpfs. */
export function findFile(e: Engine, name: string, fs?: FileSystem): PageCacheFile | undefined {
  const { byName } = e.files
  if (fs !== undefined) return byName.get(key(fs, name))
  return byName.get(key('ext4', name)) ?? byName.get(key('tmpfs', name))
}

/** The name goes at once; the cache when nobody maps the file any more. */
export function unlinkFile(e: Engine, file: PageCacheFile, cpu: Cpu): void {
  e.files.byName.delete(key(file.fs, file.name))
  file.linked = false
  dropIfUnused(e, file, cpu)
}

/** A region that mapped the file is gone. */
export function putMapping(e: Engine, file: PageCacheFile, cpu: Cpu): void {
  file.mappings--
  dropIfUnused(e, file, cpu)
}

function dropIfUnused(e: Engine, file: PageCacheFile, cpu: Cpu): void {
  if (file.linked || file.mappings > 0) return
  for (let last = file.cache.extents.at(-1); last !== undefined; last = file.cache.extents.at(-1)) {
    const batch = last.batch!
    removeFromFile(e, batch, cpu)
    freeIfUnused(e, batch, cpu)
  }
  dropFileSlots(e, file, cpu)
  freeSpareNodes(e, file, 0, file.pages)
  for (const objects of file.objects ?? []) freeKernelObjects(e, objects, objects.count, cpu)
  file.objects = null
}
