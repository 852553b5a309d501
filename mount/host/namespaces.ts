/**
 * Process numbers across pid namespaces. /proc shows each process with its numbers in all the namespaces it is in,
 * from that of the /proc mount inwards (the NSpid line of status, proc(5)): one number means "our own namespace".
 *
 * The daemon's /proc must be that of its own pid namespace, which is also the namespace of the mount: the numbers in
 * request headers are translated to it by the kernel (fs/fuse/dev.c, pid_nr_ns with the connection's namespace).
 */
import { readdirSync } from 'node:fs'
import { type Errno, ESRCH } from '../../src/errno.ts'
import type { Pid } from '../../src/units.ts'
import { numbersOf, readProc, readProcLink } from './proc.ts'

/** A pid namespace below ours, by one of the processes directly in it. */
export interface NestedNamespace {
  /** How many numbers its processes have: 2 for a child of our namespace. */
  readonly depth: number
  readonly link: string | undefined
}

/** The pid namespace of a thread; undefined if it is ours, or the thread is gone. */
export function nestedNamespaceOf(tid: Pid): NestedNamespace | undefined {
  const depth = numbersIn(tid).length
  return depth > 1 ? { depth, link: readProcLink(`${tid}/ns/pid`) } : undefined
}

/** The number a process of ours has in `namespace`; 0 if it has none there. */
export function numberInside(namespace: NestedNamespace, pid: Pid): Pid {
  const numbers = numbersIn(pid)
  return numbers.length >= namespace.depth && isInside(namespace, pid) ? numbers[namespace.depth - 1]! : 0
}

/** The number we know a process or thread by that is `number` in `namespace`: a search through /proc. */
export function numberOutside(namespace: NestedNamespace, number: Pid): Pid | Errno {
  for (const tid of allThreads()) {
    if (numbersIn(tid)[namespace.depth - 1] === number && isInside(namespace, tid)) return tid
  }
  return ESRCH
}

const numbersIn = (pid: Pid): number[] => numbersOf(readProc(`${pid}/status`) ?? '', 'NSpid')

/**
 * Whether a process is in the namespace or in one below it. Links compare namespaces of the same depth only, and a
 * process further down names its own. But its ancestors lead upwards through the namespaces around it one by one (a
 * namespace is entered by creating children), so the first ancestor of that depth is in the namespace in question.
 */
function isInside(namespace: NestedNamespace, pid: Pid): boolean {
  let candidate = pid
  for (;;) {
    const status = readProc(`${candidate}/status`)
    if (status === undefined) return false
    const depth = numbersOf(status, 'NSpid').length
    if (depth < namespace.depth) return false
    if (depth === namespace.depth) return readProcLink(`${candidate}/ns/pid`) === namespace.link
    candidate = numbersOf(status, 'PPid')[0] ?? 0
  }
}

/** Processes first: most numbers that are written are theirs. */
function* allThreads(): Generator<Pid> {
  const processes = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  yield* processes.map(Number)
  for (const pid of processes) yield* threadsBesidesLeader(pid)
}

function threadsBesidesLeader(pid: string): Pid[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .filter(tid => tid !== pid)
      .map(Number)
  } catch {
    return [] // Gone meanwhile.
  }
}
