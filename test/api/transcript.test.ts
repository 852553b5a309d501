/** One transcript gives the same text in process and on a mount. */
import * as nodeFs from 'node:fs'
import t, { type Test } from 'tap'
import { type CgroupFs, type CgroupNodeFs, createCgroupFs } from '../../mount/index.ts'
import { cannotMount, emptyDirectory } from '../mounted/toy.ts'
import { run } from './transcript.ts'

/** Errnos and texts: cgroup-core.md §1.7 and §10 (recorded). Memory: arithmetic on the page. */
const TRANSCRIPT = `\
$ echo '+memory +pids' > cgroup.subtree_control
$ cat cgroup.subtree_control
memory pids
$ echo '+devices' > cgroup.subtree_control
echo: cgroup.subtree_control: EINVAL
$ echo '+perf_event' > cgroup.subtree_control
echo: cgroup.subtree_control: ENOENT
$ mkdir a b a/x
$ ls .
a
b
$ mkdir a
mkdir: a: EEXIST
$ mkdir cgroup.procs/x
mkdir: cgroup.procs/x: ENOTDIR
$ mkdir no/x
mkdir: no/x: ENOENT
$ stat -c %a,%h,%s a a/memory.max a/memory.current a/cgroup.kill
755,3,0
644,1,0
444,1,0
200,1,0
$ rmdir a
rmdir: a: EBUSY
$ rmdir a/memory.max
rmdir: a/memory.max: ENOTDIR
$ rm a/memory.max a
rm: a/memory.max: EPERM
rm: a: EISDIR
$ mv -T a
mv: a: EPERM
$ ln -s x a/link
ln: a/link: EPERM
$ touch a/memory.max a/new
touch: a/new: EACCES
$ truncate -s 0 a/memory.max
$ cat a/cgroup.kill
cat: a/cgroup.kill: EINVAL
$ echo 64M > a/memory.max
$ cat a/memory.max
67108864
$ echo rubbish > a/memory.max
echo: a/memory.max: EINVAL
$ echo -1 > a/cgroup.max.depth
echo: a/cgroup.max.depth: ERANGE
$ echo 0x10 > a/cgroup.max.depth
$ cat a/cgroup.max.depth
16
$ echo 0 > b/cgroup.max.depth
$ mkdir b/x
mkdir: b/x: EAGAIN
$ echo '+memory' > a/cgroup.subtree_control
$ echo 0 > a/cgroup.procs
echo: a/cgroup.procs: EBUSY
$ echo 0 > a/x/cgroup.procs
$ cat a/cgroup.events a/x/cgroup.events
populated 1
frozen 0
populated 1
frozen 0
$ echo '+memory' > a/x/cgroup.subtree_control
echo: a/x/cgroup.subtree_control: EBUSY
$ rmdir a/x
rmdir: a/x: EBUSY
$ echo 0 > cgroup.procs
$ cat a/cgroup.events
populated 0
frozen 0
$ echo 999999 > cgroup.procs
echo: cgroup.procs: ESRCH
$ echo abc > cgroup.procs
echo: cgroup.procs: EINVAL
$ echo 'task t1 bare' > b/.memcgfs/do
$ cat b/.memcgfs/result
1 ok task t1 pid=5000001 cgroup=/b cpu=0
done=1 failed=0 waiting=0 clock=1000000000000
$ cat b/cgroup.procs
5000001
$ echo 16M > b/memory.max
$ echo 'anon t1 heap 8M' > b/.memcgfs/do
$ cat b/memory.current
8388608
$ echo 'annon t1 heap 8M' > b/.memcgfs/do
echo: b/.memcgfs/do: EINVAL
$ echo 'anon t1 more 16M' > b/.memcgfs/do
echo: b/.memcgfs/do: ENOMEM
$ cat b/cgroup.procs b/memory.current
0
$ rmdir b
$ cat b/memory.current
cat: b/memory.current: ENOENT
$ cat cgroup.stat
nr_descendants 2
nr_subsys_cpuset 1
nr_subsys_cpu 1
nr_subsys_io 1
nr_subsys_memory 3
nr_subsys_perf_event 3
nr_subsys_hugetlb 1
nr_subsys_pids 2
nr_subsys_rdma 1
nr_subsys_misc 1
nr_dying_descendants 1
nr_dying_subsys_cpuset 0
nr_dying_subsys_cpu 0
nr_dying_subsys_io 0
nr_dying_subsys_memory 1
nr_dying_subsys_perf_event 1
nr_dying_subsys_hugetlb 0
nr_dying_subsys_pids 1
nr_dying_subsys_rdma 0
nr_dying_subsys_misc 0
$ echo +2s > .memcgfs/clock
$ cat .memcgfs/clock
1002000000000
$ echo '-pids' > cgroup.subtree_control
$ cat a/pids.max
cat: a/pids.max: ENOENT
$ chmod 700 a/x
$ stat -c %a,%h,%s a/x
700,2,0
$ rmdir a/x a
$ ls .
$ rmdir .memcgfs
rmdir: .memcgfs: EBUSY
`

