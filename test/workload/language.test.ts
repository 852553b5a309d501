// The language itself: workload.md §2 and §3.
import t from 'tap'
import { parseLine, parseList, parseTime, parseWorkloadSize, Wrong } from '../../src/workload/grammar.ts'
import { shellOf } from './helpers.ts'

t.test('words, quotes and keys', t => {
  t.equal(parseLine(''), undefined)
  t.equal(parseLine('  \t # a comment'), undefined)
  t.same(parseLine('- kmalloc t 192 5 cache=dentry # why'), {
    tolerant: true,
    verb: 'kmalloc',
    words: [
      { key: undefined, value: 't' },
      { key: undefined, value: '192' },
      { key: undefined, value: '5' },
      { key: 'cache', value: 'dentry' },
    ],
  })
  const quoted = parseLine(String.raw`echo "a b"c 'd\n' "\x41\t\"" prefix="a b" "k=v"`)
  t.ok(quoted && !(quoted instanceof Wrong))
  t.same((quoted as { words: unknown }).words, [
    { key: undefined, value: 'a bc' },
    { key: undefined, value: 'd\\n' },
    { key: undefined, value: 'A\t"' },
    { key: 'prefix', value: 'a b' },
    { key: undefined, value: 'k=v' },
  ])
  for (const bad of ['echo "open', 'echo "\\q"', 'echo a\r', 'echo a\0b', 'cpu=1 x']) t.type(parseLine(bad), Wrong, bad)
  t.end()
})

t.test('sizes, times and lists', t => {
  for (const [text, bytes] of [
    ['0', 0],
    ['100', 100],
    ['64M', 64 * 2 ** 20],
    ['2g', 2 * 2 ** 30],
    ['3p', 3 * 4096],
  ] as const)
    t.equal(parseWorkloadSize(text, 4096), bytes, text)
  for (const bad of ['', '1.5G', '-1', '0x10', '1KB', 'M']) t.equal(parseWorkloadSize(bad, 4096), undefined, bad)
  t.equal(parseTime('150ms'), 150e6)
  t.equal(parseTime('2h'), 7200e9)
  t.equal(parseTime('2'), undefined)
  t.same(parseList('0-2,5'), [0, 1, 2, 5])
  t.equal(parseList('2-1'), undefined)
  t.end()
})

t.test('lines run in order; the first that fails ends the write, a line with - does not', t => {
  const shell = shellOf()
  t.equal(shell.do('', 'task a', 'annon a r 1M', 'task b'), 'EINVAL')
  t.same(
    shell.result('').map(line => line.split(' #')[0]),
    ['1 ok task a pid=5000001 cgroup=/ cpu=0', '2 EINVAL annon'],
  )
  t.match(shell.result('')[1], /did you mean "anon"\?/)
  t.equal(shell.do('', 'task b', '- task b', 'task c'), 'task b\n- task b\ntask c\n'.length)
  t.same(
    shell.result('').map(line => line.split(' ').slice(0, 3).join(' ')),
    ['1 ok task', '2 EEXIST task', '3 ok task'],
  )
  t.match(shell.read('/.memcgfs/result'), /^done=2 failed=1 waiting=0 clock=1000000000000$/m)
  t.end()
})

t.test('a line may come in parts, and one without its newline is a command by itself', t => {
  const shell = shellOf()
  const fd = shell.root.open('/.memcgfs/do', 2)
  t.equal(shell.root.write(fd, 'task a\ntas'), 10)
  t.equal(shell.read('/.memcgfs/tasks').split(' ')[0], 'a')
  t.equal(shell.root.write(fd, 'k b\n'), 4)
  t.match(shell.root.pread(fd, 4096, 0), /^1 ok task b /, 'the descriptor shows what its last write did')
  t.equal(shell.root.write(fd, 'x\ntask c'), -22, 'the beginning of a line is kept even when the line before fails')
  t.equal(shell.root.close(fd), 0)
  t.match(shell.read('/.memcgfs/result'), /^1 ok task c /, 'what is left runs when the descriptor is closed')
  t.equal(shell.write('/.memcgfs/do', 'task d'), 6)
  t.equal(shell.read('/.memcgfs/tasks').split('\n').length, 5)
  t.end()
})

