/** A shell on a manual clock for tests of the workload language. */
import { boot, MANUAL_BOOT_TIME } from '../../src/api/boot.ts'
import { type KernelOptions, resolveOptions } from '../../src/api/options.ts'
import { Process, type ProcessOptions } from '../../src/api/process.ts'
import { ProcessTable, Vfs } from '../../src/api/vfs.ts'
import { errnoName, isErrno } from '../../src/errno.ts'
import type { Kernel } from '../../src/kernel.ts'

export interface Shell {
  readonly kernel: Kernel
  readonly root: Process
  /** Another process, such as one of another user. */
  as(options: ProcessOptions): Process
  /** Writes lines to the `do` of a cgroup; the errno's name or the number of bytes. */
  do(cgroup: string, ...lines: string[]): string | number
  /** What the last of these did, without its closing line. */
  result(cgroup: string): string[]
  read(path: string): string
  write(path: string, text: string): string | number
}

export function shellOf(options: KernelOptions = {}): Shell {
  const host = new ProcessTable()
  host.add(100)
  const door = boot(resolveOptions(options, 'manual'), {
    host,
    bootTime: MANUAL_BOOT_TIME,
    owner: { uid: 0, gid: 0 },
  })
  const vfs = new Vfs(door)
  const root = new Process(vfs, { pid: 100 })
  const named = (result: number): string | number => (isErrno(result) ? errnoName(result) : result)
  root.writeFile('/cgroup.subtree_control', '+memory +pids')
  return {
    kernel: door.kernel,
    root,
    as: each => new Process(vfs, each),
    do: (cgroup, ...lines) => named(root.writeFile(`${cgroup}/.memcgfs/do`, `${lines.join('\n')}\n`)),
    result: cgroup =>
      String(root.readFile(`${cgroup}/.memcgfs/result`))
        .split('\n')
        .slice(0, -2),
    read: path => {
      const text = root.readFile(path)
      return isErrno(text) ? errnoName(text) : text
    },
    write: (path, text) => named(root.writeFile(path, text)),
  }
}
