/** Thread mode: who may become threaded, and what that does to the neighbours. Examples 5 to 10 of cgroup-core.md §10. */
import { transcript } from './transcript.ts'

transcript(
  'examples 5 and 6: a threaded controller above a process makes its cgroup a thread root',
  ['6.12'],
  `
  $ mkdir a a/b
  $ echo +cpu +pids +memory > cgroup.subtree_control
  $ echo +memory > a/cgroup.subtree_control
  a/b/$ task p bare
  $ write a/cgroup.subtree_control "+pids"
  5
  $ write a/b/cgroup.subtree_control "+pids"  # although p is inside
  5
  $ cat a/b/cgroup.type
  domain threaded
  $ write a/b/cgroup.subtree_control "+memory"
  EOPNOTSUPP
  $ mkdir a/b/c
  $ cat a/b/c/cgroup.type
  domain invalid
  $ cat a/b/c/cgroup.controllers
  pids
  $ echo $p > a/b/c/cgroup.procs
  EOPNOTSUPP
  $ echo $p > a/b/c/cgroup.threads
  EOPNOTSUPP
  $ write a/b/c/cgroup.subtree_control "+pids"
  EOPNOTSUPP

  $ write a/b/c/cgroup.type "threaded"
  8
  $ cat a/b/c/cgroup.type
  threaded
  $ cat a/b/c/cgroup.procs
  EOPNOTSUPP
  $ write a/b/c/cgroup.kill "1"
  EOPNOTSUPP
  $ echo $p > a/b/c/cgroup.procs
  $ cat a/b/c/cgroup.threads
  $p
  $ cat a/b/cgroup.procs  # a thread root lists the processes of its threaded subtree
  $p
  $ cat a/b/cgroup.threads
  $ write a/b/c/cgroup.type "threaded"
  8
  $ write a/b/c/cgroup.type "domain"
  EINVAL
  $ rmdir a/b/c
  EBUSY
`,
)

transcript(
  'example 7: siblings of a threaded cgroup cannot be used until they are threaded, too',
  ['6.12'],
  `
  $ echo +cpu +memory > cgroup.subtree_control
  $ mkdir t t/x t/x/y t/z
  $ echo threaded > t/x/cgroup.type
  $ cat t/cgroup.type
  domain threaded
  $ cat t/x/y/cgroup.type
  domain invalid
  $ cat t/z/cgroup.type
  domain invalid
  /$ task p bare
  $ echo $p > t/x/y/cgroup.procs
  EOPNOTSUPP
  $ echo $p > t/z/cgroup.procs
  EOPNOTSUPP
  $ write t/cgroup.subtree_control "+memory"
  EOPNOTSUPP
  $ write t/cgroup.subtree_control "+cpu"
  4
  $ write t/z/cgroup.subtree_control "+cpu"
  EOPNOTSUPP
`,
)

transcript(
  'example 8: the root is a thread root for everybody, and stays a domain',
  ['6.12'],
  `
  $ mkdir r1
  $ write r1/cgroup.type "threaded"
  8
  /$ task p bare
  $ echo $p > r1/cgroup.procs
  $ mkdir r2
  $ echo $p > r2/cgroup.threads  # p is in r1: another domain
  EOPNOTSUPP
  $ echo $p > r2/cgroup.procs
  $ cat r2/cgroup.type
  domain
`,
)

transcript(
  'example 9: a cgroup with processes cannot become threaded, its children can',
  ['6.12'],
  `
  $ mkdir r2
  r2/$ task p bare
  $ write r2/cgroup.type "threaded"
  EOPNOTSUPP
  $ mkdir r2/k
  $ write r2/k/cgroup.type "threaded"
  8
  $ cat r2/cgroup.type
  domain threaded
  $ echo $p > r2/k/cgroup.threads
  $ cat r2/k/cgroup.threads
  $p
  $ cat r2/cgroup.procs
  $p
  $ echo $p > r2/cgroup.threads
  $ rmdir r2/k
  $ cat r2/cgroup.type
  domain
`,
)

transcript(
  'example 10: a populated domain beside it keeps a cgroup from becoming threaded',
  ['6.12'],
  `
  $ mkdir d d/e d/f
  d/e/$ task p bare
  $ write d/f/cgroup.type "threaded"
  EOPNOTSUPP
  d/$ kill p
  $ write d/f/cgroup.type "threaded"
  8
  $ cat d/e/cgroup.type
  domain invalid
`,
)
