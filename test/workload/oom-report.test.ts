/** The report of the OOM killer in `.memcgfs/log`, line by line as the log of Linux 6.12 has it. */
import t from 'tap'
import { shellOf } from './helpers.ts'

/** The log without the times, from the report's first line on, and without the lines of memory.stat. */
function report(log: string): string[] {
  const lines = log.split('\n').map(line => line.replace(/^\d+ /, ''))
  const from = lines.findIndex(line => line.includes(' invoked oom-killer: '))
  const stat = lines.findIndex(line => line.startsWith('Memory cgroup stats for '))
  const table = lines.findIndex(line => line.startsWith('Tasks state '))
  t.match(lines[stat + 1], /^anon \d+$/)
  t.match(lines[table - 1], /^[a-z_]+ \d+$/)
  return [...lines.slice(from, stat + 1), ...lines.slice(table)]
}

t.test('who asked, how much there was, who there was, and who was killed', t => {
  const { root, write, read, do: run } = shellOf({ kernel: '6.12', cpus: 1, swap: 0 })
  root.mkdir('/a', 0o755)
  write('/a/memory.max', '1M')
  run('/a', 'task t1 bare uid=1000 adj=7', 'task t2 bare', 'anon t1 heap 768K', 'anon t2 heap 512K')
  const [header, memory, swap, stats, ...table] = report(read('/.memcgfs/log'))
  t.equal(header, 't2 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0')
  t.match(memory, /^memory: usage 1024kB, limit 1024kB, failcnt \d+$/)
  t.equal(swap, 'swap: usage 0kB, limit 9007199254740988kB, failcnt 0')
  t.equal(stats, 'Memory cgroup stats for /a:')
  // 768K are 192 pages; 64 of the 256 are left for t2.
  t.same(table.slice(0, 6), [
    'Tasks state (memory values in pages):',
    '[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name',
    '[5000001]  1000 5000001      192      192      192        0         0        0        0             7 t1',
    '[5000002]     0 5000002      128       64       64        0         0        0        0             0 t2',
    'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a,task=t1,pid=5000001,uid=1000',
    'Memory cgroup out of memory: Killed process 5000001 (t1) total-vm:768kB, anon-rss:768kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:0kB oom_score_adj:7',
  ])
  t.end()
})

t.test('a group that is killed as a whole', t => {
  const { root, write, read, do: run } = shellOf({ kernel: '6.12', cpus: 1, swap: 0 })
  root.mkdir('/a', 0o755)
  write('/a/memory.oom.group', '1')
  run('/a', 'task t1 bare', 'task t2 bare', 'anon t1 heap 768K', 'anon t2 heap 512K')
  write('/a/memory.max', '1M')
  const lines = report(read('/.memcgfs/log'))
  t.match(lines[0], /^write invoked oom-killer: /, 'programs that write limits have no name here')
  const killed = lines.filter(line => /Killed process|oom\.group/.test(line))
  t.match(killed, [
    /Killed process 5000001 \(t1\)/,
    /^Tasks in \/a are going to be killed due to memory\.oom\.group set$/,
    /Killed process 5000002 \(t2\)/,
  ])
  t.end()
})

t.test('version 1 counts memory and swap together', t => {
  const { root, write, read, do: run } = shellOf({ kernel: '6.1', hierarchy: 'v1', cpus: 1, swap: 0 })
  root.mkdir('/memory/a', 0o755)
  write('/memory/a/memory.limit_in_bytes', '1M')
  run('/memory/a', 'task t1 bare', 'anon t1 heap 2M')
  const [, ...counters] = report(read('/.memcgfs/log'))
  t.match(counters.slice(0, 3), [
    /^memory: usage 1024kB, limit 1024kB, /,
    /^memory\+swap: usage 1024kB, limit 9007199254740988kB, failcnt 0$/,
    /^kmem: usage 0kB, /,
  ])
  t.end()
})
