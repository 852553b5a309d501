/**
 * The files every cgroup has on version 1. Kernel: kernel/cgroup/cgroup-v1.c, cgroup1_base_files.
 */
import { EPERM, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { parseUnsigned, trim } from '../formats/parse.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Cgroup } from '../tree/cgroup.ts'
import type { Access, FileRow } from '../tree/controller.ts'
import { writeProcs } from '../tree/migrate.ts'
import { type PidListKind, pidList } from '../tree/pidlist.ts'
import type { ByteString } from '../units.ts'

/** Kernel: PATH_MAX - 1. */
const MAX_AGENT = 4095

export const coreV1: readonly FileRow[] = [
  listFile('cgroup.procs', 'processes'),
  flagFile('cgroup.clone_children', 'cloneChildren'),
  { name: 'cgroup.sane_behavior', on: 'root', show: out => void out.line(0) },
  listFile('tasks', 'threads'),
  flagFile('notify_on_release', 'notifyOnRelease'),
  { name: 'release_agent', on: 'root', show: showAgent, write: writeAgent, maxWrite: MAX_AGENT },
]

/** Processes or threads. One outside the pid namespace of the reader is left out. */
function listFile(name: string, kind: PidListKind): FileRow {
  return {
    name,
    on: 'everywhere',
    list: true,
    looksAtTasks: true,
    show: (out, { tree, cg, caller, memory }) => {
      const seen = pidList(tree, cg, kind, memory).map(pid => caller.inView(pid))
      for (const pid of seen.filter(pid => pid !== 0).sort((a, b) => a - b)) out.line(pid)
      return undefined
    },
    write: (text, { tree, cg, caller, opener, mayWrite }) =>
      writeProcs(tree, cg, { text, thread: kind === 'threads', caller, opener, mayWrite }),
  }
}

/** On or off; any number but 0 is on. */
function flagFile(name: string, flag: keyof Pick<Cgroup, 'cloneChildren' | 'notifyOnRelease'>): FileRow {
  return {
    name,
    on: 'everywhere',
    show: (out, { cg }) => void out.line(cg[flag] ? 1 : 0),
    write: (text, { cg }) => {
      const value = parseUnsigned(text)
      if (isErrno(value)) return value
      cg[flag] = value !== 0
      return OK
    },
  }
}

function showAgent(out: TextBuffer, { cg }: Access): undefined {
  out.text(cg.hierarchy.releaseAgent).newline()
}

/** The agent would run as root: only the administrator may name it. */
function writeAgent(text: ByteString, { cg, opener }: Access): Errno | Ok {
  if (!opener.privileged) return EPERM
  cg.hierarchy.releaseAgent = trim(text)
  return OK
}
