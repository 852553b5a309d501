/**
 * The scene on which policies for the memory of removed cgroups are compared (charge-reclaim.md §16, WE-39): P with A, B
 * and C; A has memory of every kind, some of which tasks of B and C use, and is removed.
 */
import { usage } from '../engine/counter.ts'
import { findFile } from '../engine/file.ts'
import { swapOut } from '../engine/swapout.ts'
import { type Metric, measureZombies } from '../engine/zombiemetrics.ts'
import type { KernelId } from '../profiles/features.ts'
import type { Pages } from '../units.ts'
import { Lab } from './lab.ts'

/** Settings as of `--with`. */
export type Settings = Readonly<Record<string, string>>

/** What is read off the scene, in pages. */
export interface SceneNumbers {
  /** Charged to P itself. */
  readonly p: Pages
  readonly b: Pages
  readonly c: Pages
  readonly zombie: Pages
  readonly current: Pages
  readonly swap: Pages
  /** What keeps A. */
  readonly folios: Pages
  readonly slots: Pages
  readonly metrics: Readonly<Record<Metric, number>>
}

export class ZombieScene {
  readonly lab: Lab

  /** A is there and none of its tasks. `limit`: memory.max of B, in pages. */
  constructor(kernel: KernelId, settings: Settings, limit?: Pages) {
    // The memory of the cgroups themselves is left out: pages are counted.
    this.lab = new Lab({
      kernel,
      cpus: 1,
      with: { reclaim: 'ideal', writeback: 'timed', percpu_charge: 'none', ...settings },
    })
    this.#build()
    if (limit !== undefined) this.lab.write('/P/B/memory.max', String(limit * 4096))
  }

  #build(): void {
    const { lab } = this
    lab.mkdir('/P')
    lab.write('/P/cgroup.subtree_control', '+memory')
    for (const name of ['A', 'B', 'C']) lab.mkdir(`/P/${name}`)
    lab.do('/P/B', 'task b bare', 'anon b own 1000p')
    lab.do('/P/C', 'task c bare', 'anon c own 500p')
    lab.do(
      '/P/A',
      'task a bare',
      'file clean 4096p',
      'read a clean 0 4096p',
      'file dirty 1024p',
      'write a dirty 0 1024p',
    )
    lab.do('/P/A', 'file mapped 2048p', 'read a mapped 0 2048p')
    lab.do('/P/A', 'file shared 1024p fs=tmpfs', 'write a shared 0 1024p')
    lab.do('/P/A', 'file shown 512p fs=tmpfs', 'write a shown 0 512p')
    lab.do('/P/A', 'file swapped 768p fs=tmpfs', 'write a swapped 0 768p')
    lab.do('/P/B', 'map b mapped m', 'touch b m')
    lab.do('/P/C', 'map c shown m', 'touch c m')
    lab.do('/P/A', 'dmabuf a buffer 256p user=b', 'kpages a 0 128 tag=kernel', 'exit a')
    this.#swapOut('swapped')
    this.#drain()
  }

  #swapOut(name: string): void {
    const { engine } = this.lab
    for (const { batch } of [...findFile(engine, name)!.cache.extents]) swapOut(engine, batch!, null, 0)
  }

  /** Pages that are charged and not used would be counted. */
  #drain(): void {
    this.lab.do('', 'drain-stocks')
  }

  /** A is removed; all that follows from it has happened. */
  remove(): void {
    this.lab.rmdir('/P/A')
    this.lab.settle()
    this.#drain()
  }

  /** B goes on using `pages` pages of the file it maps. */
  touchB(pages: Pages): void {
    this.lab.do('/P/B', `touch b m ${pages}p`)
    this.#drain()
  }

  /** C goes on using the shared memory it maps. */
  touchC(): void {
    this.lab.do('/P/C', 'touch c m')
    this.#drain()
  }

  /** C reads the shared memory nobody mapped. */
  readC(): void {
    this.lab.do('/P/C', 'read c shared 0 1024p')
    this.#drain()
  }

  get numbers(): SceneNumbers {
    const { lab } = this
    const { engine } = lab
    const [p, b, c] = ['/P', '/P/B', '/P/C'].map(path => usage(engine.counters, lab.memcg(path).memory)) as [
      Pages,
      Pages,
      Pages,
    ]
    const metrics = measureZombies(engine).values
    const removed = engine.memcgs.filter(m => m !== null && !m.online)
    const pins = (kind: 'folios' | 'swap'): Pages => removed.reduce((sum, m) => sum + m!.pins[kind], 0)
    return {
      p: p - b - c - metrics.zombie_pages,
      b,
      c,
      zombie: metrics.zombie_pages,
      current: p,
      swap: usage(engine.counters, lab.memcg('/P').swap),
      folios: pins('folios'),
      slots: pins('swap'),
      metrics,
    }
  }
}
