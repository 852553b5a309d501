/** Files of the memory controller on version 1 (slab-kmem.md §8, charge-reclaim.md §5.5, errata.md S1, S2). */
import t from 'tap'
import { resolveOptions } from '../../src/api/options.ts'
import { EBUSY, EINVAL } from '../../src/errno.ts'
import { machine, seconds } from './machine.ts'
import { transcript } from './transcript.ts'

/** Without swap, so that memory which cannot be reclaimed stays. */
const V1 = { hierarchy: 'v1', swap: 0 } as const

transcript(
  'a limit is a size in pages, or -1 for none; the root has none',
  ['6.1'],
  `
  $ mkdir memory/a memory/a/b
  $ echo 0 > memory/a/memory.limit_in_bytes
  EBUSY
  $ rmdir memory/a/b
  $ tick 1s
  $ write memory/a/memory.limit_in_bytes "12289"
  5
  $ cat memory/a/memory.limit_in_bytes
  12288
  $ echo 0x3000 > memory/a/memory.limit_in_bytes
  $ echo 8k > memory/a/memory.limit_in_bytes
  $ cat memory/a/memory.limit_in_bytes
  8192
  $ echo max > memory/a/memory.limit_in_bytes
  EINVAL
  $ grep hierarchical_memory_limit memory/a/memory.stat
  hierarchical_memory_limit 8192
  $ mkdir memory/a/b                  # Its per-CPU memory, 10512 bytes on 4 CPUs, is its parent's to pay for.
  ENOMEM
  $ echo 64K > memory/a/memory.limit_in_bytes
  $ mkdir memory/a/b
  $ grep hierarchical_memory_limit memory/a/b/memory.stat
  hierarchical_memory_limit 65536
  $ echo -1 > memory/a/memory.limit_in_bytes
  $ grep hierarchical_memory_limit memory/a/b/memory.stat
  hierarchical_memory_limit 9223372036854771712
  $ echo 1M > memory/memory.limit_in_bytes
  EINVAL
  $ echo 1M > memory/memory.kmem.limit_in_bytes
  EINVAL
  $ echo 1M > memory/memory.kmem.tcp.limit_in_bytes
  EINVAL
`,
  V1,
)

transcript(
  'a limit below what cannot be reclaimed is refused, and nobody is killed',
  ['4.2', '6.1'],
  `
  $ mkdir memory/a
  memory/a/$ task t1 bare
  memory/a/$ anon t1 heap 256K
  $ echo 128K > memory/a/memory.limit_in_bytes
  EBUSY
  $ cat memory/a/tasks
  $t1
  $ echo 256K > memory/a/memory.limit_in_bytes
  $ cat memory/a/memory.failcnt
  0
  memory/a/$ anon t1 more 256K
  ENOMEM
  $ cat memory/a/tasks                # Now the OOM killer was asked.
`,
  { ...V1, swap: 0 },
)

t.test(
  'failures and the largest usage start afresh with any write; of the root the counters are shown, too',
  async t => {
    const { root } = machine({ kernel: '6.1', ...V1 })
    const read = (file: string): string => String(root.readFile(`/memory/${file}`))
    root.mkdir('/memory/a', 0o755)
    root.writeFile('/memory/a/memory.limit_in_bytes', '512K')
    root.writeFile('/memory/a/.memcgfs/do', 'task t1 bare\nfile f 1M\nread t1 f 0 1M\n')
    t.equal(read('a/memory.max_usage_in_bytes'), `${512 * 1024}\n`)
    t.ok(Number(read('a/memory.failcnt')) > 0)
    t.equal(root.writeFile('/memory/a/memory.failcnt', 'reset'), 5)
    t.equal(read('a/memory.failcnt'), '0\n')
    // 128 pages fit; of 256 that were read the last stay, and the root shows them as its page cache.
    const usage = read('a/memory.usage_in_bytes')
    t.equal(root.writeFile('/memory/a/memory.max_usage_in_bytes', '0'), 1)
    t.equal(read('a/memory.max_usage_in_bytes'), usage)
    t.ok(Number(read('memory.usage_in_bytes')) <= Number(usage), 'statistics know no stock')
    t.ok(Number(read('memory.max_usage_in_bytes')) >= 512 * 1024, 'the counter of the root counts all the same')
    root.writeFile('/memory/memory.max_usage_in_bytes', '0')
    t.equal(read('memory.max_usage_in_bytes'), usage)
  },
)

