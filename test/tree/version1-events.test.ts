/** cgroup.event_control and `.memcgfs/notify` on version 1 (charge-reclaim.md §11, errata.md §2.26). */
import t from 'tap'
import { O, type Process } from '../../src/api/process.ts'
import { EAGAIN, EBADF, EINVAL } from '../../src/errno.ts'
import { POLLERR, POLLPRI } from '../../src/kernfs/door.ts'
import { machine, seconds } from './machine.ts'

const V1 = { kernel: '6.1', hierarchy: 'v1', with: { threshold_check: 'every' } } as const
const A = '/memory/a'

const doIn = (process: Process, ...lines: string[]): number => process.writeFile(`${A}/.memcgfs/do`, lines.join('\n'))

/** What an eventfd has counted since it was read last. */
function counted(process: Process, fd: number): number {
  const read = process.read(fd, 8)
  return typeof read === 'number' ? (read === EAGAIN ? 0 : read) : read.charCodeAt(0)
}

function listening(process: Process, file: string, args: string): number {
  const eventfd = process.eventfd()
  const about = process.open(`${A}/${file}`, O.RDONLY)
  t.ok(process.writeFile(`${A}/cgroup.event_control`, `${eventfd} ${about} ${args}`) > 0, `${file} ${args}`)
  process.close(about)
  return eventfd
}

t.test('an eventfd is raised by each crossing of a threshold, and by the removal of the cgroup', async t => {
  const { root, pass } = machine(V1)
  root.mkdir(A, 0o755)
  const ten = listening(root, 'memory.usage_in_bytes', '10M')
  const twenty = listening(root, 'memory.memsw.usage_in_bytes', '20971520')
  const all = listening(root, 'memory.usage_in_bytes', '0')
  doIn(root, 'task t1 bare', 'anon t1 first 15M')
  t.equal(counted(root, ten), 1)
  t.equal(counted(root, twenty), 0)
  doIn(root, 'anon t1 second 10M')
  t.same([counted(root, ten), counted(root, twenty)], [0, 1])
  doIn(root, 'free t1 first', 'free t1 second', 'exit t1')
  t.same([counted(root, ten), counted(root, twenty)], [1, 1])
  t.equal(counted(root, all), 0, 'nothing is below 0')
  root.close(twenty)
  t.equal(root.rmdir(A), 0)
  t.equal(counted(root, ten), 0)
  pass(seconds(1))
  t.same([counted(root, ten), counted(root, all)], [1, 1])
  t.equal(root.read(twenty, 8), EBADF)
})

t.test('reclaim tells listeners of memory.pressure_level', async t => {
  const { root } = machine(V1)
  root.mkdir(A, 0o755)
  const low = listening(root, 'memory.pressure_level', 'low')
  root.writeFile(`${A}/memory.limit_in_bytes`, '20M')
  // 60M through 20M: 40M, 10240 pages, have to go, at most twenty times 512: a level is made of 512 pages or more.
  doIn(root, 'task t1 bare', 'file f 60M', 'read t1 f 0 60M')
  const levels = counted(root, low)
  t.ok(levels > 15 && levels <= 20, `${levels} of 20; recorded with a little more memory: 21`)
})

t.test('an OOM is told to listeners there and below, whether somebody is killed or waits', async t => {
  const { root, pass } = machine({ ...V1, swap: 0 })
  root.mkdir(A, 0o755)
  root.writeFile(`${A}/memory.limit_in_bytes`, '1M')
  const oom = listening(root, 'memory.oom_control', '')
  root.writeFile(`${A}/memory.oom_control`, '1')
  doIn(root, 'task t1 bare', 'anon t1 heap 2M')
  t.equal(counted(root, oom), 1, 'it waits')
  const late = listening(root, 'memory.oom_control', '')
  t.equal(counted(root, late), 1, 'who comes later is told at once')
  root.writeFile(`${A}/memory.oom_control`, '0')
  pass(seconds(1))
  t.ok(counted(root, oom) > 0, 'it is killed')
  t.match(root.readFile(`${A}/memory.oom_control`), /^oom_kill 1$/m)
})

t.test('what is no request is refused (core/event_control/errors)', async t => {
  const { root, spawn } = machine(V1)
  root.mkdir(A, 0o755)
  root.mkdir('/memory/b', 0o755)
  const control = (text: string, by = root): number => by.writeFile(`${A}/cgroup.event_control`, text)
  const eventfd = root.eventfd()
  const usage = root.open(`${A}/memory.usage_in_bytes`, O.RDONLY)
  const pressure = root.open(`${A}/memory.pressure_level`, O.RDONLY)
  const foreign = root.open('/memory/b/memory.usage_in_bytes', O.RDONLY)
  const stat = root.open(`${A}/memory.stat`, O.RDONLY)
  for (const text of ['abc', '1', '-1 2', `${eventfd}\n${usage}`, `${eventfd} ${usage}x`])
    t.equal(control(text), EINVAL, JSON.stringify(text))
  for (const [about, args] of [
    [usage, 'abc'],
    [pressure, ''],
    [pressure, 'high'],
    [pressure, 'low,loud'],
    [foreign, '1M'],
    [stat, '1M'],
  ] as const)
    t.equal(control(`${eventfd} ${about} ${args}`), EINVAL, args)
  t.equal(control(`${usage} ${eventfd} 1M`), EINVAL, 'no eventfd')
  t.equal(control(`99 ${usage} 1M`), EBADF)
  t.equal(control(`${eventfd} 99 1M`), EBADF)
  t.ok(control(`${eventfd} ${pressure} critical,hierarchy\n`) > 0)
  t.equal(root.readFile(`${A}/cgroup.event_control`), EINVAL)
  const user = spawn(200, 1000)
  const own = user.eventfd()
  const shown = user.open(`${A}/memory.usage_in_bytes`, O.RDONLY)
  t.ok(control(`${own} ${shown} 1M`, user) > 0, 'everybody may write it')
})

t.test('.memcgfs/notify tells the same to whoever has it open', async t => {
  const { root, pass } = machine(V1)
  root.mkdir(A, 0o755)
  const fd = root.open(`${A}/.memcgfs/notify`, O.RDWR)
  const news = (): unknown => root.read(fd, 4096)
  t.equal(root.write(fd, 'memory.stat'), EINVAL)
  t.ok(root.write(fd, 'memory.usage_in_bytes 1M\n') > 0)
  t.ok(root.write(fd, 'memory.pressure_level low,local') > 0)
  t.equal(news(), '')
  t.equal(root.poll(fd, POLLPRI), 0)
  doIn(root, 'task t1 bare', 'anon t1 heap 2M', 'free t1 heap')
  t.equal(root.poll(fd, POLLPRI), POLLPRI | POLLERR)
  t.equal(news(), 'memory.usage_in_bytes 1M 2\n')
  t.equal(news(), '')
  t.equal(root.poll(fd, POLLPRI), 0)
  root.close(fd)
  doIn(root, 'anon t1 heap 2M', 'exit t1')
  const again = root.open(`${A}/.memcgfs/notify`, O.RDWR)
  t.equal(root.read(again, 100), '', 'every description has its own')
  t.equal(root.rmdir(A), 0)
  pass(seconds(1))
})
