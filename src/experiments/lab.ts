/**
 * A simulated machine to experiment on: a kernel with its files and a shell, on a manual clock. What a workload does
 * with single objects goes to the engine directly; what it does with cgroups goes through files, as in a script.
 */
import { MANUAL_BOOT_TIME } from '../api/boot.ts'
import { resolveOptions } from '../api/options.ts'
import type { Process } from '../api/process.ts'
import { System } from '../api/system.ts'
import { assert } from '../assert.ts'
import { watermark } from '../engine/counter.ts'
import type { Engine } from '../engine/engine.ts'
import { GFP_KERNEL } from '../engine/gfp.ts'
import { freeKernelObjects, type KernelObjects, type KernelPages, splitObjects } from '../engine/kmem.ts'
import { allocKernelObjects, allocKernelPages } from '../engine/kmemalloc.ts'
import type { MemCgroup } from '../engine/memcg.ts'
import type { Mm } from '../engine/mm.ts'
import { kmallocCache } from '../engine/slab/caches.ts'
import { addCache, cacheOfSlab, findCache, type KmemCache } from '../engine/slab/slub.ts'
import { cellOf, sumOfBlocks } from '../engine/vmstat/stats.ts'
import { errnoName, isErrno } from '../errno.ts'
import type { KernelId } from '../profiles/features.ts'
import type { Cgroup } from '../tree/cgroup.ts'
import { memcgFor } from '../tree/spawn.ts'
import type { Bytes, Cpu, Nanoseconds, NodeNumber, Pages } from '../units.ts'

export interface LabOptions {
  readonly kernel: KernelId
  readonly cpus: number
  /** Settings as of `--with`. */
  readonly with?: Readonly<Record<string, string | number>>
}

const SHELL_PID = 100

/**
 * What a batched statistic of `m` comes to in the end: what is shown, and what the CPUs hold back for `m` itself. On a
 * machine of one node.
 */
export function settledStat(e: Engine, m: MemCgroup, item: number): number {
  const column = e.vmstats.columns[item]!
  return cellOf(e, m, 'shown', column) + sumOfBlocks(e, m, column)
}

/** Who takes kernel memory, and where. `memcg` null: nobody pays. */
export interface Taker {
  readonly memcg: MemCgroup | null
  readonly cpu: Cpu
  /** In whose name: the task owes what is charged above memory.high. */
  readonly mm?: Mm
  /** The wanted node; 0 unless said. */
  readonly node?: NodeNumber
}

export class Lab {
  readonly #system: System
  readonly #shell: Process

  constructor({ kernel, cpus, with: settings = {} }: LabOptions) {
    const options = resolveOptions({ kernel, cpus, memory: '1T', with: settings }, 'manual')
    this.#system = System.boot(options, { bootTime: MANUAL_BOOT_TIME, owner: { uid: 0, gid: 0 } })
    this.#system.addPid(SHELL_PID)
    this.#shell = this.#system.process(this.#system.spawn({ pid: SHELL_PID }))
    this.write('/cgroup.subtree_control', '+memory')
  }

  get engine(): Engine {
    return this.#system.kernel.engine
  }

  mkdir(path: string): void {
    this.#expect(`mkdir ${path}`, this.#shell.mkdir(path, 0o755))
  }

  rmdir(path: string): void {
    this.#expect(`rmdir ${path}`, this.#shell.rmdir(path))
  }

  write(path: string, text: string): void {
    this.#expect(`echo ${text} > ${path}`, this.#shell.writeFile(path, text))
  }

  /** Writes lines to `.memcgfs/do` of a cgroup. */
  do(path: string, ...lines: readonly string[]): void {
    this.write(`${path}/.memcgfs/do`, `${lines.join('\n')}\n`)
  }

  read(path: string): string {
    const text = this.#shell.readFile(path)
    this.#expect(`cat ${path}`, isErrno(text) ? text : 0)
    return String(text)
  }

  /** The number on the line of that name in a file of `KEY VALUE` lines. */
  readKey(path: string, key: string): number {
    const line = this.read(path)
      .split('\n')
      .find(each => each.startsWith(`${key} `))
    assert(line !== undefined, `${path} has a line ${key}`)
    return Number(line.slice(key.length + 1))
  }

  #expect(what: string, result: number): void {
    assert(!isErrno(result), `an experiment may ${what}: ${isErrno(result) ? errnoName(result) : ''}`)
  }

  /** Lets time pass. */
  advance(time: Nanoseconds): void {
    this.#system.advance(time)
  }

  /** Runs everything that is deferred, however late it is due. */
  settle(): void {
    const { kernel } = this.#system
    while (Number.isFinite(kernel.nextDue)) this.#system.advance(kernel.nextDue - kernel.now)
  }

  memcg(path: string): MemCgroup {
    const { tree } = this.#system.kernel
    let cg: Cgroup = tree.hierarchies[0]!.root
    for (const name of path.split('/').filter(part => part !== '')) {
      const child = cg.children?.get(name)
      assert(child !== undefined, `there is a cgroup ${path}`)
      cg = child
    }
    return memcgFor(tree, cg)
  }

  cache(name: string): KmemCache {
    const found = findCache(this.engine.slab, name)
    assert(found !== undefined, `there is a cache ${name}`)
    return found
  }

  /** The address space of a task, by the name it was made with. */
  mm(task: string): Mm {
    const { mm } = this.#system.kernel.tree.tasksByName.get(task)!
    assert(mm !== null, `${task} has an address space`)
    return mm
  }

  /** The cache that objects are of, by its name in /proc/slabinfo: copies have that of their root. */
  nameOf({ runs }: KernelObjects): string {
    return runs.length === 0 ? '' : cacheOfSlab(this.engine.slab, runs[0]!.slab).name
  }

  /** The cache of an accounted kmalloc. */
  kmalloc(bytes: Bytes): KmemCache {
    const { machine, features } = this.engine
    return this.cache(kmallocCache(bytes, 'kmalloc-cg', machine, features))
  }

  /** A cache of objects that the table of caches does not have. */
  addCache(name: string, object: Bytes): KmemCache {
    const { slab, machine, features } = this.engine
    return addCache(slab, { name, object, account: true }, machine, features)
  }

  /** Takes objects; all of them, or the experiment is wrong about its limits. */
  take(cache: KmemCache, count: number, { memcg, cpu, mm, node = 0 }: Taker): KernelObjects {
    const objects = allocKernelObjects(this.engine, cache, count, { memcg, mm: mm ?? null, cpu, node, gfp: GFP_KERNEL })
    assert(objects.count === count, `memory for ${count} objects of ${cache.name}`)
    this.#system.kernel.settle()
    return objects
  }

  takePages(order: number, blocks: number, { memcg, cpu }: Taker): KernelPages {
    return allocKernelPages(this.engine, order, blocks, { memcg, mm: null, cpu, node: 0, gfp: GFP_KERNEL })
  }

  /** Frees objects, all of them unless said. */
  free(objects: KernelObjects, cpu: Cpu, count = objects.count): void {
    freeKernelObjects(this.engine, objects, count, cpu)
    this.#system.kernel.settle()
  }

  /** Takes the first objects of a group out as one of their own. */
  split(objects: KernelObjects, count: number): KernelObjects {
    return splitObjects(objects, count)
  }

  kmemPeak(memcg: MemCgroup): Pages {
    return watermark(this.engine.counters, memcg.kmem)
  }

  memoryPeak(memcg: MemCgroup): Pages {
    return watermark(this.engine.counters, memcg.memory)
  }
}
