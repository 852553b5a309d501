// Verbs about caches, and the host's slabinfo and meminfo (workload.md §4.2, §4.3; slab-kmem.md §3.4).
import t from 'tap'
import { shellOf } from './helpers.ts'

/** A line of a file by its first word, as words. */
const lineOf = (text: string, name: string): string[] =>
  text
    .split('\n')
    .find(line => line.split(/[ :]/)[0] === name)!
    .split(/\s+/)

t.test('cache defines a cache, laid out as the allocator would or as its keys say', t => {
  const shell = shellOf({ cpus: 8 })
  shell.do(
    '',
    'cache plain 1000',
    'cache k1 1024 order=3 min_order=0 per_slab=32 account',
    'cache behind 192 ctor reclaimable',
    'task t bare',
    'kmalloc t - 33 cache=k1',
    'kmalloc t - 10 cache=behind',
  )
  t.same(shell.result('').slice(0, 3), [
    '1 ok cache plain size=1000 order=3 per_slab=32',
    '2 ok cache k1 size=1024 order=3 per_slab=32',
    '3 ok cache behind size=200 order=0 per_slab=20',
  ])
  const slabinfo = shell.read('/.memcgfs/slabinfo')
  t.ok(
    slabinfo.includes(
      '\nk1                    64     64   1024   32    8 : tunables    0    0    0 : slabdata      2      2      0\n',
    ),
    'two slabs of eight pages; the free objects of the CPU count as active',
  )
  t.same(lineOf(slabinfo, 'behind').slice(1, 6), ['20', '20', '200', '20', '1'])
  t.end()
})

t.test('cache refuses what cannot be', t => {
  const shell = shellOf()
  for (const [line, errno, words] of [
    ['cache dentry 192', 'EEXIST', 'there is a cache dentry'],
    ['cache big 9000 order=0', 'EINVAL', 'a slab of order 0 has room for 0'],
    ['cache many 1024 order=0 per_slab=5', 'EINVAL', 'per_slab=5: a slab of order 0 has room for 4'],
    ['cache odd 64 order=0 min_order=1', 'EINVAL', 'orders go from'],
    ['cache none -', 'EINVAL', 'at least one byte'],
    ['drop-caches 4', 'EINVAL', '1 drops the page cache, 2 dentries and inodes, 3 both'],
  ] as const) {
    t.equal(shell.do('', line), errno, line)
    t.match(shell.result('').join(), words)
  }
  t.end()
})

t.test('drop-caches 1 drops the page cache that nobody maps', t => {
  const shell = shellOf()
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t bare', 'file f 100p', 'file g 50p', 'file s 20p fs=tmpfs')
  shell.do('/a', 'read t f 0 100p', 'map t g r', 'touch t r', 'write t s 0 20p')
  shell.do('', 'drain-stocks', 'rstat-flush')
  t.equal(shell.read('/a/memory.current'), `${170 * 4096}\n`)
  shell.do('', 'drop-caches 1')
  t.same(shell.result(''), ['1 ok drop-caches 1 pages=100 objects=0'])
  t.equal(shell.read('/a/memory.current'), `${70 * 4096}\n`, 'the mapped file and tmpfs stay')
  t.end()
})

t.test('drop-caches 2 drops the names that nobody holds, and their inodes', t => {
  const shell = shellOf()
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t bare', 'lookup t ext4 100 prefix=p', 'lookup t ext4 30 prefix=p', 'lookup t ext4 10 negative')
  shell.do('/a', 'lookup t tmpfs 5', 'hold t ext4 20 prefix=p')
  shell.do('', 'drop-caches 2')
  t.same(shell.result(''), ['1 ok drop-caches 2 pages=0 objects=170'], '80 dentries with inodes, 10 without')
  shell.do('/a', 'drop t ext4 20 prefix=p')
  shell.do('', 'drop-caches 2')
  t.same(shell.result(''), ['1 ok drop-caches 2 pages=0 objects=40'])
  shell.do('', 'drain-stocks', 'rstat-flush')
  // 5 dentries of 192 and inodes of 752 + 8 bytes, each with 8 for its owner: the files of tmpfs.
  t.match(shell.read('/a/memory.stat'), `\nslab ${5 * (200 + 768)}\n`)
  t.end()
})

t.test('drop-caches 2 lets the names of a file go when nothing of it is cached', t => {
  const shell = shellOf()
  shell.do('', 'task t', 'file f 10p', 'read t f 0 10p', 'drop-caches 2', 'drop-caches 3', 'drop-caches 3')
  t.same(shell.result('').slice(3), [
    '4 ok drop-caches 2 pages=0 objects=0',
    '5 ok drop-caches 3 pages=10 objects=2',
    '6 ok drop-caches 3 pages=0 objects=0',
  ])
  t.end()
})

t.test('slabinfo has every cache, the oldest last, and both utilizations', t => {
  const shell = shellOf({ cpus: 8 })
  shell.do('', 'task t bare', 'kmalloc t - 30 cache=dentry')
  const text = shell.read('/.memcgfs/slabinfo')
  const lines = text.split('\n')
  t.equal(lines[0], 'slabinfo - version: 2.1')
  t.match(lines.at(-4), /^kmalloc-8 {9} /)
  t.same(lineOf(text, 'dentry'), 'dentry 42 42 192 21 1 : tunables 0 0 0 : slabdata 2 2 0'.split(' '))
  // Two slabs of dentries, and one for their vectors of 8 x 21 bytes, which are kmalloc-192: 30 + 2 of 63 objects.
  t.equal(lines.at(-3), `# utilVisible 98.4% active ${63 * 192} of 12288 bytes`)
  t.equal(lines.at(-2), `# utilExact 50.0% allocated ${32 * 192} of 12288 bytes`)
  t.end()
})

