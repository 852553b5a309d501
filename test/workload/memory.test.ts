// User memory and kernel memory of simulated tasks, seen in the files: workload.md §4.2, §4.3, §6.
import t from 'tap'
import { charge, uncharge, usage } from '../../src/engine/counter.ts'
import { memcgFor } from '../../src/tree/spawn.ts'
import { shellOf } from './helpers.ts'

const stat = (text: string, key: string): number => Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1])

t.test('first touch pays: who reads a file first is charged, whoever reads it later', t => {
  const shell = shellOf()
  for (const path of ['/a', '/b']) shell.root.mkdir(path, 0o755)
  shell.do('', 'file shared 8M', 'task ta /a bare', 'task tb /b bare')
  t.equal(shell.do('', 'read ta shared 0 8M', 'read tb shared 0 8M', 'drain-stocks'), 53)
  t.equal(shell.read('/a/memory.current'), `${8 * 2 ** 20}\n`)
  t.equal(shell.read('/b/memory.current'), '0\n')
  t.end()
})

t.test('page cache keeps a removed cgroup, kernel objects do not', t => {
  const shell = shellOf()
  for (const path of ['/cache', '/names']) shell.root.mkdir(path, 0o755)
  shell.do('', 'file f 1M', 'task a /cache', 'read a f 0 1M', 'exit a')
  shell.do('', 'task b /names', 'lookup b ext4 1000', 'exit b')
  for (const path of ['/cache', '/names']) t.equal(shell.root.rmdir(path), 0)
  t.match(shell.read('/cgroup.stat'), /^nr_dying_descendants 2$/m)
  shell.do('', 'settle')
  t.match(shell.read('/cgroup.stat'), /^nr_dying_descendants 1$/m)
  t.match(shell.read('/cgroup.stat'), /^nr_dying_subsys_memory 1$/m)
  shell.do('', 'unlink f', 'settle')
  t.match(shell.read('/cgroup.stat'), /^nr_dying_descendants 0$/m)
  t.end()
})

t.test('memory.max: what can be reclaimed is, then the largest task dies and the line says so', t => {
  const shell = shellOf({ swap: 0 })
  shell.root.mkdir('/a', 0o755)
  shell.write('/a/memory.max', '64M')
  shell.do('/a', 'task t1', 'file f 32M', 'read t1 f 0 32M', 'anon t1 heap 48M')
  t.match(shell.result('/a')[3], /^4 ok anon t1 pages=12288 charged=12288 reclaimed=\d{4} swapped=\d+$/)
  t.match(shell.read('/a/memory.events'), /^oom 0$/m)
  t.equal(shell.do('/a', 'task t2', 'anon t2 heap 32M'), 'task t2\nanon t2 heap 32M\n'.length, 't1 dies for t2')
  t.match(shell.result('/a')[1], /^2 ok anon t2 pages=8192 killed=t1 oom=\/a/)
  t.match(shell.read('/a/memory.events'), /^oom_kill 1$/m)
  t.equal(shell.read('/a/cgroup.procs'), '5000002\n')
  t.equal(shell.do('/a', 'anon t2 more 64M'), 'ENOMEM')
  t.match(
    shell.result('/a')[0],
    /^1 ENOMEM anon pages=\d+ of=16384 killed=t2 oom=\/a charged=\d+ reclaimed=\d+ swapped=\d+ # memory.max of \/a \(64M\) reached/,
  )
  t.equal(shell.read('/a/cgroup.procs'), '')
  t.end()
})

t.test('a fork shares pages until one side writes', t => {
  const shell = shellOf()
  for (const path of ['/a', '/b']) shell.root.mkdir(path, 0o755)
  shell.do('', 'task p /a bare', 'anon p heap 100p', 'fork p c', 'move c /b', 'drain-stocks')
  t.equal(shell.read('/a/memory.current'), `${100 * 4096}\n`)
  t.equal(shell.read('/b/memory.current'), '0\n')
  shell.do('', 'touch c heap 40p write', 'drain-stocks')
  t.equal(shell.read('/b/memory.current'), `${40 * 4096}\n`, 'copies are charged to the writer')
  t.equal(shell.read('/a/memory.current'), `${100 * 4096}\n`)
  shell.do('', 'exit p', 'drain-stocks')
  t.equal(shell.read('/a/memory.current'), `${60 * 4096}\n`, 'the child keeps what it still shows')
  shell.do('', 'exit c', 'drain-stocks')
  t.equal(shell.read('/a/memory.current'), '0\n')
  t.end()
})

