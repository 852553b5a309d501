// Memory that is kept, given up or pinned: workload.md §4.2.
import t from 'tap'
import { type Shell, shellOf } from './helpers.ts'

const PAGE = 4096
const stat = (shell: Shell, key: string, path = '/a'): number => {
  shell.do('', 'rstat-flush')
  return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(shell.read(`${path}/memory.stat`))?.[1]) / PAGE
}
/** A cgroup /a with a bare task t. */
function shellWithTask(options: Parameters<typeof shellOf>[0] = {}): Shell {
  const shell = shellOf({ cpus: 1, ...options })
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t bare')
  return shell
}
const current = (shell: Shell, path = '/a'): number => {
  shell.do('', 'drain-stocks')
  return Number(shell.read(`${path}/memory.current`)) / PAGE
}

t.test('what is locked is unevictable, also what comes later', t => {
  const shell = shellWithTask()
  shell.do('/a', 'anon t r 100p', 'file f 50p', 'map t f m')
  shell.do('/a', 'mlock t r', 'mlock t m')
  t.equal(current(shell), 150, 'locking brings in what is missing')
  t.equal(stat(shell, 'unevictable'), 150)
  shell.do('/a', 'anon t r 30p')
  t.equal(stat(shell, 'unevictable'), 180)
  t.equal(shell.do('', 'reclaim /a 100p'), 'EAGAIN')
  t.equal(shell.do('/a', 'advise t r dontneed'), 'EINVAL')
  shell.do('/a', 'munlock t m')
  t.equal(stat(shell, 'unevictable'), 130)
  t.equal(stat(shell, 'inactive_file'), 50)
  shell.do('/a', 'munlock t r')
  t.equal(stat(shell, 'unevictable'), 0)
  t.equal(stat(shell, 'inactive_anon') + stat(shell, 'active_anon'), 130)
  t.end()
})

t.test('of two who have locked a page the last one lets it go', t => {
  const shell = shellWithTask()
  shell.do('/a', 'file f 10p', 'map t f m', 'mlock t m', 'task u bare', 'map u f m', 'mlock u m')
  shell.do('/a', 'unmap t m')
  t.equal(stat(shell, 'unevictable'), 10)
  shell.do('/a', 'exit u')
  t.equal(stat(shell, 'unevictable'), 0)
  t.equal(stat(shell, 'file'), 10)
  t.end()
})

t.test('a pin keeps pages in memory until it is given back or its task ends', t => {
  const shell = shellWithTask()
  shell.do('/a', 'file f 100p', 'read t f 0 60p')
  t.equal(shell.do('/a', 'pin t nothing 10p'), 'ENOENT')
  shell.do('/a', 'anon t u 10p untouched')
  t.equal(shell.do('/a', 'pin t u 10p'), 'ENOMEM', 'nothing of it is in memory')
  shell.do('/a', 'pin t f 100p')
  t.equal(shell.result('/a')[0], '1 ok pin t pages=60')
  t.equal(shell.do('', 'reclaim /a 60p'), 'EAGAIN')
  shell.do('', 'drop-caches 1', 'unlink f')
  t.equal(current(shell), 60, 'neither dropped nor freed with the file')
  shell.do('/a', 'anon t r 5p', 'pin t r 5p', 'free t r')
  t.equal(current(shell), 65, 'nor with the region')
  shell.do('/a', 'exit t')
  t.equal(current(shell), 0)
  t.end()
})

t.test('what is pinned twice is unpinned twice', t => {
  const shell = shellWithTask()
  shell.do('/a', 'file f 10p', 'read t f 0 10p', 'pin t f 10p', 'pin t f 4p', 'unpin t f 10p')
  t.not(shell.do('', 'reclaim /a 10p'), 'EAGAIN')
  t.equal(current(shell), 4)
  shell.do('/a', 'unpin t f 4p')
  t.equal(shell.do('/a', 'unpin t f 4p'), 'ENOENT')
  shell.do('', 'reclaim /a 10p')
  t.equal(current(shell), 0)
  t.end()
})

t.test('device buffers and leaks outlive the task; only buffers can be freed', t => {
  const shell = shellWithTask()
  shell.do('/a', 'dmabuf t d 20p', 'leak t 3p')
  t.equal(stat(shell, 'unevictable'), 20)
  t.equal(shell.do('/a', 'dmabuf t d 1p'), 'EEXIST')
  shell.do('/a', 'exit t')
  t.equal(current(shell), 23)
  shell.do('', 'dmabuf-free d', 'reclaim /a 10p')
  t.equal(current(shell), 3)
  t.equal(shell.do('', 'dmabuf-free d'), 'ENOENT')
  t.end()
})

t.test('a buffer or a leak that does not fit leaves nothing behind', t => {
  const shell = shellWithTask({ swap: 0 })
  shell.write('/a/memory.max', String(10 * PAGE))
  shell.do('/a', 'adj t -1000')
  t.equal(shell.do('/a', 'dmabuf t d 11p gfp=GFP_KERNEL+NORETRY'), 'ENOMEM')
  t.equal(shell.do('/a', 'leak t 11p gfp=GFP_KERNEL+NORETRY'), 'ENOMEM')
  t.equal(current(shell), 0)
  t.end()
})

t.test('advice: emptied, written out, cold, given up', t => {
  const shell = shellWithTask({ swap: '1M' })
  shell.do('/a', 'anon t r 100p', 'file f 30p', 'map t f m', 'touch t m')
  shell.do('/a', 'advise t m dontneed')
  t.equal(stat(shell, 'file_mapped'), 0)
  t.equal(stat(shell, 'file'), 30, 'page cache stays')
  shell.do('/a', 'advise t r pageout')
  t.equal(current(shell), 30)
  t.equal(Number(shell.read('/a/memory.swap.current')) / PAGE, 100)
  shell.do('/a', 'touch t r 40p')
  t.equal(stat(shell, 'anon'), 40)
  shell.do('/a', 'advise t r dontneed')
  t.equal(Number(shell.read('/a/memory.swap.current')), 0)
  t.equal(current(shell), 30)
  shell.do('/a', 'touch t m', 'advise t m cold')
  t.equal(stat(shell, 'inactive_file'), 30)
  t.equal(shell.do('/a', 'advise t r'), 'EINVAL')
  t.end()
})

t.test('what is given up is freed without being written out, unless it is written again', t => {
  const shell = shellWithTask({ swap: '1M' })
  shell.do('/a', 'anon t r 100p', 'advise t r free', 'touch t r 40p write')
  t.equal(stat(shell, 'anon'), 100)
  t.equal(stat(shell, 'inactive_file'), 60)
  shell.write('/a/memory.reclaim', '240K swappiness=0')
  t.equal(stat(shell, 'anon'), 40)
  t.equal(shell.read('/a/memory.swap.current'), '0\n')
  t.match(shell.read('/a/memory.stat'), /^pglazyfree 100\npglazyfreed 60$/m)
  shell.do('/a', 'file f 1p', 'map t f m', 'touch t m')
  t.equal(shell.do('/a', 'advise t m free'), 'EINVAL')
  // Locking writes to it: it is wanted again, and stays where locked memory is.
  shell.do('/a', 'anon t s 10p', 'advise t s free', 'mlock t s', 'rstat-flush')
  t.equal(stat(shell, 'unevictable'), 10)
  t.equal(stat(shell, 'inactive_file'), 1)
  t.end()
})
