/**
 * The files of `.memcgfs`: workload commands and the model's inside (workload.md §1). Those marked root exist in the
 * root's control directory only.
 */
import { slabDebugLines } from '../engine/slabdebug.ts'
import { EINVAL, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { explain } from '../explain/explain.ts'
import { answerText } from '../explain/text.ts'
import { trim } from '../formats/parse.ts'
import type { Kernel } from '../kernel.ts'
import type { Access, FileRow, OpenMemory, Pending } from '../tree/controller.ts'
import { memcgFor } from '../tree/spawn.ts'
import { isReal, type Task } from '../tree/task.ts'
import type { ByteString, Nanoseconds } from '../units.ts'
import { Refusal } from './args.ts'
import { configOf, setConfig } from './config.ts'
import { parseTime } from './grammar.ts'
import { showMeminfo, showSlabinfo } from './hostfiles.ts'
import { showKernel } from './kernelfile.ts'
import { chooseScenario, showLocks } from './locks.ts'
import { notifyFile } from './notify.ts'
import { showVmstat } from './vmstat.ts'
import type { Workload } from './workload.ts'
import { showZombies } from './zombies.ts'
import { showZombieSeries, showZombieStat } from './zombiestat.ts'

/** What one write to `do` may carry: as much as the transport takes at once. */
const MAX_DO = 128 * 1024

/** The control files of a kernel. They are asked for before the kernel is complete, so both come by function. */
export function controlFiles(kernel: () => Kernel, workload: () => Workload): FileRow[] {
  const writeClock = (text: ByteString): Errno | Ok => setClock(kernel(), trim(text))
  return [
    {
      name: 'do',
      on: 'everywhere',
      maxWrite: MAX_DO,
      takesNul: true,
      show: (out, { memory }) => void out.text(memory.result ?? ''),
      write: (text, { cg, opener, memory, size }: Access): Errno | Ok | Pending =>
        workload().write(text, size, cg, opener, memory),
      close: ({ cg, opener, memory }) => workload().close(cg, opener, memory),
    },
    {
      name: 'result',
      on: 'everywhere',
      show: (out, { cg }) => void out.text(cg.self.files?.lastResult ?? ''),
    },
    {
      name: 'tasks',
      on: 'everywhere',
      looksAtTasks: true,
      show: (out, { cg }) => {
        for (const task of cg.tasks ?? []) out.text(describeTask(task)).newline()
        for (const task of cg.deadLeaders ?? []) out.text(describeTask(task)).newline()
        return undefined
      },
    },
    {
      name: 'slab_debug',
      on: 'everywhere',
      show: (out, { cg }) => {
        const { engine, tree } = kernel()
        for (const [key, value] of slabDebugLines(engine, memcgFor(tree, cg))) out.keyed(key, value)
        return undefined
      },
    },
    notifyFile,
    { name: 'vmstat', on: 'everywhere', show: (out, { cg }) => void showVmstat(out, kernel(), cg) },
    { name: 'clock', on: 'root', show: out => void out.line(kernel().now), write: writeClock },
    {
      name: 'config',
      on: 'root',
      show: out => {
        for (const [key, value] of configOf(kernel())) out.text(`${key}=${value}`).newline()
        return undefined
      },
      write: text => writeConfig(kernel(), workload(), text),
    },
    { name: 'zombies', on: 'root', show: out => showZombies(out, kernel()) },
    { name: 'zombie_stat', on: 'root', show: out => showZombieStat(out, kernel()) },
    { name: 'zombie_series', on: 'root', show: out => showZombieSeries(out, kernel()) },
    { name: 'kernel', on: 'root', show: out => showKernel(out, kernel()) },
    { name: 'slabinfo', on: 'root', show: out => showSlabinfo(out, kernel()) },
    { name: 'meminfo', on: 'root', show: out => showMeminfo(out, kernel()) },
    {
      name: 'locks',
      on: 'root',
      show: out => showLocks(out, kernel(), workload().state.lockScenario),
      write: text => chooseScenario(workload(), text),
    },
    {
      name: 'explain',
      on: 'root',
      show: (out, { memory }) => void out.text(memory.explained ?? workload().state.explained),
      write: (text, { memory }) => writeExplain(kernel(), workload(), trim(text), memory),
    },
    {
      name: 'log',
      on: 'root',
      show: out => {
        for (const line of workload().log) out.text(line).newline()
        return undefined
      },
    },
  ]
}

/** Asks about a path from the root of the mount; this description, and new ones, read the answer. */
function writeExplain(kernel: Kernel, workload: Workload, path: ByteString, memory: OpenMemory): Errno | Ok {
  const answer = explain(kernel.tree, kernel.setup.profile, path)
  if (isErrno(answer)) return answer
  const text = answerText(answer)
  memory.explained = text
  workload.state.explained = text
  return OK
}

/** `+2s` from now, or a later absolute time in nanoseconds. */
function setClock(kernel: Kernel, text: ByteString): Errno | Ok {
  const push = text.startsWith('+') ? parseTime(text.slice(1)) : undefined
  const absolute = /^\d{1,16}$/.test(text) ? Number(text) : undefined
  const time: Nanoseconds | undefined = push === undefined ? absolute : kernel.now + push
  if (time === undefined || time < kernel.now) return EINVAL
  kernel.advanceTo(time)
  return OK
}

function writeConfig(kernel: Kernel, workload: Workload, text: ByteString): Errno | Ok {
  for (const line of text.split('\n')) {
    if (trim(line) === '') continue
    const set = setConfig(kernel, trim(line))
    if (!(set instanceof Refusal)) continue
    workload.note(`config: ${set.why}`)
    return set.errno
  }
  return OK
}

const stateOf = (task: Task): string => {
  if (task.state !== 'alive') return 'zombie'
  if (task.stopped) return 'stopped'
  if (task.frozen) return 'frozen'
  return task.sleep === null ? 'running' : 'sleeping'
}

function describeTask(task: Task): string {
  const rss = task.mm?.rss
  const pages = `anon=${rss?.anon ?? 0} file=${rss?.file ?? 0} shmem=${rss?.shmem ?? 0}`
  const tables = `pagetables=${task.mm?.pageTables?.length ?? 0}`
  const kind = isReal(task) ? 'real' : 'simulated'
  return `${task.name || '-'} pid=${task.pid} tgid=${task.leader.pid} ${kind} ${stateOf(task)} cpu=${task.cpu} ${pages} ${tables}`
}