t.test('reading untouched anonymous memory charges nothing but page tables', t => {
  const shell = shellOf()
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t', 'anon t r 1000p untouched', 'touch t r', 'rstat-flush')
  const text = shell.read('/a/memory.stat')
  t.equal(stat(text, 'anon'), 0)
  t.equal(stat(text, 'pgfault'), 1000)
  t.equal(stat(text, 'pagetables'), (1 + 2) * 4096)
  t.end()
})

t.test('shared memory and tmpfs are counted as shmem, and stay when the task goes', t => {
  const shell = shellOf()
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t bare', 'file f 50p fs=tmpfs', 'write t f 0 50p', 'shm t s 10p', 'rstat-flush')
  let text = shell.read('/a/memory.stat')
  t.equal(stat(text, 'shmem'), 60 * 4096)
  t.equal(stat(text, 'file'), 60 * 4096)
  t.equal(stat(text, 'inactive_anon'), 60 * 4096)
  t.equal(stat(text, 'file_mapped'), 10 * 4096)
  shell.do('/a', 'exit t', 'rstat-flush')
  text = shell.read('/a/memory.stat')
  t.equal(stat(text, 'shmem'), 50 * 4096, 'memory without a name goes with its last mapping')
  t.end()
})

t.test('costs of names that came out exactly on both recorded kernels (errata.md §2.21)', t => {
  for (const [length, bytes] of [
    [20, 200],
    [40, 272],
    [200, 464],
  ] as const) {
    const shell = shellOf()
    shell.root.mkdir('/a', 0o755)
    shell.do('/a', 'task t bare', `lookup t ext4 10000 negative len=${length}`, 'drain-stocks', 'rstat-flush')
    t.equal(stat(shell.read('/a/memory.stat'), 'slab_reclaimable'), 10_000 * bytes, `${length} characters`)
  }
  const shell = shellOf()
  shell.root.mkdir('/a', 0o755)
  shell.do(
    '/a',
    'task t bare',
    'lookup t tmpfs 1000 negative',
    'lookup t proc 1000 negative',
    'drain-stocks',
    'rstat-flush',
  )
  t.equal(stat(shell.read('/a/memory.stat'), 'slab_reclaimable'), 0, 'tmpfs and proc keep none')
  t.end()
})

t.test('names are shared by prefix: who looks them up again finds them', t => {
  const shell = shellOf()
  for (const path of ['/a', '/b']) shell.root.mkdir(path, 0o755)
  shell.do(
    '',
    'task a /a bare',
    'task b /b bare',
    'lookup a ext4 100 prefix=x',
    'lookup b ext4 150 prefix=x',
    'drain-stocks',
    'rstat-flush',
  )
  const each = 200 + 1168 + 8
  t.equal(stat(shell.read('/a/memory.stat'), 'slab_reclaimable'), 100 * each)
  t.equal(stat(shell.read('/b/memory.stat'), 'slab_reclaimable'), 50 * each)
  t.equal(shell.do('', 'hold b ext4 151 prefix=x'), 'ENOENT')
  t.ok(Number(shell.do('', 'hold b ext4 120 prefix=x', 'drop b ext4 20 prefix=x')) > 0)
  t.equal(shell.do('', 'drop b ext4 101 prefix=x'), 'ENOENT')
  t.end()
})

t.test('WE-45 on version 2: moving a task moves no charge', t => {
  const shell = shellOf()
  for (const path of ['/a', '/b']) shell.root.mkdir(path, 0o755)
  shell.do('', 'task t /a bare', 'file f 500p', 'anon t r 1000p', 'map t f m', 'touch t m', 'move t /b', 'drain-stocks')
  t.equal(shell.read('/a/memory.current'), `${1500 * 4096}\n`)
  t.equal(shell.read('/b/memory.current'), '0\n')
  shell.do('', 'anon t s 100p', 'drain-stocks')
  t.equal(shell.read('/b/memory.current'), `${100 * 4096}\n`)
  t.end()
})

