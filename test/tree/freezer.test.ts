/** The freezer, and killing what is frozen. Examples 21 and 22 of cgroup-core.md §10. */
import t from 'tap'
import { machine } from './machine.ts'
import { transcript } from './transcript.ts'

transcript(
  'example 21: a cgroup is frozen when all that is in it has stopped, which takes a moment',
  ['6.12'],
  `
  $ mkdir f f/g f/g/h
  f/g/h/$ task p bare
  $ echo 1 > f/cgroup.freeze
  $ cat f/g/h/cgroup.events
  populated 1
  frozen 0
  $ tick 20ms
  $ grep frozen f/cgroup.events
  frozen 1
  $ grep frozen f/g/cgroup.events
  frozen 1
  $ grep frozen f/g/h/cgroup.events
  frozen 1
  $ cat f/cgroup.freeze
  1
  $ cat f/g/cgroup.freeze  # only its own setting
  0
  $ echo 1 > f/g/cgroup.freeze
  $ echo 0 > f/cgroup.freeze
  $ grep frozen f/cgroup.events
  frozen 0
  $ grep frozen f/g/cgroup.events
  frozen 1
  $ mkdir f/g/new
  $ cat f/g/new/cgroup.events
  populated 0
  frozen 1
  $ cat f/g/new/cgroup.freeze
  0
  f/$ kill p
  $ cat f/g/h/cgroup.events
  populated 0
  frozen 1
  $ rmdir f/g/h
`,
)

t.test('example 21: each change is told once, on the files it concerns', async t => {
  const { root, pass } = machine()
  const files = ['/f', '/f/g', '/f/g/h'].map(dir => {
    root.mkdir(dir, 0o755)
    return `${dir}/cgroup.events`
  })
  root.writeFile('/f/g/h/.memcgfs/do', 'task p bare')
  pass(20e6)
  const watch = root.inotify()
  for (const file of files) root.watch(watch, file)
  /** Who heard of what a write caused: number of the watch, in order. */
  const told = (file: string, text: string): number[] => {
    root.writeFile(file, text)
    pass(20e6)
    return root.inotifyRead(watch).map(({ wd, mask }) => {
      t.equal(mask, 'IN_MODIFY')
      return wd
    })
  }
  t.same(told('/f/cgroup.freeze', '1').sort(), [1, 2, 3])
  t.same(told('/f/g/cgroup.freeze', '0'), [], 'it was 0')
  t.same(told('/f/g/cgroup.freeze', '1'), [2], 'nothing changed but the setting')
  t.same(told('/f/cgroup.freeze', '0'), [1], 'g and h stay frozen')
})

transcript(
  'example 22: killing works on what is frozen',
  ['6.12'],
  `
  $ mkdir f
  f/$ task p bare
  $ echo 1 > f/cgroup.freeze
  $ tick 20ms
  $ cat f/cgroup.events
  populated 1
  frozen 1
  $ write f/cgroup.kill "1"
  1
  $ cat f/cgroup.events
  populated 0
  frozen 1
  $ write f/cgroup.kill "0"
  ERANGE
  $ write f/cgroup.kill "2"
  ERANGE
  $ write f/cgroup.kill "-1"
  ERANGE
  $ write f/cgroup.kill "x"
  EINVAL
  $ cat f/cgroup.kill
  EINVAL
`,
)
