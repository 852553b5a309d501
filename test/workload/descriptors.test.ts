// Descriptors, vmalloc areas and per-CPU memory: workload.md §4.3.
import t from 'tap'
import { brokenInvariants } from '../../src/api/invariants.ts'
import type { KernelOptions } from '../../src/api/options.ts'
import { type Shell, shellOf } from './helpers.ts'

function shellWith(options: KernelOptions = {}): Shell {
  const shell = shellOf({ cpus: 1, ...options })
  shell.root.mkdir('/a', 0o755)
  shell.do('/a', 'task t bare')
  return shell
}

/** A line of memory.stat of /a, once everything was flushed. */
function stat(shell: Shell, name: string): number {
  shell.do('', 'drain-stocks', 'rstat-flush')
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(shell.read('/a/memory.stat'))?.[1])
}

const slab = (shell: Shell) => ({
  reclaimable: stat(shell, 'slab_reclaimable'),
  unreclaimable: stat(shell, 'slab_unreclaimable'),
})

t.test('an open file is one filp', t => {
  // profiles.md, D6: 500 open files on 6.12 are 500 x (192 + 8) bytes, besides the table of descriptors.
  const shell = shellWith()
  shell.do('/a', 'open t 500')
  t.equal(stat(shell, 'slab_unreclaimable'), 100_000)
  shell.do('/a', 'close t 200')
  t.equal(stat(shell, 'slab_unreclaimable'), 60_000)
  t.equal(shell.do('/a', 'close t 301'), 'ENOENT')
  t.match(shell.result('/a')[0], /t has 300 open descriptors of the kind file, fewer than 301/)
  t.same(brokenInvariants(shell.kernel), [])
  t.end()
})

t.test('100 pipes cost what they cost on the recorded kernels, and a full one 16 pages', t => {
  // memory/kmem/pipes on 6.12: slab_reclaimable 84000 for 100 pipes, a dentry of 200 bytes and an inode of 640 each.
  // Two filp of 200, 192 + 8 for the pipe and 1024 + 8 for its ring are 1632 bytes.
  const shell = shellWith()
  shell.do('/a', 'pipe t 50', 'pipe t 50 fill=64K')
  t.same(slab(shell), { reclaimable: 84_000, unreclaimable: 163_200 })
  // All in pages: 50 x 16, and ceil((84000 + 163200) / 4096) = 61.
  t.equal(stat(shell, 'kernel'), (800 + 61) * 4096)
  t.equal(shell.do('/a', 'pipe t 1 fill=65537'), 'EINVAL')
  t.match(shell.result('/a')[0], /a pipe holds at most 65536 bytes/)
  shell.do('/a', 'close t 100 kind=pipe')
  t.equal(stat(shell, 'kernel'), 0)
  t.end()
})

t.test('pipes that fill a cgroup end in an OOM kill, as recorded', t => {
  // memory/kmem/limit-hit-by-pipes on 6.1 and 6.12: memory.max 8M, 400 full pipes: max 35, oom 1, oom_kill 1.
  for (const kernel of ['6.1', '6.12']) {
    const shell = shellWith({ kernel })
    shell.write('/a/memory.max', '8M')
    shell.write('/a/memory.swap.max', '0')
    t.equal(shell.do('/a', 'pipe t 400 fill=64K'), 'ENOMEM')
    t.match(shell.result('/a')[0], /^1 ENOMEM pipe done=\d+ of=400 killed=t oom=\/a/)
    t.match(shell.read('/a/memory.events'), /^max 35\noom 1\noom_kill 1$/m)
    t.equal(shell.read('/a/memory.peak'), '8388608\n')
    t.equal(stat(shell, 'kernel'), 0, 'all of it went with the task')
  }
  t.end()
})

t.test('sockets of the family unix: themselves, and what is queued on them', t => {
  // memory/kmem/unix-sockets, 100 sockets on 6.1: slab_reclaimable 104000, a dentry of 200 and an inode of 840 each.
  const shell = shellWith({ kernel: '6.1' })
  shell.do('/a', 'sock t 100')
  // A filp of 256 and the socket of 1024 bytes, each with 8 for its owner.
  t.same(slab(shell), { reclaimable: 104_000, unreclaimable: 100 * (264 + 1032) })
  // 100K on each of 20 more, in three buffers: 8 + 8 + 7 pages, heads of 4096, 4096 and 1024 bytes, and 3 x 256.
  shell.do('/a', 'sock t 20 data=100K')
  const queued = 20 * (2 * 4104 + 1032 + 3 * 264)
  t.equal(stat(shell, 'slab_unreclaimable'), 120 * (264 + 1032) + queued)
  const objects = 120 * (1040 + 264 + 1032) + queued
  t.equal(stat(shell, 'kernel'), (20 * 23 + Math.ceil(objects / 4096)) * 4096)
  t.end()
})