transcript(
  'up to 4.4 the first limit switches kernel memory on: too late with tasks or children, EBUSY (slab-kmem.md §8.1)',
  ['4.2'],
  `
  $ echo 1 > memory/memory.use_hierarchy
  $ mkdir memory/a
  memory/a/$ task t1 bare
  $ echo 1M > memory/a/memory.kmem.limit_in_bytes
  EBUSY
  $ mkdir memory/b memory/b/c
  $ echo -1 > memory/b/memory.kmem.limit_in_bytes
  EBUSY
  $ rmdir memory/b/c
  $ echo -1 > memory/b/memory.kmem.limit_in_bytes
  $ mkdir memory/b/c
  memory/b/c/$ task t2 bare
  $ echo 1M > memory/b/c/memory.kmem.limit_in_bytes   # Its parent was on when it was made.
  $ write memory/b/c/memory.kmem.limit_in_bytes 4096
  4
  $ cat memory/b/c/memory.kmem.limit_in_bytes
  4096
`,
  V1,
)

t.test('E19: a kernel memory limit of one page, and 21 dentries of 200 bytes', async t => {
  for (const [kernel, usage, failures] of [
    ['5.9', 1, 1],
    ['5.15', 1, 1],
    ['6.1', 2, 0],
  ] as const) {
    const { root } = machine({ kernel, cpus: 1, ...V1 })
    root.mkdir('/memory/a', 0o755)
    t.equal(root.writeFile('/memory/a/memory.kmem.limit_in_bytes', '4096'), 4)
    root.writeFile('/memory/a/.memcgfs/do', 'task t1 bare\nlookup t1 ext4 21 negative prefix=x\n')
    t.equal(root.readFile('/memory/a/memory.kmem.usage_in_bytes'), `${usage * 4096}\n`, `${kernel}: usage`)
    t.equal(root.readFile('/memory/a/memory.kmem.failcnt'), `${failures}\n`, `${kernel}: failures`)
    const below = root.writeFile('/memory/a/memory.kmem.limit_in_bytes', '0')
    t.equal(below, kernel === '6.1' ? 1 : EBUSY, `${kernel}: a limit below the usage`)
    const kept = kernel === '6.1' ? '9223372036854771712\n' : '4096\n'
    t.equal(root.readFile('/memory/a/memory.kmem.limit_in_bytes'), kept, `${kernel}: the limit that is shown`)
  }
})

transcript(
  'kernel memory over both limits: up to 4.4 its own is asked first (4.2)',
  ['4.2'],
  `
  $ mkdir memory/a
  $ echo 4K > memory/a/memory.kmem.limit_in_bytes
  $ echo 4K > memory/a/memory.limit_in_bytes
  memory/a/$ task t1 bare
  memory/a/$ kpages t1 1 1
  ENOMEM
  $ cat memory/a/memory.kmem.failcnt
  1
  $ cat memory/a/memory.failcnt
  0
`,
  V1,
)

t.test('later it is memory, and the limit of kernel memory is not asked at all', async t => {
  const { root } = machine({ kernel: '5.15', ...V1 })
  root.mkdir('/memory/a', 0o755)
  root.writeFile('/memory/a/memory.kmem.limit_in_bytes', '4K')
  root.writeFile('/memory/a/memory.limit_in_bytes', '4K')
  root.writeFile('/memory/a/.memcgfs/do', 'task t1 bare\n-kpages t1 1 1\n')
  t.equal(root.readFile('/memory/a/memory.kmem.failcnt'), '0\n')
  t.ok(Number(root.readFile('/memory/a/memory.failcnt')) > 0)
})

t.test('TCP buffers count once a limit was set, for sockets made later, and may pass it (memory/kmem/tcp)', async t => {
  const { root } = machine({ kernel: '6.1', ...V1 })
  const tcp = (file: string): number => Number(root.readFile(`/memory/a/memory.kmem.tcp.${file}`))
  const run = (line: string): void => void t.ok(root.writeFile('/memory/a/.memcgfs/do', `${line}\n`) > 0, line)
  root.mkdir('/memory/a', 0o755)
  run('task t1 bare')
  run('sock t1 1 kind=tcp data=1M')
  t.equal(tcp('usage_in_bytes'), 0)
  t.equal(root.writeFile('/memory/a/memory.kmem.tcp.limit_in_bytes', '1M'), 2)
  run('sock t1 1 kind=tcp data=2M')
  t.ok(tcp('usage_in_bytes') >= 2 * 1024 * 1024, 'more than the limit')
  t.equal(tcp('max_usage_in_bytes'), tcp('usage_in_bytes'))
  t.ok(tcp('failcnt') > 0)
  t.equal(tcp('limit_in_bytes'), 1024 * 1024)
  t.ok(Number(root.readFile('/memory/a/memory.usage_in_bytes')) < 1024 * 1024, 'memory.usage_in_bytes leaves them out')
  t.equal(root.writeFile('/memory/a/memory.kmem.tcp.limit_in_bytes', '1M'), EBUSY)
})