/** Everything that can be read. */
function dump(fs: CgroupNodeFs, root: string): string {
  const directories = ['.', 'p', 'p/q', 'p/q/r', 'full']
  const files = (dir: string): string[] => fs.readdirSync(`${root}/${dir}`).filter(name => name.includes('.'))
  const contents = directories.flatMap(dir => [
    `$ ls -f ${dir}`,
    ...files(dir).map(name => `$ cat ${dir}/${name}`),
    ...['result', 'tasks'].map(name => `$ cat ${dir}/.memcgfs/${name}`),
    `$ stat -c %a,%h,%s ${dir}`,
  ])
  const model = ['clock', 'config', 'kernel', 'log'].map(name => `$ cat .memcgfs/${name}`)
  return run([...contents, ...model].join('\n'), fs, root)
}

const FILLED = `\
$ echo '+memory +pids +cpu +io' > cgroup.subtree_control
$ mkdir -p p/q/r full
$ echo '+memory +pids' > p/cgroup.subtree_control
$ echo '+memory' > p/q/cgroup.subtree_control
$ echo 'task t1' > p/q/r/.memcgfs/do
$ echo 'anon t1 heap 33M' > p/q/r/.memcgfs/do
$ echo 'fork t1 t2' > p/.memcgfs/do
$ echo 'file f 9M' > full/.memcgfs/do
$ echo 'read t2 f 0 9M' > full/.memcgfs/do
$ echo 'kmalloc t1 256 3000' > .memcgfs/do
$ echo 12M > full/memory.max
$ echo 'task t3' > full/.memcgfs/do
$ echo 'anon t3 heap 64M' > full/.memcgfs/do
$ mkdir gone
$ rmdir gone
$ echo +15ms > .memcgfs/clock
$ echo 0 > p/q/r/cgroup.procs
`

async function mounted(t: Test): Promise<{ cgroups: CgroupFs; dir: string }> {
  const dir = emptyDirectory(t)
  const cgroups = createCgroupFs({ swap: 0 })
  t.teardown(() => cgroups.close())
  await cgroups.mount(dir, { unref: true })
  return { cgroups, dir }
}

t.test('in process', async t => {
  t.equal(run(TRANSCRIPT, createCgroupFs({ swap: 0 }).fs, ''), TRANSCRIPT)
})

t.test('on a mount, by way of node:fs', { skip: cannotMount }, async t => {
  const { dir } = await mounted(t)
  t.equal(run(TRANSCRIPT, nodeFs, dir), TRANSCRIPT)
})

t.test('in process while it is mounted', { skip: cannotMount }, async t => {
  const { cgroups } = await mounted(t)
  t.equal(run(TRANSCRIPT, cgroups.fs, ''), TRANSCRIPT)
})

t.test('every file of a busy kernel', { skip: cannotMount }, async t => {
  const inProcess = createCgroupFs({ swap: 0 })
  const first = run(FILLED, inProcess.fs, '')
  const { cgroups, dir } = await mounted(t)
  t.equal(run(FILLED, nodeFs, dir), first)
  const text = dump(inProcess.fs, '')
  t.ok(text.split('\n').length > 1000)
  t.equal(dump(nodeFs, dir), text)
  t.equal(dump(cgroups.fs, ''), text, 'and side by side')
})
