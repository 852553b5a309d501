/** Being told of changes: poll and inotify on cgroup.events. Example 20 of cgroup-core.md §10. */
import t from 'tap'
import { O } from '../../src/api/process.ts'
import { POLLERR, POLLPRI } from '../../src/kernfs/door.ts'
import { machine, type TestMachine } from './machine.ts'

/** Longer than the shortest time between two notifications of a file. */
const WINDOW = 20e6

/** /a/b, and tasks p and q in the root. */
function scene(): TestMachine {
  const made = machine()
  for (const dir of ['/a', '/a/b']) made.root.mkdir(dir, 0o755)
  made.root.writeFile('/.memcgfs/do', 'task p bare\ntask q bare\n')
  made.pass(WINDOW)
  return made
}

const move = ({ root, pass }: TestMachine, task: string, to: string): void => {
  root.writeFile('/.memcgfs/do', `move ${task} ${to}`)
  pass(WINDOW)
}

t.test('example 20: a description polls as changed until it has read the news', async t => {
  const made = scene()
  const { root } = made
  const fd = root.open('/a/cgroup.events', O.RDONLY)
  t.equal(root.poll(fd, POLLPRI), POLLPRI | POLLERR, 'before any read')
  root.read(fd, 100)
  t.equal(root.poll(fd, POLLPRI), 0)
  move(made, 'p', '/a/b')
  t.equal(root.poll(fd, POLLPRI), POLLPRI | POLLERR)
  t.equal(root.read(fd, 100), '', 'the end of what was read')
  t.equal(root.poll(fd, POLLPRI), POLLPRI | POLLERR, 'that was no look at the news')
  t.equal(root.pread(fd, 100, 0), 'populated 1\nfrozen 0\n')
  t.equal(root.poll(fd, POLLPRI), 0)
  move(made, 'q', '/a/b')
  t.equal(root.poll(fd, POLLPRI), 0, 'a second process changes nothing')
})

t.test('example 20: watchers of every cgroup on the way hear once', async t => {
  const made = scene()
  const { root } = made
  const watch = root.inotify()
  for (const file of ['/a/cgroup.events', '/a/b/cgroup.events']) root.watch(watch, file)
  const heard = (): string[] => root.inotifyRead(watch).map(({ wd, mask }) => `${wd} ${mask}`)
  move(made, 'p', '/a/b')
  t.same(heard(), ['1 IN_MODIFY', '2 IN_MODIFY'], 'the newest change first: the parent (core/events/inotify-file)')
  move(made, 'q', '/a/b')
  t.same(heard(), [])
  move(made, 'p', '/')
  t.same(heard(), [])
  move(made, 'q', '/')
  t.same(heard(), ['1 IN_MODIFY', '2 IN_MODIFY'])
})

t.test('a directory hears of a file that somebody has looked up, and of no other', async t => {
  const made = scene()
  const { root } = made
  const watch = root.inotify()
  root.watch(watch, '/a')
  const heard = (): string[] => root.inotifyRead(watch).map(({ mask, name }) => `${mask} ${name}`)
  root.writeFile('/a/cgroup.max.depth', '5')
  heard()
  move(made, 'p', '/a/b')
  t.same(heard(), [], 'core/events/inotify-dir-sees-event-modify: another file of the directory was')
  root.stat('/a/cgroup.events')
  move(made, 'p', '/')
  t.same(heard(), ['IN_MODIFY cgroup.events'])
})

t.test('what a write causes is told before the write', async t => {
  const { root } = machine()
  root.mkdir('/a', 0o755)
  const watch = root.inotify()
  for (const file of ['/a/cgroup.events', '/a/cgroup.freeze']) root.watch(watch, file)
  root.writeFile('/a/cgroup.freeze', '1')
  t.same(
    root.inotifyRead(watch).map(({ wd, mask }) => `${wd} ${mask}`),
    ['2 IN_OPEN', '1 IN_MODIFY', '2 IN_MODIFY', '2 IN_CLOSE_WRITE'],
    'the order of core/events/inotify-file #7',
  )
})
