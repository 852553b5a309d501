/** cgroup.subtree_control: which controllers a cgroup hands down. Worked examples 1 to 4 of cgroup-core.md §10. */
import { transcript } from './transcript.ts'

transcript(
  'example 1: words are set apart by blanks, and the last one for a controller holds',
  ['6.12'],
  String.raw`
  $ write cgroup.subtree_control "+cpu +io -cpu"
  13
  $ cat cgroup.subtree_control
  io
  $ write cgroup.subtree_control "+cpu  -cpu +cpu"
  15
  $ cat cgroup.subtree_control
  cpu io
  $ write cgroup.subtree_control "+cpu,+io"
  EINVAL
  $ write cgroup.subtree_control "+cpu\n+io"
  EINVAL
  $ write cgroup.subtree_control "+cpu\t+io"
  EINVAL
  $ write cgroup.subtree_control ""
  0
  $ write cgroup.subtree_control "\n"
  1
  $ write cgroup.subtree_control "+"
  EINVAL
  $ write cgroup.subtree_control "++cpu"
  EINVAL
  $ write cgroup.subtree_control "+devices"
  EINVAL
  $ write cgroup.subtree_control "+perf_event"
  ENOENT
  $ write cgroup.subtree_control "-perf_event"
  11
  $ write cgroup.subtree_control "+memory +bogus"  # all of it or nothing
  EINVAL
  $ cat cgroup.subtree_control
  cpu io
`,
)

transcript(
  'example 2: only what the parent hands down can be handed on',
  ['6.12'],
  `
  $ mkdir a a/b
  $ write a/cgroup.subtree_control "+cpu"
  ENOENT
  $ write a/cgroup.subtree_control "+bogus"
  EINVAL
  $ write a/cgroup.subtree_control "-cpu"
  4
  $ echo +cpu +pids +memory > cgroup.subtree_control
  $ cat a/cgroup.controllers
  cpu memory pids
  $ cat a/b/cgroup.controllers
`,
)

/** What examples 3 to 6 go on from. */
const MEMORY_IN_A = `
  $ mkdir a a/b
  $ echo +cpu +pids +memory > cgroup.subtree_control
  $ write a/cgroup.subtree_control "+memory"
  7
`

transcript(
  'example 3: files appear with the controller, and nobody may take it away from those who hand it on',
  ['6.12'],
  `
  ${MEMORY_IN_A}
  $ ls a/b/memory.max
  a/b/memory.max
  $ ls a/b/cpu.max
  ENOENT
  $ ls a/b/pids.max
  ENOENT
  $ write cgroup.subtree_control "-memory"
  EBUSY
  $ write cgroup.subtree_control "-cpu -memory"
  EBUSY
  $ cat cgroup.subtree_control
  cpu memory pids
`,
)

transcript(
  'example 4: a cgroup that hands down domain controllers has no processes of its own',
  ['6.12'],
  `
  ${MEMORY_IN_A}
  /$ task p bare
  $ echo $p > a/cgroup.procs
  EBUSY
  $ echo $p > a/b/cgroup.procs
  $ cat a/b/cgroup.procs
  $p
  $ write a/b/cgroup.subtree_control "+memory"
  EBUSY
  $ write a/b/cgroup.subtree_control "+pids"  # not handed down by a
  ENOENT
`,
)
