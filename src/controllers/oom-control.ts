/**
 * memory.oom_control of version 1: whether the OOM killer acts, and whether somebody waits because it does not.
 * Kernel: mm/memcontrol.c mem_cgroup_oom_control_read, mem_cgroup_oom_control_write.
 */
import { localEventCount, memoryEvents } from '../engine/events.ts'
import { setOomKillDisable } from '../engine/oomwait.ts'
import { EINVAL, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { parseUnsigned } from '../formats/parse.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Access, FileRow } from '../tree/controller.ts'
import type { ByteString } from '../units.ts'

export const oomControl: FileRow = { name: 'memory.oom_control', on: 'everywhere', show, write }

function show(out: TextBuffer, { css, tree }: Access): undefined {
  const { engine } = tree
  const m = css.memcg!
  const { oomKillDisable, underOom } = m.v1!
  out.keyed('oom_kill_disable', oomKillDisable ? 1 : 0)
  out.keyed('under_oom', underOom > 0 ? 1 : 0)
  if (memoryEvents(engine).includes('oom_kill')) out.keyed('oom_kill', localEventCount(engine, m, 'oom_kill'))
}

function write(text: ByteString, { css, tree }: Access): Errno | Ok {
  const value = parseUnsigned(text)
  if (isErrno(value)) return value
  if (css.parent === null || value > 1) return EINVAL
  setOomKillDisable(tree.engine, css.memcg!, value === 1)
  return OK
}
