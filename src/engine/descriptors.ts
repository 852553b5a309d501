/**
 * Kernel memory behind descriptors: open files, pipes and what is in them, sockets and what is queued on them.
 * Kernel: fs/file_table.c, fs/pipe.c, net/socket.c, net/unix/af_unix.c.
 *
 * Costs come out as recorded on 6.1 and 6.12 (memory/kmem/pipes, unix-sockets): left out is the table of descriptors,
 * which grows with their number. A TCP socket costs as much as one of the family unix besides its buffers.
 */
import type { Bytes, Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { GFP_NOWAIT } from './gfp.ts'
import { freeKernelObjects, freeKernelPages, type KernelObjects, type KernelPages } from './kmem.ts'
import { allocKernelObjects, allocKernelPages, type KernelActor } from './kmemalloc.ts'
import type { MemCgroup } from './memcg.ts'
import { kmallocCache } from './slab/caches.ts'
import { findCache } from './slab/slub.ts'
import { accountsSockets, chargeSocket, unchargeSocket } from './sockmem.ts'

export type DescriptorKind = 'file' | 'pipe' | 'sock'

/** What one of them is made of. */
interface Parts {
  /** An object of each of these caches. */
  readonly caches: readonly string[]
  readonly pages: Pages
  /** Pages of its buffers, charged as those of sockets are; absent for what is no TCP socket. */
  readonly buffers?: Pages
}

/** One that is open. */
export interface Descriptor {
  readonly kind: DescriptorKind
  readonly objects: readonly KernelObjects[]
  readonly pages: KernelPages | null
  readonly buffers: SocketBuffers | null
}

/** Buffers of a TCP socket, and the cgroup it was made in. */
export interface SocketBuffers {
  readonly memcg: MemCgroup
  readonly pages: Pages
}

/** What a pipe holds. Kernel: PIPE_DEF_BUFFERS. */
const PIPE_PAGES: Pages = 16
/** Kernel: struct pipe_inode_info, which falls into the bucket of 192; and 16 times struct pipe_buffer. */
const PIPE_INFO: Bytes = 192
const PIPE_RING: Bytes = 16 * 40
/** Kernel: struct unix_sock, about. */
const SOCKET: Bytes = 1024
/** Kernel: struct sk_buff, and skb_shared_info behind the data in it. */
const SKB: Bytes = 256
const SKB_SHARED: Bytes = 320
/** What a buffer of a unix socket holds besides its first page, where pages are no larger. Kernel: UNIX_SKB_FRAGS_SZ. */
const SKB_FRAGS: Bytes = 32768

export const pipeCapacity = (e: Engine): Bytes => PIPE_PAGES * e.machine.pageSize

const kmalloc = ({ machine, features }: Engine, bytes: Bytes): string =>
  kmallocCache(bytes, 'kmalloc-cg', machine, features)

const FILE: Parts = { caches: ['filp'], pages: 0 }

/** A pipe has two ends. */
const pipe = (e: Engine, fill: Bytes): Parts => ({
  caches: ['dentry', 'inode_cache', 'filp', 'filp', kmalloc(e, PIPE_INFO), kmalloc(e, PIPE_RING)],
  pages: Math.ceil(fill / e.machine.pageSize),
})

/** Data queued on a unix socket lies in buffers: the beginning of each in an object, the rest in whole pages. */
function unixSocket(e: Engine, data: Bytes): Parts {
  const caches = ['dentry', 'sock_inode_cache', 'filp', kmalloc(e, SOCKET)]
  const { pageSize } = e.machine
  const head = pageSize - SKB_SHARED
  const most = head + Math.max(pageSize, SKB_FRAGS)
  let pages = 0
  for (let left = data; left > 0; ) {
    const size = Math.min(left, most)
    const inPages = Math.ceil(Math.max(0, size - head) / pageSize)
    caches.push(kmalloc(e, SKB), kmalloc(e, Math.max(0, size - inPages * pageSize) + SKB_SHARED))
    pages += inPages
    left -= size
  }
  return { caches, pages }
}

const tcpSocket = (e: Engine, data: Bytes): Parts => ({
  ...unixSocket(e, 0),
  buffers: Math.ceil(data / e.machine.pageSize),
})

/** Opens a file. Null if the memory was refused, with nothing left behind; so for the others. */
export const openFile = (e: Engine, actor: KernelActor): Descriptor | null => open(e, 'file', FILE, actor)

/** Makes a pipe with so many bytes in it, at most `pipeCapacity`. */
export const openPipe = (e: Engine, fill: Bytes, actor: KernelActor): Descriptor | null =>
  open(e, 'pipe', pipe(e, fill), actor)

/** Makes a socket with so many bytes queued on it. */
export const openSocket = (e: Engine, kind: 'unix' | 'tcp', data: Bytes, actor: KernelActor): Descriptor | null =>
  open(e, 'sock', kind === 'unix' ? unixSocket(e, data) : tcpSocket(e, data), actor)

function open(e: Engine, kind: DescriptorKind, parts: Parts, actor: KernelActor): Descriptor | null {
  const objects: KernelObjects[] = []
  for (const name of parts.caches) {
    const made = allocKernelObjects(e, findCache(e.slab, name)!, 1, actor)
    objects.push(made)
    if (made.count === 0) return giveUp(e, { kind, objects, pages: null, buffers: null }, actor.cpu)
  }
  const pages = parts.pages === 0 ? null : allocKernelPages(e, 0, parts.pages, actor)
  if (pages !== null && pages.blocks < parts.pages) return giveUp(e, { kind, objects, pages, buffers: null }, actor.cpu)
  return { kind, objects, pages, buffers: parts.buffers === undefined ? null : fillBuffers(e, parts.buffers, actor) }
}

/** What comes in is charged where it arrives, in interrupt context: without waiting. */
function fillBuffers(e: Engine, pages: Pages, { memcg, cpu }: KernelActor): SocketBuffers | null {
  if (memcg === null || !accountsSockets(e, memcg)) return null
  chargeSocket(e, memcg, pages, GFP_NOWAIT, cpu)
  return { memcg, pages }
}

function giveUp(e: Engine, descriptor: Descriptor, cpu: Cpu): null {
  closeDescriptor(e, descriptor, cpu)
  return null
}

/** Closes it, on `cpu`. */
export function closeDescriptor(e: Engine, { objects, pages, buffers }: Descriptor, cpu: Cpu): void {
  for (const each of objects) freeKernelObjects(e, each, each.count, cpu)
  if (pages !== null) freeKernelPages(e, pages, pages.blocks, cpu)
  if (buffers !== null) unchargeSocket(e, buffers.memcg, buffers.pages, cpu)
}