t.test('TCP buffers are memory of the cgroup and a line of their own, also over the limit', t => {
  const shell = shellWith()
  shell.write('/a/memory.max', '1M')
  shell.do('/a', 'sock t 2 kind=tcp data=1M')
  t.equal(stat(shell, 'sock'), 2 * 2 ** 20)
  t.ok(Number(shell.read('/a/memory.current')) > 2 * 2 ** 20, 'never refused')
  t.match(shell.read('/a/memory.events'), /^oom_kill 0$/m)
  t.same(brokenInvariants(shell.kernel), [])
  shell.do('/a', 'close t 1 kind=sock')
  t.equal(stat(shell, 'sock'), 2 ** 20)
  t.end()
})

t.test('a TCP socket keeps the removed cgroup it was made in, and is charged there', t => {
  const shell = shellWith()
  shell.root.mkdir('/b', 0o755)
  shell.do('/a', 'sock t 1 kind=tcp data=40K', 'move t /b')
  shell.root.rmdir('/a')
  shell.do('', 'settle')
  t.match(shell.read('/.memcgfs/zombies'), /^\/a .*pins=sockets:1$/m)
  shell.do('/b', 'close t 1 kind=sock', 'drain-stocks /')
  shell.do('', 'settle')
  t.equal(shell.read('/.memcgfs/zombies'), '')
  t.same(brokenInvariants(shell.kernel), [])
  t.end()
})

t.test('per-CPU memory is charged for every CPU, and from 6.1 on for its owners', t => {
  // slab-kmem.md §5.6: size x CPUs; from 6.1 on also 8 bytes for each 4. Up to 5.8 nobody pays.
  for (const [kernel, bytes] of [
    ['5.9', 100 * 1000 * 4],
    ['6.1', 100 * (1000 * 4 + 2000)],
  ] as const) {
    const shell = shellWith({ kernel, cpus: 4 })
    shell.do('/a', 'percpu t 998 100')
    shell.do('', 'tick 2s', 'tick 2s')
    t.equal(Number(/^true_percpu=(\d+)|true_percpu=(\d+)/m.exec(statOf(shell))?.slice(1).find(Boolean)), bytes, kernel)
    shell.do('/a', 'percpu-free t 100')
    t.same(brokenInvariants(shell.kernel), [])
    t.notMatch(statOf(shell), /true_percpu=[1-9]/)
  }
  const old = shellWith({ kernel: '5.8' })
  t.equal(old.do('/a', 'percpu t 64 10'), 'percpu t 64 10\n'.length)
  t.notMatch(statOf(old), /percpu=/)
  t.equal(old.do('/a', 'percpu t 64K 1'), 'EINVAL')
  t.end()
})

function statOf(shell: Shell): string {
  shell.do('/a', 'stat .')
  return shell.result('/a')[0] ?? ''
}

t.test('vmalloc areas are kernel pages with a line of their own', t => {
  const shell = shellWith()
  shell.do('/a', 'vmalloc t 1M', 'vmalloc t 10p')
  t.equal(stat(shell, 'vmalloc'), 266 * 4096)
  t.equal(stat(shell, 'kernel'), 266 * 4096)
  shell.do('/a', 'vmalloc-free t 200p')
  t.equal(stat(shell, 'vmalloc'), 66 * 4096)
  t.equal(shell.do('/a', 'vmalloc-free t 67p'), 'ENOENT')
  shell.write('/a/memory.max', '512K')
  t.equal(shell.do('/a', 'vmalloc t 1M gfp=GFP_NOWAIT'), 'ENOMEM', 'all or nothing')
  t.equal(stat(shell, 'vmalloc'), 66 * 4096)
  t.end()
})

t.test('everything goes when the task exits', t => {
  for (const kernel of ['5.2', '5.5', '5.9', '6.12', '7.1']) {
    const shell = shellWith({ kernel, with: { cache_create_bypass: 0 } })
    shell.do('/a', 'open t 10', 'pipe t 3 fill=5000', 'sock t 3 data=9K', 'sock t 3 kind=tcp data=9K')
    shell.do('/a', 'percpu t 64 3', 'vmalloc t 3p', 'exit t')
    shell.do('/a', 'drain-stocks .')
    shell.do('', 'settle')
    t.equal(shell.root.rmdir('/a'), 0)
    shell.do('', 'settle')
    t.equal(shell.read('/.memcgfs/zombies'), '', kernel)
    t.same(brokenInvariants(shell.kernel), [])
  }
  t.end()
})

t.test('step runs one deferred thing after the other, each at its time', t => {
  const shell = shellWith()
  shell.do('', 'settle')
  shell.root.mkdir('/b', 0o755)
  shell.root.rmdir('/b')
  const start = shell.kernel.now
  // E29: a grace period of 20 ms and a work item 1 ms later, then a work item of 1 ms.
  shell.do('', 'step')
  t.equal(shell.kernel.now, start + 21_000_000)
  shell.do('', 'step 2')
  t.equal(shell.kernel.now, start + 22_000_000)
  t.match(shell.result('')[0], /^1 ok step steps=2 clock=\d+ # [\w-]+, [\w-]+$/)
  t.equal(shell.do('', 'step 1000'), 'ENOENT')
  t.match(shell.result('')[0], /steps=\d+ clock=\d+ of=1000 # nothing else is deferred/)
  t.end()
})