t.test('what is refused says why, and what would be accepted', t => {
  const shell = shellOf()
  shell.root.mkdir('/a', 0o755)
  shell.do('', 'task t bare')
  for (const [line, errno, why] of [
    ['nothing', 'EINVAL', /did you mean/],
    ['task', 'EINVAL', /ID is missing; usage: task ID/],
    ['task 5x', 'EINVAL', /a name is a letter/],
    ['task u /nope', 'ENOENT', /no cgroup \/nope/],
    ['task u a', 'EINVAL', /a cgroup is \/x\/y/],
    ['task t', 'EEXIST', /there is a task t already/],
    ['task u adj=2000', 'EINVAL', /-1000 to 1000/],
    ['task u cpu=9', 'EINVAL', /CPUs 0 to 3/],
    ['anon x r 1M', 'ESRCH', /no task x/],
    ['anon t r 1Q', 'EINVAL', /a size is N/],
    ['anon t r 1M order=3', 'EINVAL', /order= is one of 0, 9/],
    ['anon t r 1M colour=red', 'EINVAL', /anon knows order= gfp= cpu= node=/],
    ['anon t r 1M cpu=1 cpu=2', 'EINVAL', /cpu= is given twice/],
    ['anon t r 1M gfp=GFP_WISH', 'EINVAL', /gfp= is one of GFP_KERNEL/],
    ['anon t r 1M more words', 'EINVAL', /one word too many/],
    ['free t r', 'ENOENT', /t has no region r; it has none/],
    ['read t f 0 1M', 'ENOENT', /"file f SIZE" makes one/],
    ['kmalloc t - 5 cache=dentri', 'ENOENT', /close are dentry/],
    ['burn t', 'EOPNOTSUPP', /step 4 brings it/],
    ['config rcu_ms=soon', 'EINVAL', /it is milliseconds/],
    ['config stock_drain_ms=1', 'EOPNOTSUPP', /step 3 brings it/],
    ['config batch_pages=32', 'EROFS', /fixed when the kernel is mounted/],
    ['config nope=1', 'EINVAL', /close are/],
    ['reap t', 'EINVAL', /t is alive/],
  ] as const) {
    t.equal(shell.do('/a', line), errno, line)
    t.match(shell.result('/a')[0], why, line)
  }
  t.equal(shell.do('', `echo ${'x'.repeat(4100)}`), 'E2BIG')
  t.end()
})

t.test('a user reaches only what is below the directory of the do he may write', t => {
  const shell = shellOf()
  for (const path of ['/a', '/b']) shell.root.mkdir(path, 0o755)
  shell.do('/b', 'task other')
  for (const path of ['/a', '/a/cgroup.procs']) shell.root.chown(path, 1000, 1000)
  const user = shell.as({ uid: 1000, gid: 1000 })
  t.equal(user.writeFile('/b/.memcgfs/do', 'task x\n'), -13, 'not his file')
  t.ok(Number(user.writeFile('/a/.memcgfs/do', 'task mine\n')) > 0)
  t.equal(user.writeFile('/a/.memcgfs/do', 'move mine /b\n'), -13)
  t.equal(user.writeFile('/a/.memcgfs/do', 'kill other\n'), -13)
  t.end()
})

t.test('lines for a stopped or frozen task wait, in order, and are done when it goes on', t => {
  const shell = shellOf()
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t bare')
  shell.write('/a/cgroup.freeze', '1')
  t.equal(shell.do('/a', 'anon t r 10p'), 'anon t r 10p\n'.length)
  t.equal(shell.result('/a')[0], '1 waits anon reason=frozen')
  shell.do('/a', 'anon t s 5p')
  t.equal(shell.do('/a', 'wait t max=1s'), 'ETIMEDOUT')
  t.match(shell.read('/a/.memcgfs/tasks'), /frozen .* anon=0 /)
  shell.write('/a/cgroup.freeze', '0')
  t.match(shell.read('/a/.memcgfs/tasks'), /running .* anon=15 /)
  t.equal(shell.do('/a', 'wait t'), 'wait t\n'.length)
  t.match(shell.result('/a')[0], /ok anon t pages=10 .*; ok anon t pages=5 /)

  shell.do('/a', 'kill t sig=STOP', 'anon t u 1p', 'kill t')
  t.match(shell.read('/.memcgfs/log'), /later ESRCH anon/)
  t.end()
})
