/**
 * What the threads report and what is accepted of a simulation, by experiment: data of the reports. Bands are those of
 * slab-kmem.md §12 unless the row says otherwise; nothing that measures reads them.
 */
import type { Band, Claim, ParameterValues } from './experiment.ts'

export const exactly = (value: number): Band => ({ least: value, most: value })
const between = (least: number, most: number): Band => ({ least, most })
export const atLeast = (least: number): Band => between(least, Number.POSITIVE_INFINITY)

/** A rule says how the answer follows from the parameters. */
export const times = (factor: number, parameter: string) => (parameters: ParameterValues) =>
  exactly(factor * parameters[parameter]!)

/** A CPU of 5.9 holds back up to 32 pages of each statistic. */
const percpuBatched =
  (each: number) =>
  ({ children }: ParameterValues): Band =>
    between(each * children! - 8 * 32 * 4096, each * children!)

/** At least a page for each thread. */
const stacks = ({ threads }: ParameterValues): Band => atLeast(4096 * threads!)

const THREAD_000 = '"way off the real value"'
const THREAD_001 = '"release the memory cgroup without waiting"'

export const CLAIMS = {
  'percpu-flush': [
    claim('home-5.2', 'error on 5.2, freed where allocated', 'pages', '', exactly(0)),
    claim('home-5.3', 'error on 5.3, freed where allocated', 'pages', THREAD_000, times(66, 'rounds')),
    claim('home-5.5', 'error on 5.5, freed where allocated', 'pages', '"eventually consistent"', exactly(0)),
    claim('shown-5.2', 'memory.stat of 5.2', 'pages', '', null),
    claim('shown-5.3', 'memory.stat of 5.3', 'pages', '', exactly(66_033)),
    claim('shown-5.5', 'memory.stat of 5.5', 'pages', '', exactly(33)),
    claim('away-5.2', 'error on 5.2, freed on other CPUs', 'pages', '"dropped on floor"', times(33, 'rounds')),
    claim('away-5.3', 'error on 5.3, freed on other CPUs', 'pages', '', exactly(0)),
    claim('away-5.5', 'error on 5.5, freed on other CPUs', 'pages', '', exactly(0)),
  ],
  reparenting: [
    claim('zombies-5.2', 'zombies on 5.2', 'cgroups', '', times(1, 'rounds')),
    claim('zombies-5.3', 'zombies on 5.3', 'cgroups', THREAD_001, exactly(0)),
    claim('zombies-5.9', 'zombies on 5.9', 'cgroups', '', exactly(0)),
    claim('zombies-6.12', 'zombies on 6.12', 'cgroups', '', exactly(0)),
  ],
  'slab-utilization': [
    ...utilization('main', 'as given', '45 … 65 %', between(45, 65), between(35, 50)),
    ...utilization('more-survive', 'restarts 3, survive 0.25', '45 … 65 %', between(45, 65), null),
    ...utilization('fewer-restarts', 'restarts 2, survive 0.3', '45 … 65 %', between(45, 65), null),
    ...utilization('long-lived', 'restarts 1', 'best "around 85 %"', between(75, 90), null),
    claim('cpus-old', 'old, exact: lower than with a quarter of the CPUs by', 'points', '', atLeast(0)),
    claim('cpus-new', 'new, visible: differs from a quarter of the CPUs by', 'points', '', between(0, 6)),
    claim('restarts-old', 'old, exact: lower than without restarts by', 'points', '', atLeast(0)),
  ],
  sysbench: [
    claim('old', 'kmem of 5.5', 'pages of 64 KiB', '242, 247', between(150, 350)),
    claim('new', 'kmem with the patchset', 'pages of 64 KiB', '68, 71', null),
    claim('reduction', 'kmem: saved', '%', '72, 71', between(65, 80)),
    claim('usage', 'memory.usage_in_bytes: saved', '%', '0.5, 5', between(-6, 6)),
    claim('rising', 'saved: least rise with more active CPUs', 'points', '', atLeast(0)),
  ],
  'kernel-build': [
    claim('old', 'kmem of 5.5', 'pages of 64 KiB', '5165, 5216, 5196', null),
    claim('new', 'kmem with the patchset', 'pages of 64 KiB', '3539, 3608, 3564', null),
    claim('reduction', 'kmem: saved', '%', '31, 30, 31', between(25, 35)),
    claim('reduction-20', 'kmem: saved on 20 CPUs', '%', '', null),
    claim('reduction-80', 'kmem: saved on 80 CPUs', '%', '', null),
  ],
  'host-slab': [
    claim('old', 'Slab of 5.5', 'pages of 64 KiB', '12842', null),
    claim('new', 'Slab with the patchset', 'pages of 64 KiB', '9116', null),
    claim('saved', 'saved', 'pages of 64 KiB', '3726', null),
    claim('reduction', 'saved', '%', '29', between(20, 40)),
    claim('per-copy', 'pages of 5.5 for a (service, cache, CPU)', 'pages of 64 KiB', '', atLeast(1)),
  ],
  'test-kmem': [
    // The page counts of E12, and the bound of the test: 32 pages per CPU, twice, of 4 KiB.
    claim('basic-5.15', 'basic on 5.15: slab', 'bytes', '', times(200 + 136, 'names')),
    claim('basic-6.1', 'basic on 6.1: slab', 'bytes', '', times(200 + 136, 'names')),
    claim('deletion-5.3', 'memcg_deletion on 5.3: error', 'bytes', 'fails', exactly(55_705_600)),
    claim('deletion-5.5', 'memcg_deletion on 5.5: error', 'bytes', 'passes', between(0, 4096 * 32 * 2 * 8)),
    claim('deletion-5.9', 'memcg_deletion on 5.9: error', 'bytes', 'passes', between(0, 4096 * 32 * 2 * 8)),
    claim('deletion-6.1', 'memcg_deletion on 6.1: error', 'bytes', 'passes', between(0, 4096 * 64 * 2 * 8)),
    claim('stacks-5.3', 'kernel_stacks on 5.3', 'bytes', '', stacks),
    claim('stacks-5.9', 'kernel_stacks on 5.9', 'bytes', '', stacks),
    claim('stacks-6.12', 'kernel_stacks on 6.12', 'bytes', '', stacks),
    ...['5.2', '5.3', '5.9', '6.12'].flatMap(kernel => [
      claim(`dead-${kernel}`, `dead_cgroups on ${kernel}`, 'cgroups', '', exactly(0)),
      claim(
        `dead-names-${kernel}`,
        `dead_cgroups with names on ${kernel}`,
        'cgroups',
        '',
        exactly(kernel === '5.2' ? 30 : 0),
      ),
    ]),
    // Of one child on 8 CPUs and one node (slab-kmem.md §5.6).
    claim('percpu-5.9', 'percpu_basic on 5.9', 'bytes', '', percpuBatched(10 * 21_504)),
    claim('percpu-5.15', 'percpu_basic on 5.15', 'bytes', '', times(10 * 22_336, 'children')),
    claim('percpu-6.1', 'percpu_basic on 6.1', 'bytes', '', times(10 * 17_520, 'children')),
    claim('percpu-6.12', 'percpu_basic on 6.12', 'bytes', '', times(10 * 15_200, 'children')),
    claim('percpu-6.18', 'percpu_basic on 6.18', 'bytes', '', times(10 * 16_640, 'children')),
  ],
  'hotplug-deadlock': [
    claim('a-5.8', 'A on 5.8: threads in the cycle', '', '4', exactly(4)),
    claim('a-5.9', 'A on 5.9: threads in the cycle', '', '"appears to fix this deadlock"', exactly(0)),
    claim('b-5.8', 'B on 5.8: threads in the cycle', '', '3', exactly(3)),
    claim('b-5.9', 'B on 5.9: threads in the cycle', '', '"fixed in the mainline"', exactly(0)),
    claim('c-5.8', 'C on 5.8: workers blocked by a loop, no cycle', '', '1', exactly(1)),
    claim('c-5.9', 'C on 5.9: workers blocked by a loop', '', '', exactly(0)),
    claim('edge-5.8', 'lock order cgroup_mutex → mem_hotplug_lock on 5.8', 'edges', '"is bad"', exactly(1)),
    claim('edge-5.9', 'lock order cgroup_mutex → mem_hotplug_lock on 5.9', 'edges', '', exactly(0)),
  ],
} as const satisfies Record<string, readonly Claim[]>

