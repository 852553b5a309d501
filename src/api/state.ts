/**
 * A simulated kernel with its open files as one piece of plain data, so that it can be copied or moved to another
 * thread: `structuredClone` of the state is a second kernel that goes on independently (engine-shape.md §5, 1).
 *
 * What is static (controllers, tables of files) or belongs to the host (who exists there, what time it is) is not part
 * of it and is given anew.
 */
import { Kernel, type KernelSetup, type KernelState } from '../kernel.ts'
import type { Handle, NodeId } from '../kernfs/door.ts'
import { Kernfs } from '../kernfs/kernfs.ts'
import type { OpenFiles } from '../kernfs/openfiles.ts'
import type { Host } from '../tree/host.ts'
import { forgetHostListeners } from '../tree/listeners.ts'

export interface MachineState {
  readonly setup: Omit<KernelSetup, 'host'>
  readonly kernel: KernelState
  readonly opens: OpenFiles
}

/** The state between two operations. Not a copy: it is that of the running kernel. */
export function exportState({ kernel, opens }: Kernfs): MachineState {
  const { host: _, ...setup } = kernel.setup
  return { setup, kernel: kernel.state, opens }
}

/**
 * A kernel that goes on from a state; the state is its own from then on. A door of another kind than `Kernfs` is made
 * by `create`.
 */
export function importState(
  { setup, kernel, opens }: MachineState,
  host: Host,
  create = (kernel: Kernel, opens: OpenFiles): Kernfs => new Kernfs(kernel, opens),
): Kernfs {
  return create(new Kernel({ ...setup, host }, kernel), opens)
}

/** What somebody has open, and which nodes he holds references on. */
export interface Held {
  readonly handles: ReadonlySet<Handle>
  readonly nodes: readonly NodeId[]
}

/** Whoever else used this file system has gone away without a word: all is closed and forgotten but what is held. */
export function keepOnly(door: Kernfs, { handles, nodes }: Held): void {
  forgetHostListeners(door.kernel.tree)
  for (const file of [...door.opens.files]) {
    if (file === null) continue
    file.pollToken = 0
    if (!handles.has(file.handle)) door.release(file.handle)
  }
  door.forgetAllBut(nodes)
}
