/**
 * Telling pollers and watchers that a file has changed by itself. Kernel: fs/kernfs/file.c kernfs_notify,
 * kernel/cgroup/cgroup.c cgroup_file_notify.
 *
 * One file tells at most once per shortest interval; a change within it is told at its end, never lost.
 */
import { schedule } from '../clock.ts'
import { pathInMount } from '../tree/cgroup.ts'
import { eventsOf, type FileBlock, type FileEvents } from '../tree/files.ts'
import type { Tree } from '../tree/tree.ts'
import { type Nanoseconds, seconds } from '../units.ts'
import type { Notice } from './door.ts'
import { POLL_DEFAULT, POLLERR, POLLPRI } from './door.ts'
import { fileNode, isControl } from './node.ts'
import { currentCount, fileOf, isDead, type OpenFile, type OpenFiles } from './openfiles.ts'

export const HELD_CHANGE = 'file-notify'

/** Shortest time between two notifications of one file: a hundredth of a second in whole ticks. */
function shortestInterval(tree: Tree): Nanoseconds {
  const { hz } = tree.engine.machine
  return seconds(Math.ceil(hz / 100) / hz)
}

/** A change of a file: told now, or held back until the interval has passed. */
export function fileHasChanged(tree: Tree, opens: OpenFiles, block: FileBlock, row: number, notices: Notice[]): void {
  const events = eventsOf(block, row)
  if (events.held) return
  const wait = events.lastTold + shortestInterval(tree) - tree.clock.now
  if (wait > 0) {
    events.held = true
    schedule(tree.clock, wait, HELD_CHANGE, block.serial, row)
    return
  }
  tell(tree, opens, block, row, events, notices)
}

/** The interval of a held change has passed. */
export function tellHeld(tree: Tree, opens: OpenFiles, serial: number, row: number, notices: Notice[]): void {
  const block = tree.blocks.get(serial)
  const events = block?.events?.get(row)
  if (block === undefined || block.dead || events === undefined) return
  events.held = false
  tell(tree, opens, block, row, events, notices)
}

function tell(
  tree: Tree,
  opens: OpenFiles,
  block: FileBlock,
  row: number,
  events: FileEvents,
  notices: Notice[],
): void {
  events.lastTold = tree.clock.now
  // The count lives as long as somebody has the file open.
  if (events.handles.length > 0) events.count++
  for (const handle of events.handles) wake(fileOf(opens, handle), notices)
  // A file that was never looked up has no inode to watch: not even its directory's watchers hear of it (recorded).
  if (!events.lookedUp) return
  const { name } = tree.tables[block.table]!.rows[row]!
  const own = pathInMount(block.css.cgroup)
  const path = isControl(tree, block) ? `${own === '/' ? '' : own}/.memcgfs` : own
  notices.push({ kind: 'modified', node: fileNode(block, row), path: path === '/' ? `/${name}` : `${path}/${name}` })
}

/** Whoever polls this description is told to look again. */
export function wake(file: OpenFile, notices: Notice[]): void {
  if (file.pollToken === 0) return
  notices.push({ kind: 'poll', token: file.pollToken })
  file.pollToken = 0
}

/** What poll(2) says of an open file. A description that has not seen the last change, or anything yet, has news. */
export function pollMask(tree: Tree, file: OpenFile): number {
  if (isDead(file)) return POLL_DEFAULT | POLLERR | POLLPRI
  const row = tree.tables[file.block.table]!.rows[file.row]!
  if (row.poll !== undefined) return POLL_DEFAULT | row.poll(file.memory, tree)
  return file.seen === currentCount(file) ? POLL_DEFAULT : POLL_DEFAULT | POLLERR | POLLPRI
}