t.test('meminfo adds up the pages that are in use', t => {
  const shell = shellOf({ memory: '1G' })
  shell.do('', 'task t', 'anon t r 100p', 'file f 10p', 'task b bare', 'read b f 0 10p', 'shm b m 7p')
  const text = shell.read('/.memcgfs/meminfo')
  const kB = (name: string): number => Number(lineOf(text, name)[1])
  t.match(text, /^MemTotal: {8}1048576 kB\n/)
  t.equal(kB('AnonPages'), 400)
  t.equal(kB('Cached'), 17 * 4)
  t.equal(kB('Shmem'), 28)
  t.equal(kB('KernelStack'), 16)
  t.equal(kB('PageTables'), 8, 'the top one, and one for 100 pages')
  t.equal(kB('Slab'), kB('SReclaimable') + kB('SUnreclaim'))
  // The root's own, on 4 CPUs and one node: (1024 + 496) x 4 = 6080 bytes, two pages.
  t.equal(kB('Percpu'), 8)
  t.equal(kB('MemFree'), 1048576 - 117 * 4 - 16 - 8 - 8 - kB('Slab'))
  shell.do('', 'kpages t 3 2')
  t.equal(Number(lineOf(shell.read('/.memcgfs/meminfo'), 'MemFree')[1]), kB('MemFree') - 64)
  t.end()
})

t.test('old controller: the line of a cache in slabinfo accumulates its copies', t => {
  const shell = shellOf({ kernel: '5.3', cpus: 8, with: { kmem_on_v2: 'yes', cache_create_bypass: 0 } })
  for (const name of ['a', 'b']) {
    shell.root.mkdir(`/${name}`, 0o755)
    shell.do(`/${name}`, `task ${name} bare cpu=0`, `kmalloc ${name} - 10 cache=dentry`)
  }
  const text = shell.read('/.memcgfs/slabinfo')
  t.same(lineOf(text, 'dentry'), 'dentry 42 42 192 21 1 : tunables 0 0 0 : slabdata 2 2 0'.split(' '))
  t.equal(text.split('\n').filter(line => line.startsWith('dentry')).length, 1)
  // §4.4 on 8 CPUs and 1 node: 448 + 8 x (32 + 8) + 64 + 64.
  t.match(text, '# copies 2 metadata 1792 bytes\n')
  t.end()
})

t.test('SLAB: slabinfo shows the limits of arrays; what idles is given back, and to whom it was charged', t => {
  const shell = shellOf({
    kernel: '4.2',
    cpus: 2,
    with: { allocator: 'slab', kmem_on_v2: 'yes', cache_create_bypass: 0 },
  })
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t bare cpu=0', 'kmalloc t - 21 cache=dentry', 'kfree t 21')
  // 192-byte objects: an array of 120, batches of 60, a shared array of 8 batches.
  const words = (): string[] => lineOf(shell.read('/.memcgfs/slabinfo'), 'dentry')
  t.same(words().slice(7, 11), ['tunables', '120', '60', '8'])
  t.same(words().slice(1, 3), ['21', '21'])
  shell.do('', 'settle')
  t.same(words().slice(1, 3), ['0', '0'])
  shell.do('', 'drain-stocks')
  t.equal(shell.read('/a/memory.current'), '0\n', 'the pages of the copy are uncharged by the trimming')
  t.end()
})

t.test('64 KiB pages: a kernel stack is an object', t => {
  const shell = shellOf({ cpus: 8, with: { page_size: '64K' } })
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t', 'thread t u')
  shell.do('', 'rstat-flush')
  t.match(shell.read('/a/memory.stat'), /\nkernel_stack 32768\n/)
  t.equal(lineOf(shell.read('/.memcgfs/meminfo'), 'KernelStack')[1], '32')
  t.equal(lineOf(shell.read('/.memcgfs/slabinfo'), 'thread_stack')[3], '16384')
  shell.do('/a', 'exit u', 'exit t')
  shell.do('', 'rstat-flush')
  t.match(shell.read('/a/memory.stat'), /\nkernel_stack 0\n/)
  t.end()
})

t.test('memory.kmem.slabinfo on version 1: the copies of a cgroup, and after its removal of its parent (5.3)', t => {
  const shell = shellOf({ kernel: '5.3', hierarchy: 'v1', cpus: 8, with: { cache_create_bypass: 0 } })
  const file = (path: string): string => shell.read(`/memory${path}/memory.kmem.slabinfo`)
  shell.root.mkdir('/memory/p', 0o755)
  shell.write('/memory/p/memory.use_hierarchy', '1')
  shell.root.mkdir('/memory/p/x', 0o755)
  t.equal(file('/p/x'), '')
  shell.do('/memory/p/x', 'task t bare cpu=0', 'kmalloc t - 50 cache=dentry tag=d', 'kmalloc t 64 1', 'exit t')
  const dentries =
    'dentry                63     63    192   21    1 : tunables    0    0    0 : slabdata      3      3      0'
  t.same(file('/p/x').split('\n').slice(2), [
    'kmalloc-64            64     64     64   64    1 : tunables    0    0    0 : slabdata      1      1      0',
    dentries,
    '',
  ])
  t.equal(file('/p'), '')
  t.equal(shell.root.rmdir('/memory/p/x'), 0)
  shell.do('/memory/p', 'settle')
  // The shrink has flushed the CPU: 13 of 63 objects are free on the node. The empty kmalloc-64 has gone.
  t.same(file('/p').split('\n').slice(2), [dentries.replace('63     63', '50     63'), ''])
  t.end()
})