t.test('memory.kmem.slabinfo: the copies of caches a memcg owns now (slab-kmem.md §8.2)', async t => {
  const header = `slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>
`
  // 4096 / 192: 21 objects to a slab of one page.
  const dentry =
    'dentry                21     21    192   21    1 : tunables    0    0    0 : slabdata      1      1      0\n'
  for (const [kernel, empty, used, inherited] of [
    ['4.2', header, header + dentry, header],
    ['5.2', '', header + dentry, ''],
    ['5.3', '', header + dentry, header + dentry],
    ['5.9', '', '', ''],
  ] as const) {
    const { root, pass } = machine({ kernel, cpus: 1, ...V1, with: { cache_create_bypass: 0 } })
    root.writeFile('/memory/memory.use_hierarchy', '1')
    const slabinfo = (path: string): unknown => root.readFile(`/memory/${path}/memory.kmem.slabinfo`)
    root.mkdir('/memory/a', 0o755)
    root.mkdir('/memory/a/b', 0o755)
    root.writeFile('/memory/a/b/memory.kmem.limit_in_bytes', '-1')
    t.equal(slabinfo('a/b'), empty, `${kernel}: without copies`)
    root.writeFile('/memory/.memcgfs/do', 'task t1 /a/b bare\nlookup t1 ext4 21 negative prefix=x\n')
    t.equal(slabinfo('a/b'), used, `${kernel}: 21 dentries`)
    root.writeFile('/memory/.memcgfs/do', 'exit t1\n')
    t.equal(root.rmdir('/memory/a/b'), 0)
    pass(seconds(3))
    t.equal(slabinfo('a'), inherited, `${kernel}: what the parent has after the rmdir`)
  }
})

t.test('memory.stat: own lines are exact at once, total_ lines wait for the flush (errata S2)', async t => {
  const { root, pass } = machine({ kernel: '6.1', ...V1 })
  root.mkdir('/memory/a', 0o755)
  root.mkdir('/memory/a/b', 0o755)
  root.writeFile('/memory/a/b/.memcgfs/do', 'task t1 bare\nanon t1 heap 4K\n')
  const stat = (path: string): Map<string, string> =>
    new Map(
      String(root.readFile(`${path}/memory.stat`))
        .split('\n')
        .map(line => line.split(' ') as [string, string]),
    )
  t.match(
    stat('/memory/a/b'),
    new Map([
      ['rss', '4096'],
      ['pgpgin', '1'],
      ['total_rss', '0'],
    ]),
  )
  pass(seconds(3))
  const above = stat('/memory/a')
  t.equal(above.get('rss'), '0')
  t.equal(above.get('total_rss'), '4096')
  t.equal(above.get('total_pgpgin'), '1')
})

t.test('lines of memory.stat by kernel (charge-reclaim.md §12.3)', async t => {
  const own = (kernel: string, swap: 'yes' | 'no'): string => {
    const { root } = machine({ kernel, ...V1, with: { swap_accounting: swap } })
    const lines = String(root.readFile('/memory/memory.stat')).split('\n')
    return lines
      .slice(
        0,
        lines.findIndex(line => line.startsWith('total_')),
      )
      .map(line => line.split(' ')[0])
      .join(' ')
  }
  const end = 'pgpgin pgpgout pgfault pgmajfault inactive_anon active_anon inactive_file active_file unevictable'
  const limits = 'hierarchical_memory_limit hierarchical_memsw_limit'
  t.equal(own('4.2', 'yes'), `cache rss rss_huge mapped_file dirty writeback swap ${end} ${limits}`)
  t.equal(own('5.9', 'yes'), `cache rss rss_huge shmem mapped_file dirty writeback swap ${end} ${limits}`)
  t.equal(
    own('6.1', 'no'),
    `cache rss rss_huge shmem mapped_file dirty writeback workingset_refault_anon workingset_refault_file ${end} hierarchical_memory_limit`,
  )
})

