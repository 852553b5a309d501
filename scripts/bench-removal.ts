/**
 * What removing a cgroup costs the model by how much kernel memory it owns, and what an idle one costs by CPUs. On
 * kernels whose slab follows the parent the former must not depend on the number of objects.
 */
import { spawnSync } from 'node:child_process'
import { createCgroupFs } from '../mount/index.ts'
import type { Cpu } from '../src/units.ts'
import { median } from './bench-batches.ts'

const KERNELS = ['5.3', '5.9', '6.12', '7.1'] as const
const OBJECTS = [10, 1_000_000] as const
const ROUNDS = 21

/** Microseconds from rmdir until the cgroup is gone, by kernel: for few objects and for many, in turns. */
export function removalCosts(): Map<string, number[]> {
  return new Map(KERNELS.map(kernel => [kernel, costsOn(kernel)]))
}

function costsOn(kernel: string): number[] {
  const cgroups = createCgroupFs({ kernel })
  const shell = cgroups.process()
  shell.writeFile('/cgroup.subtree_control', '+memory')
  const fill = (count: number): void => {
    shell.mkdir(`/${count}`, 0o755)
    const lines = [`task t /${count} bare`, `kmalloc t - ${count} cache=dentry tag=${count}`, 'exit t', 'settle']
    shell.writeFile('/.memcgfs/do', `${lines.join('\n')}\n`)
  }
  const remove = (count: number): number => {
    const start = performance.now()
    shell.rmdir(`/${count}`)
    cgroups.advance('100ms')
    return (performance.now() - start) * 1000
  }
  const times = new Map(OBJECTS.map(count => [count, [] as number[]]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const count of OBJECTS) fill(count)
    // Whoever is first has the colder caches.
    const order = round % 2 === 0 ? OBJECTS : OBJECTS.toReversed()
    for (const count of order) times.get(count)!.push(remove(count))
    const frees = OBJECTS.map(count => `kfree t ${count} tag=${count}`)
    shell.writeFile('/.memcgfs/do', `task t / bare\n${frees.join('\n')}\nexit t\nsettle\n`)
  }
  return [...times.values()].map(median)
}

const IDLE = 20_000

/** Bytes of memory of one idle cgroup on a machine with so many CPUs, measured in a process of its own. */
export function idleBytes(cpus: Cpu): number {
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', import.meta.filename, String(cpus)], {
    encoding: 'utf8',
  })
  const bytes = Number(stdout)
  if (!(bytes > 0)) throw new Error(`no measurement: ${stdout}${stderr}`)
  return bytes
}

function measureIdle(cpus: Cpu): number {
  const cgroups = createCgroupFs({ cpus })
  const shell = cgroups.process()
  shell.writeFile('/cgroup.subtree_control', '+memory')
  const add = (name: string): void => {
    for (let i = 0; i < IDLE; i++) shell.mkdir(`/${name}${i}`, 0o755)
  }
  add('warm')
  const before = memoryInUse()
  add('idle')
  const bytes = (memoryInUse() - before) / IDLE
  shell.rmdir('/idle0') // So that nothing of it is garbage before.
  return bytes
}

function memoryInUse(): number {
  globalThis.gc!()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

if (process.argv[1] === import.meta.filename) console.log(measureIdle(Number(process.argv[2])))
