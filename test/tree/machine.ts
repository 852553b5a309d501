/** A simulated 6.12 in one process, for tests that look at its files: 4 CPUs, 1536M, on a manual clock. */
import { boot, MANUAL_BOOT_TIME } from '../../src/api/boot.ts'
import { type KernelOptions, resolveOptions } from '../../src/api/options.ts'
import { Process } from '../../src/api/process.ts'
import { ProcessTable, Vfs } from '../../src/api/vfs.ts'
import { type Nanoseconds, seconds } from '../../src/units.ts'

export interface TestMachine {
  readonly vfs: Vfs
  /** Processes that exist on the host: root's shell is pid 100. */
  readonly table: ProcessTable
  /** Root's shell. */
  readonly root: Process
  /** Another process of the host. */
  spawn(pid: number, uid: number): Process
  /** Lets time pass, and everything that is due in it. */
  pass(time: Nanoseconds): void
}

export function machine(options: KernelOptions = {}): TestMachine {
  const table = new ProcessTable()
  const resolved = resolveOptions({ cpus: 4, memory: '1536M', swap: '512M', ...options }, 'manual')
  const vfs = new Vfs(boot(resolved, { host: table, bootTime: MANUAL_BOOT_TIME, owner: { uid: 0, gid: 0 } }))
  const spawn = (pid: number, uid: number): Process => {
    table.add(pid)
    return new Process(vfs, { pid, uid, gid: uid })
  }
  return {
    vfs,
    table,
    root: spawn(100, 0),
    spawn,
    pass: time => {
      const { kernel } = vfs.door
      kernel.advanceTo(kernel.now + time)
      vfs.poke()
    },
  }
}

export { seconds }
