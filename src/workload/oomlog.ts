/**
 * The report of the OOM killer as the kernel log prints it, in the words of 6.12, without the call trace. Kernel:
 * mm/oom_kill.c dump_header, dump_tasks, dump_oom_victim, __oom_kill_process; mm/memcontrol.c mem_cgroup_print_oom_meminfo.
 */
import type { OomCounter, OomReport, OomTask } from '../engine/oomreport.ts'
import type { Kernel } from '../kernel.ts'
import { pathOf } from '../tree/cgroup.ts'
import { cgroupOf, type Task } from '../tree/task.ts'
import { type ByteString, KIB, type Pages } from '../units.ts'

/** Numbers of GFP_KERNEL, GFP_NOFS and GFP_NOIO. */
const GFP_MASKS = { GFP_KERNEL: '0xcc0', GFP_NOFS: '0xc40', GFP_NOIO: '0xc00' } as const

/** The lines of a report, before anybody dies of it. */
export function oomLines(kernel: Kernel, report: OomReport): string[] {
  const { tree, setup } = kernel
  const { pageSize, nodes } = setup.machine
  const processes = new Map<number, Task>()
  for (const task of tree.tasks.values()) if (task.mm !== null) processes.set(task.mm.id, task.leader)
  const pathOfMemcg = (slot: number): ByteString => pathOf(tree.cssOfMemcg[slot]!.cgroup)
  const kib = (pages: Pages): string => `${(pages * pageSize) / KIB}kB`
  const counterLine = ({ name, usage, limit, failcnt }: OomCounter): string =>
    `${name}: usage ${kib(usage)}, limit ${kib(limit)}, failcnt ${failcnt}`
  const rows = new Map(report.tasks.map(row => [row.mm, row]))
  const killed = report.killed.map(mm => killedLine(rows.get(mm)!, processes.get(mm), kib))
  const path = pathOfMemcg(report.memcg)
  const chosen = processes.get(report.victim)
  return [
    `${invokerOf(report, processes)} invoked oom-killer: gfp_mask=${GFP_MASKS[report.gfp]}(${report.gfp}), ` +
      `order=${report.order}, oom_score_adj=${rows.get(report.invoker ?? 0)?.oomScoreAdj ?? 0}`,
    ...report.counters.map(counterLine),
    `Memory cgroup stats for ${path}:`,
    ...report.stat.map(({ name, value }) => `${name} ${value}`),
    'Tasks state (memory values in pages):',
    '[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name',
    ...report.tasks.map(row => taskLine(row, processes.get(row.mm), pageSize)),
    `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=${nodes === 1 ? 0 : `0-${nodes - 1}`},` +
      `oom_memcg=${path},task_memcg=${chosen === undefined ? '?' : memcgPath(kernel, chosen)},` +
      `task=${chosen?.name ?? '?'},pid=${chosen?.pid ?? 0},uid=${chosen?.uid ?? 0}`,
    killed[0]!,
    ...(report.group === null
      ? []
      : [`Tasks in ${pathOfMemcg(report.group)} are going to be killed due to memory.oom.group set`]),
    ...killed.slice(1),
  ]
}

/** Limits are lowered by programs the model does not know. */
const invokerOf = ({ invoker }: OomReport, processes: ReadonlyMap<number, Task>): string =>
  (invoker === null ? undefined : processes.get(invoker)?.name) ?? 'write'

const memcgPath = ({ tree }: Kernel, task: Task): ByteString => {
  const memory = tree.controllers.findIndex(({ name }) => name === 'memory')
  const css = task.css[memory]
  return pathOf(css?.cgroup ?? cgroupOf(task))
}

function taskLine(row: OomTask, task: Task | undefined, pageSize: number): string {
  const pad = (value: number, width: number): string => String(value).padStart(width)
  const { totalVm, anon, file, shmem, pageTables, swapents, oomScoreAdj } = row
  const pid = task?.pid ?? 0
  return (
    `[${pad(pid, 7)}] ${pad(task?.uid ?? 0, 5)} ${pad(pid, 5)} ${pad(totalVm, 8)} ${pad(anon + file + shmem, 8)} ` +
    `${pad(anon, 8)} ${pad(file, 8)} ${pad(shmem, 9)} ${pad(pageTables * pageSize, 8)} ${pad(swapents, 8)}         ` +
    `${pad(oomScoreAdj, 5)} ${task?.name ?? '?'}`
  )
}

function killedLine(row: OomTask, task: Task | undefined, kib: (pages: Pages) => string): string {
  const { totalVm, anon, file, shmem, pageTables, oomScoreAdj } = row
  return (
    `Memory cgroup out of memory: Killed process ${task?.pid ?? 0} (${task?.name ?? '?'}) total-vm:${kib(totalVm)}, ` +
    `anon-rss:${kib(anon)}, file-rss:${kib(file)}, shmem-rss:${kib(shmem)}, UID:${task?.uid ?? 0} ` +
    `pgtables:${kib(pageTables)} oom_score_adj:${oomScoreAdj}`
  )
}
