/** The verb `stall`, and pressure files as programs see them. */
import t from 'tap'
import { O } from '../../src/api/process.ts'
import { POLLERR, POLLPRI } from '../../src/kernfs/door.ts'
import type { KernelId } from '../../src/profiles/features.ts'
import { type Shell, shellOf } from './helpers.ts'

function shell(kernel: KernelId = '6.12'): Shell {
  const made = shellOf({ kernel, cpus: 1 })
  made.root.mkdir('/a', 0o755)
  made.root.mkdir('/a/b', 0o755)
  return made
}

/** Microseconds in which somebody was stalled. */
const total = (text: string): number => Number(/total=(\d+)/.exec(text)![1])

t.test('a wished pressure is held on a cgroup and those above it', t => {
  const { do: run, read } = shell()
  t.type(run('/a/b', 'stall memory some=40% full=10% for=20s', 'tick 2s'), 'number')
  // One period at 40 %: (40 x 2048 x 371 + 2047) / 2048 is 14 840, of which 2048 are one percent.
  const wanted =
    'some avg10=7.24 avg60=1.30 avg300=0.27 total=800000\nfull avg10=1.81 avg60=0.32 avg300=0.06 total=200000\n'
  for (const path of ['/a/b', '/a', '']) t.equal(read(`${path}/memory.pressure`), wanted, path)
  t.match(read('/a/io.pressure'), /^some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull .* total=0\n$/)
  run('/', 'tick 1h')
  t.match(read('/a/memory.pressure'), /^some avg10=0.00 avg60=0.00 avg300=0.00 total=8000000\n.*total=2000000\n$/)
  t.end()
})

t.test('it ends when told to, and another takes its place', t => {
  const { do: run, read, result } = shell()
  run('/a', 'stall cpu some=50%', 'tick 1s')
  t.equal(total(read('/a/cpu.pressure')), 500_000)
  run('/a', 'stall cpu some=12.5%', 'tick 1s')
  t.equal(total(read('/a/cpu.pressure')), 625_000)
  run('/a', 'stall cpu off', 'tick 1s')
  t.equal(total(read('/a/cpu.pressure')), 625_000)
  t.same(result('/a').slice(0, 1), ['1 ok stall cpu /a off'])
  t.end()
})

t.test('what it refuses', t => {
  const { do: run, result } = shell()
  for (const line of [
    'stall memory full=10%',
    'stall memory some=10% full=20%',
    'stall memory some=101%',
    'stall memory some=10',
    'stall some=10%',
    'stall memory io some=10%',
    'stall memory some=10% off',
  ]) {
    t.equal(run('/a', line), 'EINVAL', line)
    t.match(result('/a')[0], /# \S/)
  }
  t.equal(run('/a', 'stall memory /gone some=10%'), 'ENOENT')
  t.equal(shell('4.19').do('/a', 'stall memory some=10%'), 'EOPNOTSUPP')
  t.end()
})

t.test('psi_cpu_full: the line full of cpu.pressure came with 5.15', t => {
  t.equal(shell('5.9').read('/a/cpu.pressure'), 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n')
  t.match(shell('5.15').read('/a/cpu.pressure'), /^some .*\nfull .*\n$/)
  t.end()
})

t.test('irq.pressure has one line, where the kernel was built for it', t => {
  const { root } = shellOf({ kernel: '6.12', with: { irq_time: 'yes' } })
  t.equal(root.readFile('/irq.pressure'), 'full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n')
  const fd = Number(root.open('/irq.pressure', O.RDWR))
  t.ok(Number(root.write(fd, 'some 150000 1000000')) < 0)
  t.equal(root.write(fd, 'full 150000 1000000'), 19)
  t.equal(shell().read('/irq.pressure'), 'ENOENT')
  t.end()
})

t.test('a trigger is polled once per event, and dies with its cgroup', t => {
  const { root, do: run, kernel } = shell()
  const fd = Number(root.open('/a/b/memory.pressure', O.RDWR))
  root.write(fd, 'some 150000 1000000')
  run('/a/b', 'stall memory some=20%', 'tick 700ms')
  t.equal(root.poll(fd, POLLPRI), 0)
  run('/a/b', 'tick 100ms')
  t.equal(root.poll(fd, POLLPRI), POLLPRI)
  t.equal(root.poll(fd, POLLPRI), 0, 'seen')
  root.rmdir('/a/b')
  t.equal(root.poll(fd, POLLPRI), POLLPRI | POLLERR)
  run('/', 'tick 10s')
  t.equal(kernel.engine.clock.queue.length, 0, 'nothing is left on the clock')
  root.close(fd)
  t.end()
})

t.test('cgroup.pressure 0 counts nothing here, and above as before', t => {
  const { write, read, do: run } = shell()
  run('/a/b', 'stall memory some=100%')
  write('/a/cgroup.pressure', '0')
  run('/', 'tick 2s')
  write('/a/cgroup.pressure', '1')
  t.match(read('/a/memory.pressure'), /^some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n/)
  t.match(read('/a/b/memory.pressure'), /^some avg10=18.11 avg60=3.27 avg300=0.68 total=2000000\n/)
  t.match(read('/memory.pressure'), /^some avg10=18.11 avg60=3.27 avg300=0.68 total=2000000\n/)
  t.end()
})

t.test('psi_stall: up to 5.8 the reclaim of a limit write is a stall of the machine', t => {
  for (const [kernel, total] of [
    ['5.8', 640],
    ['5.9', 0],
  ] as const) {
    const { root, read, write, do: run } = shellOf({ kernel, cpus: 1, with: { reclaim: 'ideal' } })
    root.mkdir('/a', 0o755)
    run('/a', 'task t bare', 'file f 1M', 'read t f 0 1M')
    // 64 pages at 10 us each.
    write('/a/memory.max', '768K')
    t.match(read('/memory.pressure'), new RegExp(`^some .* total=${total}\\n`), kernel)
    t.match(read('/a/memory.pressure'), /^some .* total=0\n/)
  }
  t.end()
})

t.test('reclaim, refaults and swapping in are stalls of who does them', t => {
  const { root, read, write, do: run } = shellOf({ kernel: '6.12', cpus: 1, with: { reclaim_us_per_page: '0' } })
  root.mkdir('/a', 0o755)
  run('/a', 'task t bare', 'anon t heap 1M', 'reclaim . 1M')
  const swapped = Number(read('/a/memory.swap.current')) / 4096
  t.ok(swapped > 0)
  run('/a', 'touch t heap')
  // 100 us for each page, alone in the cgroup.
  for (const file of ['memory', 'io'])
    t.match(
      read(`/a/${file}.pressure`),
      new RegExp(`^some .* total=${swapped * 100}\\nfull .* total=${swapped * 100}\\n$`),
    )
  write('/.memcgfs/config', 'reclaim_us_per_page=10')
  run('/a', 'file f 1M', 'read t f 0 1M')
  const before = total(read('/a/memory.pressure'))
  write('/a/memory.max', read('/a/memory.current').trim())
  run('/a', 'anon t more 512K')
  t.ok(total(read('/a/memory.pressure')) > before)
  t.end()
})

t.test('settle waits neither for what is held nor for who watches it', t => {
  const { root, do: run, kernel } = shell()
  const fd = Number(root.open('/a/memory.pressure', O.RDWR))
  root.write(fd, 'some 150000 1000000')
  run('/a', 'stall memory some=50%', 'stall io some=50% for=20s')
  const before = kernel.now
  t.equal(run('/', 'settle'), 7)
  t.equal(kernel.now, before)
  t.end()
})
