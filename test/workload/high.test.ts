// Tasks above memory.high sleep in virtual time: their lines go on later, and the write to `do` returns at once.
import t from 'tap'
import { seconds } from '../../src/units.ts'
import { type Shell, shellOf } from './helpers.ts'

const MIB = 2 ** 20
const NO_SWAP = { swap: 0 }

const current = (shell: Shell): number => Number(shell.read('/c/memory.current'))

const highEvents = (shell: Shell): number => Number(/^high (\d+)$/m.exec(shell.read('/c/memory.events'))?.[1])

function throttled(kernel: string): Shell {
  const shell = shellOf({ kernel, ...NO_SWAP })
  shell.root.mkdir('/c', 0o755)
  shell.write('/c/memory.high', '20M')
  return shell
}

t.test('recorded: 30M above a high of 20M without swap creep, and raising the limit lets them go', t => {
  // memory/high/throttle-noswap on 6.12 and 6.1: 8 s after the start 24403968 and 24387584 bytes, high 206 and 239,
  // 7.9 s of pressure; after `max` the rest is there at once.
  for (const [kernel, bytes, events] of [
    ['6.12', 24_403_968, 206],
    ['6.1', 24_387_584, 239],
  ] as const) {
    const shell = throttled(kernel)
    const line = 'anon A H 30M'
    t.equal(shell.do('/c', 'task A', line), 'task A\n'.length + line.length + 1, 'the write does not wait')
    t.match(shell.result('/c')[1], /^2 waits anon A pages=\d+ of=7680 until=\d+ reason=high$/)
    t.match(shell.read('/c/.memcgfs/tasks'), / sleeping /)
    t.equal(shell.do('/c', 'wait A max=8s'), 'ETIMEDOUT')
    t.ok(Math.abs(current(shell) - bytes) < bytes * 0.1, `${kernel}: usage ${current(shell)}`)
    t.ok(Math.abs(highEvents(shell) - events) < events * 0.2, `${kernel}: high ${highEvents(shell)}`)
    t.match(shell.read('/c/memory.pressure'), /^some avg10=5\d\.\d\d avg60=1\d\.\d\d avg300=2\.\d\d total=8000000$/m)
    const before = highEvents(shell)
    shell.write('/c/memory.high', 'max')
    t.equal(shell.do('/c', 'wait A'), 7)
    t.match(shell.result('/c')[0], /^1 ok wait lines=1 # ok anon A pages=7680 charged=7680 reclaimed=0 swapped=0$/)
    t.ok(current(shell) >= 30 * MIB)
    t.equal(highEvents(shell), before)
  }
  t.end()
})

t.test('up to 5.3 nobody sleeps', t => {
  const shell = throttled('5.3')
  shell.do('/c', 'task A bare', 'anon A H 30M')
  t.match(shell.result('/c')[1], /^2 ok anon A pages=7680/)
  t.equal(current(shell), 30 * MIB)
  t.end()
})

t.test('lines for a sleeper wait behind the one it sleeps in; a kill ends them', t => {
  const shell = throttled('6.12')
  shell.do('/c', 'task A bare', 'anon A H 24M', 'anon A more 1p')
  t.match(shell.result('/c')[2], /^3 waits anon reason=busy$/)
  shell.do('', 'task B bare', 'anon B own 1p')
  t.match(shell.result('')[1], /^2 ok anon B/, 'others go on')
  shell.do('/c', 'kill A')
  t.equal((shell.read('/.memcgfs/log').match(/later ESRCH anon/g) ?? []).length, 2)
  t.equal(shell.do('/c', 'wait all'), 'ESRCH')
  t.match(shell.read('/c/memory.pressure'), /total=0$/m, 'it slept no time')
  t.end()
})

t.test('settle leaves sleepers asleep; tick lets them go on at their own times', t => {
  const shell = throttled('6.12')
  shell.do('/c', 'task A bare', 'anon A H 30M')
  shell.do('/c', 'settle')
  const pages = (): number => Number(/ anon=(\d+) /.exec(shell.read('/c/.memcgfs/tasks'))?.[1])
  t.match(shell.read('/c/.memcgfs/tasks'), / sleeping /)
  t.ok(pages() < 7680)
  shell.do('/c', 'tick 1h')
  t.equal(pages(), 7680)
  t.match(shell.read('/c/.memcgfs/tasks'), / running /)
  // 40 batches of 64 pages above 20 MiB: none sleeps longer than 2 s.
  t.ok(Number(/^some .* total=(\d+)$/m.exec(shell.read('/c/memory.pressure'))?.[1]) <= 40 * 2_000_000)
  t.end()
})

t.test('a line goes on where it was cut: reading, shared memory, objects, descriptors', t => {
  for (const [line, done] of [
    ['read A f 0 30M', /ok read A pages=7680 charged=7680 /],
    ['shm A s 30M', /ok shm A pages=7680 charged=7680 /],
    ['kmalloc A 4096 7000 syscall=100', /ok kmalloc A done=7000/],
    ['pipe A 500 fill=64K', /ok pipe A done=500/],
  ] as const) {
    const shell = throttled('6.12')
    shell.do('/c', 'task A bare', 'file f 30M fs=tmpfs', line)
    t.match(shell.result('/c')[2], /^3 waits \w+ A (pages|done)=\d+ of=\d+ until=\d+ reason=high$/, line)
    shell.do('/c', 'wait A')
    t.match(shell.result('/c')[0], done, line)
  }
  t.end()
})

t.test('who is done sleeps before he is back: his line is said to be done when he wakes', t => {
  const shell = throttled('6.12')
  shell.do('/c', 'task A bare', 'kmalloc A 4096 5400')
  t.match(shell.result('/c')[1], /^2 waits kmalloc A done=5400 until=\d+ reason=high$/)
  shell.do('/c', 'wait A')
  t.match(shell.result('/c')[0], /# ok kmalloc A done=5400$/)
  t.ok(Number(shell.read('/.memcgfs/clock')) > seconds(1000))
  t.end()
})

t.test(
  'in interrupt context nothing waits: kernel memory is nobody’s, the excess is reclaimed by work of its own',
  t => {
    const shell = shellOf({ kernel: '6.12', with: { reclaim: 'ideal' }, ...NO_SWAP })
    shell.root.mkdir('/c', 0o755)
    shell.do('/c', 'task A bare cpu=0', 'file f 4M', 'read A f 0 4M')
    shell.write('/c/memory.high', '4M')
    shell.do('/c', 'irq A on', 'kmalloc A 4096 100')
    t.equal(current(shell), 4 * MIB)
    t.equal(shell.do('/c', 'anon A H 1p', 'return A', 'irq A off'), 31)
    t.equal(highEvents(shell), 0, 'it owes nothing itself')
    shell.do('/c', 'settle')
    t.equal(highEvents(shell), 1)
    t.equal(current(shell), 4 * MIB, 'a batch of 64 was charged, as much was reclaimed')
    t.end()
  },
)

t.test('O_NONBLOCK: from 6.18 on memory.high and memory.max are stored, and nothing is reclaimed', t => {
  for (const [kernel, left] of [
    ['6.12', 1 * MIB],
    ['6.18', 4 * MIB],
  ] as const) {
    for (const file of ['memory.high', 'memory.max']) {
      const shell = shellOf({ kernel, with: { reclaim: 'ideal' }, ...NO_SWAP })
      shell.root.mkdir('/c', 0o755)
      shell.do('/c', 'task A bare', 'file f 4M', 'read A f 0 4M')
      const fd = shell.root.open(`/c/${file}`, 1 | 0o4000)
      t.equal(shell.root.write(fd, '1M'), 2)
      t.ok(current(shell) <= left && current(shell) > left - MIB, `${kernel} ${file}: ${current(shell)}`)
      t.equal(shell.read(`/c/${file}`), `${MIB}\n`)
    }
  }
  t.end()
})
