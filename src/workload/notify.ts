/**
 * `.memcgfs/notify`: the events of cgroup.event_control (version 1) without an eventfd, for programs that have none and
 * for hosts where the daemon may not take one (fuse-transport.md §10).
 *
 * A write of `FILE [ARGUMENTS]` registers this open description with a file of the cgroup, as `EVENTFD FILE ARGUMENTS`
 * there would. A read tells what has happened since the last one, a line `FILE [ARGUMENTS] COUNT` each; poll(2) says
 * POLLPRI when there is something. Closing ends it, and so does the removal of the cgroup: the file is gone then.
 */
import { ENODEV, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { trim } from '../formats/parse.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Access, FileRow } from '../tree/controller.ts'
import { dropListener, type EventCounter, type EventTarget } from '../tree/listeners.ts'
import { register } from '../tree/registration.ts'
import type { ByteString } from '../units.ts'

const NAME = 'notify'

export const notifyFile: FileRow = {
  name: NAME,
  on: 'everywhere',
  notifies: true,
  stream: true,
  show: (out, { memory }) => void showEvents(out, memory.listens ?? []),
  write: listen,
  close: ({ tree, memory }) => {
    for (const { listener } of memory.listens ?? []) dropListener(tree, listener)
  },
}

function showEvents(
  out: TextBuffer,
  listens: readonly { readonly text: ByteString; readonly counter: EventCounter }[],
): void {
  for (const { text, counter } of listens) {
    if (counter.count === 0) continue
    out.keyed(text, counter.count)
    counter.count = 0
  }
}

function listen(text: ByteString, { tree, cg, memory }: Access): Errno | Ok {
  const css = cg.css[tree.controllers.findIndex(({ name }) => name === 'memory')]
  const block = cg.self.files?.control ?? null
  if (!css?.memcg) return ENODEV
  const asked = trim(text)
  const [file = '', ...args] = asked.split(' ')
  const counter: EventCounter = { count: 0 }
  // That of the whole machine is no file of a cgroup: nobody who polls it is woken.
  const target: EventTarget = block
    ? { kind: 'file', counter, file: { block, row: tree.tables[block.table]!.index.get(NAME)! } }
    : { kind: 'counter', counter }
  const listener = register(tree, css.memcg, file, args.join(' '), target)
  if (isErrno(listener)) return listener
  memory.listens ??= []
  memory.listens.push({ listener, text: asked, counter })
  return OK
}
