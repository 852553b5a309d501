/**
 * Open files: a snapshot of text per description, one operation per write. Kernel: fs/seq_file.c, fs/kernfs/file.c.
 */
import { E2BIG, EBADF, EINVAL, ENODEV, type Errno, ESRCH, isErrno } from '../errno.ts'
import { fromBytes, type TextBuffer } from '../formats/text.ts'
import type {
  Access,
  Credentials,
  Descriptor,
  FileRow,
  NamedDescriptor,
  OpenMemory,
  PidView,
} from '../tree/controller.ts'
import { eventsOf, type FileBlock } from '../tree/files.ts'
import { checkRealTasks } from '../tree/real.ts'
import type { Tree } from '../tree/tree.ts'
import { ownership } from './attributes.ts'
import { isHidden } from './directory.ts'
import type { Handle, NodeId, Pending } from './door.ts'
import { fileNode, inodeOf, rowNumber } from './node.ts'
import { MAY_READ, MAY_WRITE, mayAccess } from './permission.ts'

/** Longest text one write may carry. Kernel: PAGE_SIZE, kernfs_ops.atomic_write_len. */
const MAX_WRITE = 4096

export interface OpenFile {
  readonly handle: Handle
  readonly node: NodeId
  readonly block: FileBlock
  /** Index of the row. */
  readonly row: number
  readonly opener: Credentials
  /** Opened with O_NONBLOCK. */
  readonly nonblock: boolean
  readonly memory: OpenMemory
  /** Where the last read ended. */
  position: number
  /** Text that was produced and not read yet; null when nothing is left. */
  rest: Uint8Array | null
  /** Count of changes at the last production of text; 0 before any. */
  seen: number
  /** The door wants to be told of the next change; 0 if not. */
  pollToken: number
  /** Its file was hidden since: gone for good, also when it is shown again. */
  dead: boolean
}

export interface OpenFiles {
  /** By handle - 1; null where free. */
  readonly files: (OpenFile | null)[]
  readonly free: Handle[]
}

export const createOpenFiles = (): OpenFiles => ({ files: [], free: [] })

/** What the reads and writes of one kernel share. */
export interface FileContext {
  readonly tree: Tree
  readonly opens: OpenFiles
  /** Text is printed here before it is copied out. */
  readonly text: TextBuffer
}

export const fileOf = (opens: OpenFiles, handle: Handle): OpenFile => {
  const file = opens.files[handle - 1]
  if (!file) throw new RangeError(`handle ${handle} is not open`)
  return file
}

export function openFile(
  ctx: FileContext,
  block: FileBlock,
  node: NodeId,
  { opener, nonblock }: Pick<OpenFile, 'opener' | 'nonblock'>,
): OpenFile {
  const { opens, tree } = ctx
  const handle = opens.free.pop() ?? opens.files.length + 1
  const row = rowNumber(node)
  const file: OpenFile = {
    handle,
    node,
    block,
    row,
    opener,
    nonblock,
    memory: {},
    position: 0,
    rest: null,
    seen: 0,
    pollToken: 0,
    dead: false,
  }
  opens.files[handle - 1] = file
  block.opens++
  if (tree.tables[block.table]!.rows[row]!.notifies) eventsOf(block, row).handles.push(handle)
  return file
}

export function closeFile(ctx: FileContext, file: OpenFile): void {
  const { opens } = ctx
  rowIn(ctx.tree, file).close?.(accessOf(ctx, file, NOBODY))
  opens.files[file.handle - 1] = null
  opens.free.push(file.handle)
  file.block.opens--
  const handles = file.block.events?.get(file.row)?.handles
  if (handles !== undefined) handles.splice(handles.indexOf(file.handle), 1)
}

export const isDead = (file: OpenFile): boolean => file.dead || file.block.dead

/** Closing has no caller: descriptors are closed by exits and by whoever inherited them. */
const NOBODY: PidView = {
  tgid: () => ESRCH,
  tid: () => ESRCH,
  inView: pid => pid,
  fromView: () => ESRCH,
  descriptor: () => EBADF,
}

const rowIn = (tree: Tree, file: OpenFile): FileRow => tree.tables[file.block.table]!.rows[file.row]!

/** A file of the mount by its name, if it is in the same block. */
function named(
  { tree }: FileContext,
  { block, opener }: OpenFile,
  descriptor: Descriptor | Errno,
): NamedDescriptor | Errno {
  if (isErrno(descriptor) || descriptor.kind !== 'file') return descriptor
  for (const [row, { name }] of tree.tables[block.table]!.rows.entries()) {
    const node = fileNode(block, row)
    if (inodeOf(tree, block, node) !== descriptor.ino) continue
    return { kind: 'file', name, isReadable: mayAccess(ownership(tree, block, node), MAY_READ, opener) }
  }
  return { kind: 'other' }
}

