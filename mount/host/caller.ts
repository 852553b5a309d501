/**
 * Who sent a request. The header tells uid, gid and thread; everything else costs a look into /proc and is fetched
 * only when asked for. One object serves all requests of a loop: whoever must remember a caller (the opener of a
 * file) copies what he needs.
 *
 * uid and gid are those of the user namespace of the mount, as are the groups, if the daemon mounted it itself.
 */
import { EBADF, type Errno, ESRCH, isErrno } from '../../src/errno.ts'
import type { Caller } from '../../src/kernfs/door.ts'
import type { Descriptor } from '../../src/tree/controller.ts'
import type { Gid, Pid, Uid } from '../../src/units.ts'
import { descriptorOf } from './descriptors.ts'
import { type NestedNamespace, nestedNamespaceOf, numberInside, numberOutside } from './namespaces.ts'
import { numbersOf, readProc } from './proc.ts'

export class RequestCaller implements Caller {
  /** Of the mount, in mountinfo; undefined where nobody needs it. */
  readonly #device: string | undefined
  uid: Uid = 0
  gid: Gid = 0
  /** 0: a thread that the mount's pid namespace does not show, or nobody (the kernel itself). */
  #tid: Pid = 0
  #status: string | undefined
  #namespace: NestedNamespace | undefined
  #namespaceKnown = false

  constructor(device?: string) {
    this.#device = device
  }

  /** Begins the next request. */
  become(uid: Uid, gid: Gid, tid: Pid): void {
    this.uid = uid
    this.gid = gid
    this.#tid = tid
    this.#status = undefined
    this.#namespaceKnown = false
  }

  groups(): readonly Gid[] {
    return numbersOf(this.#readStatus(), 'Groups')
  }

  /** The header has the thread; the process is what pidfd_open and cgroup.procs mean (fuse-transport.md §10). */
  tgid(): Pid | Errno {
    return numbersOf(this.#readStatus(), 'Tgid')[0] ?? ESRCH
  }

  tid(): Pid | Errno {
    return this.#tid === 0 ? ESRCH : this.#tid
  }

  inView(pid: Pid): Pid {
    if (this.#tid === 0) return 0
    const namespace = this.#nestedNamespace()
    return namespace === undefined ? pid : numberInside(namespace, pid)
  }

  fromView(pid: Pid): Pid | Errno {
    if (this.#tid === 0) return ESRCH
    const namespace = this.#nestedNamespace()
    return namespace === undefined ? pid : numberOutside(namespace, pid)
  }

  descriptor(fd: number): Descriptor | Errno {
    const tgid = this.tgid()
    return isErrno(tgid) ? EBADF : descriptorOf(tgid, fd, this.#device)
  }

  #readStatus(): string {
    this.#status ??= (this.#tid === 0 ? undefined : readProc(`${this.#tid}/status`)) ?? ''
    return this.#status
  }

  #nestedNamespace(): NestedNamespace | undefined {
    if (!this.#namespaceKnown) {
      this.#namespace = nestedNamespaceOf(this.#tid)
      this.#namespaceKnown = true
    }
    return this.#namespace
  }
}