t.test('use_hierarchy: a parent that keeps its children out is not charged for them', async t => {
  for (const [kernel, shown] of [
    ['4.2', '0\n'],
    ['5.9', '0\n'],
    ['5.15', '1\n'],
    ['6.1', '1\n'],
  ] as const) {
    const { root } = machine({ kernel, cpus: 1, ...V1 })
    const read = (file: string): string => String(root.readFile(`/memory/${file}`))
    const write = (file: string, text: string): number => root.writeFile(`/memory/${file}`, text)
    const isAlways = shown === '1\n'
    t.equal(read('memory.use_hierarchy'), shown, kernel)
    for (const path of ['a', 'a/x', 'b', 'b/x']) {
      root.mkdir(`/memory/${path}`, 0o755)
      if (path === 'b') t.equal(write('b/memory.use_hierarchy', '1'), 1)
    }
    t.equal(write('memory.use_hierarchy', '1'), isAlways ? 1 : EBUSY, `${kernel}: with children`)
    t.equal(write('memory.use_hierarchy', '2'), EINVAL)
    t.equal(write('b/x/memory.use_hierarchy', '0'), EINVAL, `${kernel}: the parent has it`)
    t.equal(write('b/x/memory.use_hierarchy', '1'), 1, `${kernel}: it is so already`)
    for (const path of ['a/x', 'b/x'])
      root.writeFile(
        `/memory/${path}/.memcgfs/do`,
        'task t bare\nanon t heap 1M\nexit t\ntask u bare\nanon u heap 1M\n',
      )
    const usage = (path: string): number => Number(read(`${path}/memory.usage_in_bytes`))
    t.ok(usage('b') >= usage('b/x'), `${kernel}: b is charged for b/x`)
    t.ok(isAlways ? usage('a') >= usage('a/x') : usage('a') < 1024 * 1024, `${kernel}: a`)
    // Reclaim of a parent reaches its children where they count in it.
    root.writeFile('/memory/.memcgfs/do', 'file f 1M\nread u f 0 1M\n')
    t.equal(write('a/memory.limit_in_bytes', '64K'), isAlways ? EBUSY : 3, `${kernel}: a limit that a/x does not feel`)
  }
})

t.test(
  'memory.swappiness goes to 100, later to 200; children take it over, the root has that of the machine',
  async t => {
    for (const [kernel, most] of [
      ['5.9', 100],
      ['6.1', 200],
    ] as const) {
      const { root } = machine({ kernel, ...V1 })
      const file = '/memory/memory.swappiness'
      t.equal(root.readFile(file), '60\n')
      t.equal(root.writeFile(file, String(most + 1)), EINVAL)
      t.equal(root.writeFile(file, String(most)), 3)
      root.mkdir('/memory/a', 0o755)
      t.equal(root.readFile('/memory/a/memory.swappiness'), `${most}\n`)
      root.writeFile('/memory/a/memory.swappiness', '0')
      t.equal(root.readFile(file), `${most}\n`)
    }
  },
)

t.test('memory.force_empty waits a tenth of a second after each round that frees nothing, up to 6.0', async t => {
  for (const [kernel, milliseconds] of [
    ['4.2', 500],
    ['5.15', 1600],
    ['6.1', 0],
  ] as const) {
    const { root, vfs } = machine({ kernel, ...V1 })
    root.mkdir('/memory/a', 0o755)
    root.writeFile('/memory/a/.memcgfs/do', 'task t bare\nanon t heap 10p\nfile f 100p\nread t f 0 100p\n')
    const { kernel: clock } = vfs.door
    const before = clock.now
    t.equal(root.writeFile('/memory/a/memory.force_empty', 'now'), 3, 'it always succeeds')
    t.equal((clock.now - before) / 1e6, milliseconds, kernel)
    const left = Number(root.readFile('/memory/a/memory.usage_in_bytes'))
    t.ok(left >= 10 * 4096 && left < 100 * 4096, `${kernel}: the file is gone, the heap is not`)
    t.equal(root.writeFile('/memory/memory.force_empty', '0'), EINVAL, 'not on the root')
  }
})

t.test('a kernel that was built without version 1 says so, and how to get it', async t => {
  t.throws(() => resolveOptions({ kernel: '6.12', ...V1 }, 'manual'), {
    name: 'OptionError',
    message: /^hierarchy: "v1" .*6\.12.* --with v1_memory_cpuset_built=yes [^.]*$/,
  })
  const { root } = machine({ kernel: '6.12', ...V1, with: { v1_memory_cpuset_built: 'yes' } })
  t.equal(root.readFile('/memory/memory.failcnt'), '0\n')
  t.throws(() => resolveOptions({ hierarchy: 'v3' }, 'manual'), { message: /it is one of v2, v1/ })
})
