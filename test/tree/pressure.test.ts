/** Pressure files: hiding them, and triggers. Example 24 of cgroup-core.md §10, for memory.pressure. */
import t from 'tap'
import { O } from '../../src/api/process.ts'
import { EBUSY, EINVAL, ENODEV } from '../../src/errno.ts'
import { POLLERR, POLLPRI } from '../../src/kernfs/door.ts'
import { machine, type TestMachine } from './machine.ts'
import { transcript } from './transcript.ts'

transcript(
  'example 24: cgroup.pressure hides the files and shows them again',
  ['6.12'],
  `
  $ mkdir a a/b
  $ ls a/memory.pressure
  a/memory.pressure
  $ echo 0 > a/cgroup.pressure
  $ ls a/memory.pressure
  ENOENT
  $ ls a/b/memory.pressure  # only in this cgroup
  a/b/memory.pressure
  $ echo 1 > a/cgroup.pressure
  $ cat a/memory.pressure
  some avg10=0.00 avg60=0.00 avg300=0.00 total=0
  full avg10=0.00 avg60=0.00 avg300=0.00 total=0
`,
)

/** A descriptor of /a/memory.pressure. */
function opened(): TestMachine & { readonly fd: number } {
  const made = machine()
  made.root.mkdir('/a', 0o755)
  return { ...made, fd: made.root.open('/a/memory.pressure', O.RDWR) }
}

t.test('example 24: a description from before stays dead when the file is shown again', async t => {
  const { root, fd } = opened()
  root.writeFile('/a/cgroup.pressure', '0')
  t.equal(root.read(fd, 100), ENODEV)
  root.writeFile('/a/cgroup.pressure', '1')
  t.equal(root.read(fd, 100), ENODEV)
  t.equal(root.write(fd, 'some 150000 1000000'), ENODEV)
})

t.test('example 24: one trigger per description', async t => {
  const { root, fd } = opened()
  t.equal(root.poll(fd, POLLPRI), POLLPRI | POLLERR, 'without a trigger')
  t.equal(root.write(fd, 'some 0 1000000'), EINVAL, 'no threshold')
  t.equal(root.write(fd, 'some 1000001 1000000'), EINVAL, 'more than the window')
  t.equal(root.write(fd, 'some 150000 1000000'), 19)
  t.equal(root.write(fd, 'some 150000 1000000'), EBUSY)
  t.equal(root.poll(fd, POLLPRI), 0, 'it has not fired')
})
