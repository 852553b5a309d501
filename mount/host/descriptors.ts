/**
 * Descriptors of other processes, for cgroup.event_control: what one is tells /proc, and an eventfd is made ours by
 * pidfd_getfd(2) (fuse-transport.md §10). The files themselves are never touched: one may be of our own mount, and the
 * loop would wait for itself.
 *
 * Where we may not look into the process (we are not root, and it is not our user's or not our descendant's) the answer
 * is ENOSYS; `.memcgfs/notify` tells the same without a descriptor.
 */
import { readFileSync, readlinkSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { EBADF, ENOSYS, type Errno } from '../../src/errno.ts'
import type { Descriptor } from '../../src/tree/controller.ts'
import type { EventTarget, HostSignal } from '../../src/tree/listeners.ts'
import type { Pid } from '../../src/units.ts'

/** What a descriptor of a process is; `device` is that of our mount, as mountinfo has it. */
export function descriptorOf(pid: Pid, fd: number, device: string | undefined): Descriptor | Errno {
  try {
    const link = readlinkSync(`/proc/${pid}/fd/${fd}`, 'latin1')
    if (link === 'anon_inode:[eventfd]') return { kind: 'eventfd', take: () => takeEventfd(pid, fd) }
    const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1')
    const mount = fieldOf(info, 'mnt_id')
    const ino = fieldOf(info, 'ino')
    const isOurs = device !== undefined && deviceOfMount(pid, mount) === device
    return isOurs && ino !== undefined ? { kind: 'file', ino: Number(ino) } : { kind: 'other' }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? EBADF : ENOSYS
  }
}

/** A line of /proc/PID/fdinfo; that of the inode exists since Linux 5.14. */
const fieldOf = (info: string, field: string): string | undefined =>
  new RegExp(`^${field}:\\s*(\\d+)$`, 'm').exec(info)?.[1]

/** MAJOR:MINOR of a mount in the namespace of the process. */
function deviceOfMount(pid: Pid, mount: string | undefined): string | undefined {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'latin1').split('\n')
  return lines.map(line => line.split(' ')).find(([id]) => id === mount)?.[2]
}

/** The same numbers on every machine. Kernel: include/uapi/asm-generic/unistd.h. */
const SYS_PIDFD_OPEN = 434
const SYS_PIDFD_GETFD = 438

/** `close`: Node warns when a thread closes a descriptor that it has not opened. */
interface Calls {
  syscall(number: number, first: number, second: number, third: number): number
  close(fd: number): number
}

let loaded: Calls | undefined

/** koffi is an optional package, needed by nothing else of a mount that root makes. Throws if it is not there. */
function calls(): Calls {
  if (loaded !== undefined) return loaded
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const libc = koffi.load(null)
  loaded = {
    syscall: libc.func('long syscall(long, long, long, long)') as unknown as Calls['syscall'],
    close: libc.func('int close(int)') as unknown as Calls['close'],
  }
  return loaded
}

/** A descriptor of our own for the eventfd. While we hold it, it does not end with the process. */
function takeEventfd(pid: Pid, fd: number): EventTarget | Errno {
  try {
    const { syscall, close } = calls()
    const pidfd = syscall(SYS_PIDFD_OPEN, pid, 0, 0)
    if (pidfd < 0) return ENOSYS
    const own = syscall(SYS_PIDFD_GETFD, pidfd, fd, 0)
    close(pidfd)
    return own < 0 ? ENOSYS : { kind: 'host', fd: own }
  } catch {
    return ENOSYS
  }
}

/** Adds to the eventfd, and gives it back after the last signal. */
export function signalEventfd({ fd, times, isLast }: HostSignal): void {
  try {
    if (times > 0) writeSync(fd, new Uint8Array(BigUint64Array.of(BigInt(times)).buffer))
  } catch {
    // It is full: nobody has read it 2^64 times.
  }
  if (isLast) calls().close(fd)
}
