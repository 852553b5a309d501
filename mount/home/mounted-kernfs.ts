/**
 * The file system of a mounted machine, as the mount's door. It is used from two sides: by requests of the mount, and
 * by calls of the view in the main thread, which come in through a Vfs over this same object. Each side is told what
 * the other did.
 */
import type { Vfs } from '../../src/api/vfs.ts'
import { type Errno, isErrno, type Ok } from '../../src/errno.ts'
import type { AttributeChange, Caller, Handle, NodeId, Notice, Pending } from '../../src/kernfs/door.ts'
import { Kernfs } from '../../src/kernfs/kernfs.ts'
import type { ByteString } from '../../src/units.ts'

export class MountedKernfs extends Kernfs {
  #vfs: Vfs | undefined
  /** A call is being served, not a request. */
  #inCall = false
  /** What the kernel above the mount must hear of the call. */
  readonly #fromCall: Notice[] = []

  /** To be set before anything is asked. */
  connect(vfs: Vfs): void {
    this.#vfs = vfs
    vfs.follow(notice => {
      if (this.#inCall) this.#fromCall.push(notice)
    })
  }

  /** Runs a call of the other side. Its notices are taken afterwards, as those of a request are. */
  duringCall<T>(call: () => T): T {
    this.#inCall = true
    try {
      return call()
    } finally {
      this.#inCall = false
    }
  }

  override takeNotices(): readonly Notice[] {
    const notices = super.takeNotices()
    if (this.#inCall) return notices // For the Vfs, which passes them on, to us among others.
    if (this.#fromCall.length > 0) return [...this.#fromCall.splice(0), ...notices]
    this.#vfs!.tell(notices)
    return notices
  }

  override mkdir(parent: NodeId, name: ByteString, mode: number, caller: Caller): NodeId | Errno {
    const node = super.mkdir(parent, name, mode, caller)
    if (!isErrno(node)) this.#nameChanged(parent, name, 'IN_CREATE|IN_ISDIR')
    return node
  }

  override rmdir(parent: NodeId, name: ByteString): Ok | Errno {
    const removed = super.rmdir(parent, name)
    if (!isErrno(removed)) this.#nameChanged(parent, name, 'IN_DELETE|IN_ISDIR')
    return removed
  }

  override rename(parent: NodeId, name: ByteString, newParent: NodeId, newName: ByteString, flags: number): Ok | Errno {
    const renamed = super.rename(parent, name, newParent, newName, flags)
    if (isErrno(renamed) || (parent === newParent && name === newName)) return renamed
    this.#nameChanged(parent, name, 'IN_MOVED_FROM|IN_ISDIR')
    this.#nameChanged(newParent, newName, 'IN_MOVED_TO|IN_ISDIR')
    return renamed
  }

  override setattr(node: NodeId, change: AttributeChange): Ok | Errno {
    const set = super.setattr(node, change)
    if (isErrno(set)) return set
    if (this.#inCall) this.#dropEntry(node)
    else this.#vfs!.notify(node, this.#vfs!.isDirectory(node) ? 'IN_ATTRIB|IN_ISDIR' : 'IN_ATTRIB')
    return set
  }

  override write(handle: Handle, from: Uint8Array, at: number, size: number, caller: Caller): number | Errno | Pending {
    const written = super.write(handle, from, at, size, caller)
    const node = this.opens.files[handle - 1]?.node
    if (written > 0 && !this.#inCall && node !== undefined) this.#vfs!.notify(node, 'IN_MODIFY')
    return written
  }

  #nameChanged(parent: NodeId, name: ByteString, event: string): void {
    if (!this.#inCall) {
      this.#vfs!.inotify.raise(parent, event, name)
      return
    }
    this.#fromCall.push({ kind: 'names', parent, names: [name] })
    this.#dropEntry(parent) // Its link count has changed.
  }

  /** The kernel above asks again for a node it looks up by name, and gets its new attributes. Not for the root. */
  #dropEntry(node: NodeId): void {
    const vfs = this.#vfs!
    const parent = vfs.isDirectory(node) ? vfs.parentOf(node) : this.directoryOf(node)
    if (parent !== node) this.#fromCall.push({ kind: 'names', parent, names: [vfs.nameOf(node, parent)] })
  }
}