export function claim(id: string, what: string, unit: string, thread: string, band: Claim['band']): Claim {
  return { id, what, unit, thread, band }
}

/** What is claimed of one variant of the fleet. The reduction is judged where its share of accounted slab is the thread's. */
function utilization(id: string, name: string, thread: string, old: Band, reduction: Band | null): Claim[] {
  const [seen, saved] = ['"high 90s"', '35 … 45 %']
  return [
    claim(`${id}-old-visible`, `${name}: old, visible`, '%', thread, old),
    claim(`${id}-old-exact`, `${name}: old, exact`, '%', '', null),
    claim(`${id}-new-visible`, `${name}: new, visible`, '%', '', atLeast(95)),
    claim(`${id}-new-exact`, `${name}: new, exact`, '%', '', null),
    claim(`${id}-off-visible`, `${name}: off, visible`, '%', seen, atLeast(95)),
    claim(`${id}-off-exact`, `${name}: off, exact`, '%', '', null),
    claim(`${id}-reduction`, `${name}: saved of the accounted slab`, '%', '', null),
    claim(`${id}-reduction-25`, `${name}: saved, 25 % accounted to nobody`, '%', saved, reduction),
    claim(`${id}-reduction-40`, `${name}: saved, 40 % accounted to nobody`, '%', saved, reduction),
  ]
}
