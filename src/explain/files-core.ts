/** The files every cgroup has, and those of the pids controller. Rules: cgroup-core.md §3 to §8. */
import { pathOf } from '../tree/cgroup.ts'
import { all, type Explanations, type Facts, fact, forAll } from './explanation.ts'
import {
  childrenFacts,
  controlFacts,
  dyingFacts,
  freezeFacts,
  sleepFacts,
  taskFacts,
  treeLimitFacts,
  typeFacts,
} from './tree-facts.ts'

/** Limits of the number of tasks from here up. */
const pidsFacts: Facts = ({ css }) => {
  const facts = []
  for (let level: typeof css | null = css; level?.pids; level = level.parent) {
    const { current, max, peak, events, eventsLocal } = level.pids
    const limit = Number.isFinite(max) ? max : 'max'
    facts.push(fact(`pids of ${pathOf(level.cgroup)}`, `${current} of ${limit}, at most ${peak} so far`))
    if (level === css) facts.push(fact('refused forks', `${events} counted here, ${eventsLocal} at the limit of here`))
  }
  return facts
}

export const coreFiles: Explanations = {
  'cgroup.type': {
    rule: 'domain; threaded after that word was written (for good); domain threaded for a cgroup with threaded children; domain invalid below a threaded one until it is made threaded, too: until then it takes no tasks and hands no controllers on.',
    numbers: typeFacts,
    features: ['threaded'],
  },
  'cgroup.procs': {
    rule: 'The processes whose leader is here, in the order they came, seen from the process namespace of the reader. Writing a number moves that process with all its threads; 0 is the writer.',
    numbers: all(taskFacts, controlFacts, typeFacts),
    features: ['procsCredentials'],
  },
  'cgroup.threads': {
    rule: 'The threads that are here. Writing a number moves that thread alone, within one threaded subtree.',
    numbers: all(taskFacts, typeFacts),
    features: ['threaded'],
  },
  'cgroup.controllers': {
    rule: 'Controllers that can be enabled for the children of this cgroup: those that the cgroup above has in its cgroup.subtree_control; on the root, those the kernel has and no other hierarchy uses.',
    numbers: controlFacts,
  },
  'cgroup.subtree_control': {
    rule: 'Controllers that are on for the children of this cgroup, and so have files there. With one that counts per domain on, a cgroup other than the root holds no processes itself.',
    numbers: all(controlFacts, taskFacts),
  },
  'cgroup.events': {
    rule: 'populated: there is a living task here or below; frozen: all of them are. It changes once per turn, and each change tells who polls or watches.',
    numbers: all(taskFacts, freezeFacts),
    features: ['eventsFrozenKey'],
  },
  ...forAll(['cgroup.max.descendants', 'cgroup.max.depth'], {
    rule: 'How many cgroups there may be below, and how far down. mkdir asks those of every cgroup on the way up. A value below what there is forbids new ones alone. Removed cgroups do not count.',
    numbers: treeLimitFacts,
  }),
  'cgroup.stat': {
    rule: 'Cgroups below that are alive, and that were removed and are still referenced: by charged memory, swap, or a grace period that is not over. On newer kernels the same per controller.',
    numbers: dyingFacts,
    features: ['statDying', 'slabReparent', 'lruReparent'],
  },
  'cgroup.stat.local': {
    rule: 'For how long the cgroup was to be frozen, in microseconds: from the write of cgroup.freeze, here or above, to its end.',
    numbers: freezeFacts,
  },
  'cgroup.freeze': {
    rule: 'What was written. The cgroup freezes when it or one above has 1; whether it is frozen stands in cgroup.events.',
    numbers: freezeFacts,
  },
  'cgroup.kill': {
    rule: 'Writing 1 kills every process here and below, frozen or not. It cannot be read, and no threaded cgroup can be killed by it.',
    numbers: taskFacts,
  },
  'cgroup.pressure': {
    rule: '0 hides the pressure files of this cgroup and stops counting its pressure; those below go on.',
    features: ['psiHide'],
  },
  ...forAll(['memory.pressure', 'cpu.pressure', 'io.pressure', 'irq.pressure'], {
    rule: 'For how much of the time some task, or all tasks that could run, waited for this: as averages over 10, 60 and 300 seconds, which go on every two seconds, and as a total in microseconds. In the model reclaim, refaults and swapping in are added to it without passing time, and sleeping in the kernel passes time.',
    numbers: all(taskFacts, sleepFacts),
    features: ['psi', 'psiMemFull', 'psiCpuFull', 'psiStall', 'psiWindowMinUs'],
  }),
}

export const pidsFiles: Explanations = {
  'pids.max': {
    rule: 'fork and clone fail with EAGAIN when the number of tasks here or in any cgroup above would pass its limit. Moving tasks in never asks, so there may be more than this; a limit below the present number only forbids new ones.',
    numbers: pidsFacts,
  },
  'pids.current': {
    rule: 'Tasks (threads, too) here and below, unreaped ones included.',
    numbers: all(pidsFacts, taskFacts),
  },
  'pids.peak': { rule: 'The most tasks there were here and below.', numbers: pidsFacts },
  'pids.events': {
    rule: 'max: how often a fork was refused: by a limit here or below on newer kernels, by any limit for a fork from here on older ones.',
    numbers: pidsFacts,
    features: ['pidsEvents'],
  },
  'pids.events.local': { rule: 'max: how often the limit of this very cgroup refused a fork.', numbers: pidsFacts },
}

export const coreFilesV1: Explanations = {
  ...forAll(['cgroup.procs', 'tasks'], {
    rule: 'The processes (tasks: threads) here, sorted, as they were when this description was first read; a list is kept for a second. Writing a number moves it; on version 1 any cgroup takes tasks.',
    numbers: taskFacts,
  }),
  'cgroup.clone_children': { rule: 'Children take over the settings of cpuset from here when they are made.' },
  'cgroup.sane_behavior': { rule: 'Always 0: what was once an experiment is version 2.' },
  notify_on_release: {
    rule: '1: when the last task and the last child are gone the release agent of the hierarchy is run. Children inherit it. Here no program is run; .memcgfs/log says when it would have been.',
    numbers: all(taskFacts, childrenFacts),
  },
  release_agent: {
    rule: 'The program that is told of cgroups that fall empty, as root; the administrator alone may name it.',
  },
}
