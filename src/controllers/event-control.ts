/**
 * cgroup.event_control of version 1: `EVENTFD FILE [ARGUMENTS]`, both as descriptors of the writer.
 * Kernel: mm/memcontrol.c, memcg_write_event_control (charge-reclaim.md §11).
 */
import { EACCES, EINVAL, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { trim } from '../formats/parse.ts'
import type { Access } from '../tree/controller.ts'
import { register, tellsEvents } from '../tree/registration.ts'
import type { ByteString } from '../units.ts'

const EVENT_REQUEST = /^(\d*) (\d*)(?: (.*))?$/s

export function writeEventControl(text: ByteString, access: Access): Errno | Ok {
  const request = EVENT_REQUEST.exec(trim(text))
  if (request === null) return EINVAL
  const [, eventfd, file, args = ''] = request
  const event = access.descriptor(Number(eventfd))
  if (isErrno(event)) return event
  if (event.kind !== 'eventfd') return EINVAL
  const about = access.descriptor(Number(file))
  if (isErrno(about)) return about
  if (about.kind !== 'file' || !tellsEvents(about.name)) return EINVAL
  if (!about.isReadable) return EACCES
  const target = event.take()
  if (isErrno(target)) return target
  const registered = register(access.tree, access.css.memcg!, about.name, args, target)
  return isErrno(registered) ? registered : OK
}
