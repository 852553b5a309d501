// `.memcgfs/locks` shows the locks of the kernel and runs the scenarios of the thread.
import t from 'tap'
import { shellOf } from './helpers.ts'

const lines = (text: string): string[] => text.trimEnd().split('\n')

t.test('the locks of 6.12, and a scenario that ends well', t => {
  const shell = shellOf()
  const before = lines(shell.read('/.memcgfs/locks'))
  t.ok(before.includes('operation css_offline cgroup_mutex(W) objcg_lock(W)'))
  t.ok(before.includes('order cgroup_mutex -> objcg_lock'))
  t.notOk(before.some(line => line.startsWith('run ')))
  t.equal(shell.write('/.memcgfs/locks', 'A\n'), 2)
  const after = lines(shell.read('/.memcgfs/locks'))
  t.strictSame(after.slice(after.indexOf('run A')), [
    'run A',
    'thread T1 finished # memory hot-remove',
    'thread T2 finished # css offline worker',
    'thread T3 finished # core dump of a task',
    'thread T4 finished # systemd-coredump',
    'finished T2 T4 T3 T1',
    'verdict nobody is blocked',
  ])
  t.equal(shell.write('/.memcgfs/locks', 'D'), 'EINVAL')
  t.end()
})

t.test('on 5.8 the ring is shown with what each thread holds and wants', t => {
  const shell = shellOf({ kernel: '5.8' })
  shell.write('/.memcgfs/locks', 'a')
  const text = lines(shell.read('/.memcgfs/locks'))
  t.ok(text.includes('cycle T1 -> T3 -> T4 -> T2 -> T1'))
  t.ok(
    text.includes(
      'thread T2 deadlock held=cgroup_mutex(W),cpu_hotplug_lock(R) wants=mem_hotplug_lock(R) # css offline worker',
    ),
  )
  t.ok(text.includes('order cgroup_mutex -> mem_hotplug_lock'))
  t.equal(text.at(-1), 'verdict deadlock')
  t.end()
})