t.test('WE-17: what memory.reclaim takes', t => {
  for (const [kernel, text, result] of [
    ['6.1', '10M swappiness=60', 'EINVAL'],
    ['6.12', '10M swappiness=60', 17],
    ['6.12', '10M swappiness=201', 'EINVAL'],
    ['6.12', '10M swappiness=max', 'EINVAL'],
    ['6.18', '10M swappiness=max', 'EAGAIN'],
    ['6.18', '10M swappiness=0', 16],
    ['6.1', ' \n', 'EAGAIN'],
    ['6.12', ' \n', 'EINVAL'],
    ['6.12', '', 0],
    ['6.1', '0', 1],
    ['6.12', '0', 1],
    ['6.12', '10M nonsense=1', 'EINVAL'],
  ] as const) {
    const shell = shellOf({ kernel })
    shell.root.mkdir('/a', 0o755)
    shell.do('/a', 'task t bare', 'file f 100M', 'read t f 0 100M')
    t.equal(shell.write('/a/memory.reclaim', text), result, `${kernel}: ${JSON.stringify(text)}`)
  }
  t.end()
})

t.test('WE-20: the numbers of the example, on the counter', t => {
  const shell = shellOf({ cpus: 1, with: { page_size: '4K' } })
  shell.root.mkdir('/a', 0o755)
  const { engine, tree } = shell.kernel
  const { memory } = memcgFor(tree, tree.hierarchies[0]!.root.children!.get('a')!)
  const goTo = (pages: number): void => {
    const now = usage(engine.counters, memory)
    if (pages > now) charge(engine.counters, memory, pages - now)
    else uncharge(engine.counters, memory, now - pages)
  }
  const [a, b] = [shell.root.open('/a/memory.peak', 2), shell.root.open('/a/memory.peak', 2)]
  const reads = (...wanted: readonly number[]): unknown =>
    t.strictSame(
      [a, b].map(fd => Number(shell.root.pread(fd, 100, 0)) / 4096),
      wanted,
    )
  const fresh = (): number => Number(shell.read('/a/memory.peak')) / 4096
  for (const pages of [10, 50, 20]) goTo(pages)
  reads(50, 50)
  shell.root.write(a, 'x')
  reads(20, 50)
  goTo(30)
  reads(30, 50)
  shell.root.write(b, 'x')
  reads(30, 30)
  for (const pages of [80, 10]) goTo(pages)
  reads(80, 80)
  t.equal(fresh(), 80)
  shell.root.write(b, 'x')
  reads(30, 10)
  t.equal(fresh(), 80)
  t.end()
})

t.test('WE-20: memory.peak is reset per descriptor', t => {
  const shell = shellOf()
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t bare')
  const grow = (pages: number) => shell.do('/a', `anon t r${pages} ${pages}p`, 'drain-stocks')
  const shrink = (pages: number) => shell.do('/a', `free t r${pages}`, 'drain-stocks')
  const pages = (fd: number): number => Number(shell.root.pread(fd, 100, 0)) / 4096
  const [a, b] = [shell.root.open('/a/memory.peak', 2), shell.root.open('/a/memory.peak', 2)]
  // Usage 10, 50, 20. The stock would show, so each step drains it; its peaks are batches of 64 and drown the sizes,
  // hence pages by the hundred.
  for (const n of [1000, 4000]) grow(n)
  shrink(4000)
  grow(1001)
  const top = pages(a)
  t.ok(top >= 5000 && top <= 5000 + 64)
  t.equal(pages(b), top, 'both read the peak since creation')
  shell.root.write(a, 'reset')
  t.equal(pages(a), 2001)
  t.equal(pages(b), top)
  grow(1002)
  const later = pages(a)
  t.ok(later >= 3003 && later <= 3003 + 64)
  shell.root.write(b, 'x')
  t.equal(pages(b), 3003)
  t.equal(pages(a), 3003, 'A keeps what B knew at its reset: the peak in between was shared, and is lost')
  const fresh = shell.root.open('/a/memory.peak', 0)
  t.equal(pages(fresh), top)
  t.end()
})