function accessOf(ctx: FileContext, file: OpenFile, caller: PidView, size = 0): Access {
  const { tree, opens } = ctx
  const { block, opener, nonblock, memory } = file
  return {
    tree,
    cg: block.css.cgroup,
    css: block.css,
    opener,
    caller,
    memory,
    nonblock,
    size,
    mayWrite: (cg, name) => {
      const core = cg.self.files!
      const row = tree.tables[core.table]!.index.get(name)!
      return mayAccess(ownership(tree, core, fileNode(core, row)), MAY_WRITE, opener)
    },
    descriptor: fd => named(ctx, file, caller.descriptor(fd)),
    *others() {
      for (const other of opens.files)
        if (other && other !== file && other.block === block && other.row === file.row) yield other.memory
    },
  }
}

/**
 * Copies text from `offset`. A read that goes on where the last one ended gets the rest of the old text; any other
 * produces it again. At the end of the text, not at its start, there is nothing more. A stream has no offsets.
 */
export function readFile(
  ctx: FileContext,
  file: OpenFile,
  asked: number,
  size: number,
  into: Uint8Array,
  at: number,
  caller: PidView,
): number | Errno {
  const row = rowIn(ctx.tree, file)
  const offset = row.stream ? 0 : asked
  if (row.stream) file.position = 0
  if (offset === file.position && file.rest !== null) return takeRest(file, size, into, at)
  if (isDead(file)) return ENODEV
  file.rest = null
  // The end of a text that was read to its end. Nothing is printed, but the file counts as seen.
  if (offset === file.position && offset > 0) return 0
  file.position = offset
  if (row.show === undefined) {
    markSeen(file)
    return EINVAL
  }
  const { text } = ctx
  text.clear()
  const refused = produce(ctx, row, file, caller)
  if (refused !== undefined) {
    markSeen(file)
    return refused
  }
  if (!(row.list && text.length === 0)) markSeen(file)
  const count = Math.max(0, Math.min(size, text.length - offset))
  into.set(text.bytes.subarray(offset, offset + count), at)
  file.position = offset + count
  if (file.position < text.length) file.rest = text.bytes.slice(file.position, text.length)
  return count
}

function produce(ctx: FileContext, row: FileRow, file: OpenFile, caller: PidView): Errno | undefined {
  if (row.looksAtTasks) checkRealTasks(ctx.tree, file.block.css.cgroup)
  return row.show!(ctx.text, accessOf(ctx, file, caller))
}

function takeRest(file: OpenFile, size: number, into: Uint8Array, at: number): number {
  const rest = file.rest!
  const count = Math.min(size, rest.length)
  into.set(rest.subarray(0, count), at)
  file.position += count
  file.rest = count < rest.length ? rest.subarray(count) : null
  return count
}

function markSeen(file: OpenFile): void {
  file.seen = currentCount(file)
}

/** Changes of the file so far; a file that never tells stays at 1. */
export const currentCount = (file: OpenFile): number => file.block.events?.get(file.row)?.count ?? 1

/** One write is one operation: its whole length or a refusal. The offset plays no part. */
export function writeFile(
  ctx: FileContext,
  file: OpenFile,
  from: Uint8Array,
  at: number,
  size: number,
  caller: PidView,
): number | Errno | Pending {
  if (size === 0) return 0
  const row = rowIn(ctx.tree, file)
  if (size > (row.maxWrite ?? MAX_WRITE)) return E2BIG
  if (isDead(file)) return ENODEV
  if (row.write === undefined) return EINVAL
  const zero = from.subarray(at, at + size).indexOf(0)
  const text = fromBytes(from, at, zero === -1 || row.takesNul ? size : zero)
  if (row.looksAtTasks) checkRealTasks(ctx.tree, file.block.css.cgroup)
  const result = row.write(text, accessOf(ctx, file, caller, size))
  return result < 0 ? result : size
}

/** The pressure files of a cgroup were hidden: descriptions of them are dead, whatever comes later. Whether this is one. */
export function killHidden(ctx: FileContext, file: OpenFile): boolean {
  const hidden = isHidden(rowIn(ctx.tree, file), file.block.css.cgroup)
  if (hidden) file.dead = true
  return hidden
}
