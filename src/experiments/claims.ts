/**
 * What the threads report and what is accepted of a simulation, by experiment: data of the reports. Bands are those of
 * slab-kmem.md §12 unless the row says otherwise; nothing that measures reads them.
 */
import type { Band, Claim } from './experiment.ts'

const exactly = (value: number): Band => ({ least: value, most: value })
const between = (least: number, most: number): Band => ({ least, most })

export const CLAIMS = {
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

function claim(id: string, what: string, unit: string, thread: string, band: Claim['band']): Claim {
  return { id, what, unit, thread, band }
}
