/**
 * The controllers of version 2, in the kernel's order (include/linux/cgroup_subsys.h).
 *
 * Those without files here count as controllers everywhere (cgroup.controllers, subtree_control, cgroup.stat, thread
 * mode); what they control, and their files, are not modelled yet.
 */
import type { Controller } from '../tree/controller.ts'
import { memory } from './memory.ts'
import { pids } from './pids.ts'

export { core } from './core.ts'

const withoutFiles = (name: string, traits: Partial<Controller> = {}): Controller => ({
  name,
  threaded: false,
  implicit: false,
  dependsOn: [],
  files: [],
  ...traits,
})

export const controllers: readonly Controller[] = [
  withoutFiles('cpuset', { threaded: true }),
  withoutFiles('cpu', { threaded: true }),
  withoutFiles('io', { dependsOn: ['memory'] }),
  memory,
  withoutFiles('perf_event', { threaded: true, implicit: true }),
  withoutFiles('hugetlb', { when: (_, { hugetlb }) => hugetlb }),
  pids,
  withoutFiles('rdma'),
  withoutFiles('misc'),
]
